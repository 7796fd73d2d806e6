package wal

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"io"

	"dsss/internal/limits"
	"dsss/internal/vfs"
)

// Config configures Open. The zero value is valid.
type Config struct {
	// SegmentBytes is the size at which a new segment starts, at most limits.SegmentMax. Zero means limits.Segment.
	SegmentBytes int64
	// First is the first sequence number of a log that is empty or missing. Zero means 1. A log that exists goes on
	// where it ended.
	First uint64
	// Tag is stored in the header of each segment this process starts. It is for whoever examines the files. The
	// epoch, say.
	Tag uint64
	// Bound is what is known of the log: one that is another, or ends before it, is refused with a *BoundError. Zero:
	// nothing is.
	Bound Bound

	// Trust takes all segments but the last for what their names and sizes say, instead of reading them: for a process
	// that goes on at once where another died, which can have damaged the last one only. Readers verify each record in
	// any case.
	Trust bool

	// FS is the file system that holds the log; nil means the operating system's.
	FS vfs.FS
	// Rand gives a new log its ID and each segment its salt; nil means crypto/rand.
	Rand io.Reader
	// Here is called before a name in the directory changes. Its error, which says that another directory may have the
	// path by now, is that of the change. Nil: nothing is asked.
	Here func() error
}

func (c *Config) validate() error {
	if c.SegmentBytes < 0 || c.SegmentBytes > limits.SegmentMax {
		return fmt.Errorf("Config.SegmentBytes is %d: it must lie in 0..%d", c.SegmentBytes, limits.SegmentMax)
	}
	c.SegmentBytes, c.First = cmp.Or(c.SegmentBytes, limits.Segment), max(c.First, 1)
	if c.FS == nil {
		c.FS = vfs.OS
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Here == nil {
		c.Here = func() error { return nil }
	}
	return nil
}
