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

	id segmentID
}

// Parts lists the segments in the directory of a log, oldest first, without reading them.
func Parts(dir string) ([]Part, error) {
	ids, err := segmentsIn(vfs.OS, dir)
	if err != nil {
		return nil, err
	}
	parts := make([]Part, 0, len(ids))
	for _, id := range ids {
		st, err := os.Stat(id.path(dir))
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{Path: id.path(dir), First: id.first, Bytes: st.Size(), id: id})
	}
	return parts, nil
}

// Verify reads the segment. It returns the sequence number behind its last record, and how many bytes at its end belong
// to no whole record, which only the last segment may have; else the error is a *CorruptError that names the place.
func (p Part) Verify(last bool) (next uint64, torn int64, err error) {
	f, err := vfs.OS.OpenFile(p.Path, os.O_RDONLY)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return 0, 0, err
	}
	seg, _, _, err := scan(f, size, p.Path, p.id, last)
	if err != nil {
		return 0, 0, err
	}
	return seg.next, size - seg.size, nil
}

// Check tells whether the log in dir, which may be in use, is the one that the bound is of and reaches as far; if not,
// the error is a *BoundError. It reads the end only; see [Part.Verify] for the rest.
func Check(dir string, bound Bound) error {
	cfg := Config{Bound: bound, Trust: true, FS: vfs.OS}
	_, err := cfg.survey(dir)
	return err
}
