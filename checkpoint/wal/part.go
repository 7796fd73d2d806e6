package wal

import (
	"os"

	"dsss/internal/vfs"
)

// Part is one segment of a log, for whoever examines the files. The log may be in use.
type Part struct {
	Path  string `json:"path"`
	First uint64 `json:"first"` // its first sequence number
	Bytes int64  `json:"bytes"` // size of the file
}

// Parts lists the segments in the directory of a log, oldest first, without reading them.
func Parts(dir string) ([]Part, error) {
	firsts, err := segmentsIn(vfs.OS, dir)
	if err != nil {
		return nil, err
	}
	parts := make([]Part, 0, len(firsts))
	for _, first := range firsts {
		path := segmentPath(dir, first)
		st, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{Path: path, First: first, Bytes: st.Size()})
	}
	return parts, nil
}

// Verify reads the segment. It returns the sequence number behind its last record, and how many bytes at its end belong
// to no whole record, which only the last segment may have; else the error is a *CorruptError that names the place.
func (p Part) Verify(last bool) (next uint64, torn int64, err error) {
	s, err := load(vfs.OS, p.Path, p.First, last, 0)
	return s.next, s.torn, err
}

// Check tells whether the log in dir, which may be in use, is the one that the bound is of and reaches as far; if not,
// the error is a *BoundError. It reads the end only; see [Part.Verify] for the rest.
func Check(dir string, bound Bound) error {
	cfg := Config{Bound: bound, Trust: true, FS: vfs.OS}
	_, err := cfg.survey(dir)
	return err
}
