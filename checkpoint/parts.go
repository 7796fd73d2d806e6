package checkpoint

import (
	"os"
	"path/filepath"

	"dsss/internal/vfs"
)

// Part is one segment of a log, for whoever examines the files. The log may be
// in use.
type Part struct {
	Path  string `json:"path"`
	First uint64 `json:"first"` // its first sequence number
	Bytes int64  `json:"bytes"` // size of the file

	id segmentID
}

// Parts lists the segments of the log in a state directory, oldest first, without
// reading them.
func Parts(stateDir string) ([]Part, error) {
	dir := filepath.Join(stateDir, logDir)
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

// Verify reads the segment and returns the sequence number behind its last
// record, and how many bytes at its end belong to no whole record, which only the
// last segment may have; else the error is a *CorruptError that names the place.
func (p Part) Verify(last bool) (next uint64, torn int64, err error) {
	f, err := os.Open(p.Path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	seg, _, _, err := scan(f, st.Size(), p.Path, p.id, last)
	if err != nil {
		return 0, 0, err
	}
	return seg.next, st.Size() - seg.size, nil
}

// CheckLog tells whether the log in a state directory, which may be in use, is the one of the job's record and reaches as
// far as it says. It reads the end only; see [Part.Verify] for the rest.
func CheckLog(stateDir string, job Job) error {
	cfg := LogConfig{Bound: job.Log, Trust: true}
	if err := cfg.validate(); err != nil {
		return err
	}
	_, err := cfg.survey(filepath.Join(stateDir, logDir))
	return err
}
