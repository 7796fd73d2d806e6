package checkpoint

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"golang.org/x/sys/unix"

	"dsss/internal/limits"
	"dsss/internal/vfs"
)

// LogConfig configures OpenLog. The zero value is valid.
type LogConfig struct {
	// SegmentBytes is the size at which a new segment starts, at most
	// limits.SegmentMax. Zero means limits.Segment.
	SegmentBytes int64
	// First is the first sequence number of a log that is empty or missing.
	// Zero means 1. A log that exists goes on where it ended.
	First uint64
	// Tag is stored in the header of each segment this process starts; it is
	// for whoever examines the files. The epoch, say.
	Tag uint64
	// Bound is what is known of the log: one that is another, or ends before
	// it, is refused ([ErrIncomplete]). Zero: nothing is.
	Bound LogBound

	// Trust takes all segments but the last for what their names and sizes say,
	// instead of reading them: for a process that goes on at once where another
	// died, which can have damaged the last one only. Readers verify each record
	// in any case.
	Trust bool

	// FS is the file system that holds the log; nil means the operating
	// system's.
	FS vfs.FS
	// Rand gives a new log its ID and each segment its salt; nil means crypto/rand.
	Rand io.Reader

	here func() error // of the directory
}

func (c *LogConfig) validate() error {
	if c.SegmentBytes < 0 || c.SegmentBytes > limits.SegmentMax {
		return fmt.Errorf("LogConfig.SegmentBytes is %d: it must lie in 0..%d", c.SegmentBytes, limits.SegmentMax)
	}
	if c.SegmentBytes == 0 {
		c.SegmentBytes = limits.Segment
	}
	if c.First == 0 {
		c.First = 1
	}
	c.FS = orDefault(c.FS)
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return nil
}

// Log is a job's log on disk. All methods may be called concurrently; appends
// wait for each other, but not for a Sync under way.
type Log struct {
	dir string
	cfg LogConfig
	fs  vfs.FS // cfg.FS

	// Locks are taken in the order writing, syncing, mu.
	writing sync.Mutex // held by whoever changes the log
	syncing sync.Mutex // held during fdatasync, and when the active file changes

	// id and here change while the log is opened only.
	id   uint64
	here func() error // whether the directory is where it was; nil: not asked

	// Guarded by writing.
	buf   []byte
	spare chan vfs.File // yields the next segment's file, once; nil until it is begun

	// The active file and its header change under writing and syncing, so
	// either is enough to read them.
	active vfs.File
	header segmentHeader

	mu       sync.Mutex
	segments []segment // contiguous, oldest first; the last is the active one
	synced   int64     // bytes of the active segment that are on disk
	durable  uint64    // sequence numbers before it are on disk, or were given up
	failed   error     // once set, stays
	closed   bool
}

// segment describes one segment file.
type segment struct {
	segmentID
	next     uint64 // sequence numbers in it are first..next-1
	size     int64  // bytes of complete records and the header
	trailing bool   // it ends with a control record, at position next
}

// newSegment returns a segment that holds nothing yet.
func newSegment(id segmentID) segment {
	return segment{segmentID: id, next: id.first, size: segmentHeaderSize}
}

// add accounts for a record appended to the segment.
func (s *segment) add(r Record) {
	s.size += recordSize(len(r.Data))
	s.next = r.end()
	s.trailing = r.Count == 0
}

// before reports whether nothing in the segment concerns seq or later.
func (s *segment) before(seq uint64) bool {
	return s.next < seq || s.next == seq && !s.trailing
}

// First returns the first sequence number the log still has, or would have.
func (l *Log) First() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.segments[0].first
}

// Next returns the sequence number that the next record must start with.
func (l *Log) Next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tail().next
}

// Bound returns what is on disk now whatever happens: it holds as long as the log does.
func (l *Log) Bound() LogBound {
	l.mu.Lock()
	defer l.mu.Unlock()
	return LogBound{ID: l.id, Next: l.durable}
}

// Rolled returns the first sequence number of the active segment: what lies
// before it is on disk.
func (l *Log) Rolled() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tail().first
}

// tail returns the active segment. The caller holds mu.
func (l *Log) tail() *segment { return &l.segments[len(l.segments)-1] }

// usable returns the error that every change must return, if any.
func (l *Log) usable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	return l.failed
}

// fail makes the log refuse everything from now on, because what is on disk is
// no longer known, and returns the error to report.
func (l *Log) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = fmt.Errorf("%w: %w", ErrLogFailed, err)
	}
	return l.failed
}

// wrap names the directory and, for a full disk, the next step.
func (l *Log) wrap(doing string, err error) error {
	if errors.Is(err, ErrIncomplete) {
		return err // which names the directory, and the next step
	}
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%s log in %s: %w: free some space there", doing, l.dir, err)
	}
	return fmt.Errorf("%s log in %s: %w", doing, l.dir, err)
}

// Append writes a group of records, all or none, with one write. The records
// must continue the log: each First is the end of the one before. They are
// visible to readers when it returns, and on disk after the next Sync. The
// caller keeps recs and the data.
//
// A write that fails, with [unix.ENOSPC] say, is taken back and may be tried
// again. Where taking it back fails too, the error is [ErrLogFailed] and final.
func (l *Log) Append(recs []Record) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.usable(); err != nil {
		return l.wrap("append to", err)
	}
	l.mu.Lock()
	tail := *l.tail()
	l.mu.Unlock()
	size, err := checkGroup(recs, tail.next)
	if err != nil {
		return l.wrap("append to", err)
	}
	if len(recs) == 0 {
		return nil
	}
	full := tail.size >= l.cfg.SegmentBytes && tail.size > segmentHeaderSize
	if full && (tail.next > tail.first || tail.part < math.MaxUint16) {
		if err := l.roll(segmentHeader{segmentID: tail.then(tail.next)}); err != nil {
			return l.wrap("append to", err)
		}
	}
	if err := l.write(recs, size); err != nil {
		return l.wrap("append to", err)
	}
	l.prepare()
	return nil
}

// checkGroup returns the bytes the records take in a segment.
func checkGroup(recs []Record, next uint64) (int64, error) {
	var size int64
	for _, r := range recs {
		if r.First != next || r.end() < r.First {
			return 0, fmt.Errorf("%w: record %d+%d where %d is next", ErrOutOfOrder, r.First, r.Count, next)
		}
		if len(r.Data) > limits.LogRecord {
			return 0, fmt.Errorf("record %d of %d bytes is %w of %d", r.First, len(r.Data), ErrTooLarge, limits.LogRecord)
		}
		next = r.end()
		if size += recordSize(len(r.Data)); size > limits.LogGroup {
			return 0, fmt.Errorf("group from record %d is %w of %d bytes", recs[0].First, ErrTooLarge, limits.LogGroup)
		}
	}
	return size, nil
}

// write appends the records to the active segment. The caller holds writing.
func (l *Log) write(recs []Record, size int64) error {
	l.mu.Lock()
	tail, synced := *l.tail(), l.synced
	l.mu.Unlock()
	if tail.size+size > math.MaxUint32 {
		return fmt.Errorf("segment %d is %w of %d bytes", tail.first, ErrTooLarge, uint32(math.MaxUint32))
	}
	if int64(cap(l.buf)) < size {
		l.buf = make([]byte, 0, size)
	}
	b := l.buf[:0]
	start := tail.size
	for _, r := range recs {
		b = appendRecord(b, r, uint32(synced), l.header.salt)
		tail.add(r)
	}
	if cap(b) > limits.LogBuffer {
		l.buf = nil
	}
	if _, err := l.active.WriteAt(b, start); err != nil {
		if terr := l.takeBack(start); terr != nil {
			return l.fail(errors.Join(err, terr))
		}
		return err
	}
	l.mu.Lock()
	*l.tail() = tail
	l.mu.Unlock()
	return nil
}

// takeBack cuts off the rest of a failed write, and does so on disk, so that a
// crash cannot bring it back among what is written there next. The caller holds
// writing.
func (l *Log) takeBack(size int64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if err := l.active.Truncate(size); err != nil {
		return err
	}
	if err := l.active.Sync(); err != nil {
		return err
	}
	l.mu.Lock()
	l.synced, l.durable = size, l.tail().next
	l.mu.Unlock()
	return nil
}

// roll makes the active segment durable and starts the next one, so that only
// the last segment can ever be torn. The caller holds writing.
func (l *Log) roll(h segmentHeader) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if err := l.syncActive(); err != nil {
		return err
	}
	return l.start(h)
}

// start makes a new, empty segment, which h says where it begins and how, the
// active one. On an error the log is as it was. The caller holds writing and
// syncing.
func (l *Log) start(h segmentHeader) error {
	if l.here != nil {
		if err := l.here(); err != nil {
			return err // another directory may have its name by now
		}
	}
	id := h.segmentID
	h.tag, h.log = l.cfg.Tag, l.id
	if _, err := io.ReadFull(l.cfg.Rand, h.salt[:]); err != nil {
		return err
	}
	f, tmp, err := l.takeSpare(id)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(h.encode(), 0); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = l.fs.Rename(tmp, id.path(l.dir))
	}
	if err != nil {
		_ = l.fs.Remove(tmp)
		return errors.Join(err, f.Close())
	}
	if err := l.fs.SyncDir(l.dir); err != nil {
		return errors.Join(l.fail(err), f.Close())
	}
	if l.active != nil {
		if err := l.active.Close(); err != nil {
			return errors.Join(l.fail(err), f.Close())
		}
	}
	l.active, l.header = f, h
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = append(l.segments, newSegment(id))
	l.synced, l.durable = segmentHeaderSize, id.first
	return nil
}

// Sync returns when all that was appended before the call is on disk. An error
// is final: after a failed fsync the kernel may have dropped what it could not
// write and report success the next time (Rebello et al., "Can Applications
// Recover from fsync Failures?", USENIX ATC 2020), so the log accepts nothing
// more until it is opened again.
func (l *Log) Sync() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if err := l.usable(); err != nil {
		return l.wrap("sync", err)
	}
	if err := l.syncActive(); err != nil {
		return l.wrap("sync", err)
	}
	return nil
}

// syncActive syncs the active segment. The caller holds syncing.
func (l *Log) syncActive() error {
	l.mu.Lock()
	size, next, synced := l.tail().size, l.tail().next, l.synced
	l.mu.Unlock()
	if size == synced {
		return nil
	}
	if err := l.active.Sync(); err != nil {
		return l.fail(err)
	}
	l.mu.Lock()
	l.synced, l.durable = size, next
	l.mu.Unlock()
	return nil
}

// Close syncs the log and closes it. Readers already open stay usable. Further
// calls return nil.
func (l *Log) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.dropSpare()
	l.syncing.Lock()
	defer l.syncing.Unlock()
	switch err := l.usable(); {
	case errors.Is(err, ErrClosed):
		return nil
	case err == nil:
		if err := l.syncActive(); err != nil {
			return l.wrap("close", errors.Join(err, l.closeActive()))
		}
		// Gives back what was reserved behind the end; only space depends on it.
		l.mu.Lock()
		size := l.tail().size
		l.mu.Unlock()
		_ = l.active.Truncate(size)
	}
	if err := l.closeActive(); err != nil {
		return l.wrap("close", err)
	}
	return nil
}

func (l *Log) closeActive() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	return l.active.Close()
}
