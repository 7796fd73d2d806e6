package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// CheckpointDirOf returns the path to give to [Create] for the state directory at path, to a process that writes
// checkpoints but does not own the directory: the keeper.
func CheckpointDirOf(path string) string { return filepath.Join(path, checkpointsDir) }

// A place is a directory that is held open, and the path that led to it.
type place struct {
	path string
	dir  *os.File
}

func placeOf(path string) (place, error) {
	dir, err := os.Open(path)
	return place{path, dir}, err
}

// check tells whether the path still leads to the directory, and if not where that is now.
func (p place) check() error {
	held, err := p.dir.Stat()
	if err != nil {
		return nil // closed, or out of reach: that shows where it is used
	}
	named, err := os.Stat(p.path)
	switch {
	case err == nil && os.SameFile(held, named):
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR):
		return nil // out of reach for now
	}
	now, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", p.dir.Fd()))
	if links := linksOf(held); err != nil || links == 0 {
		return fmt.Errorf("%w: %s was removed: what the job writes is lost with it", ErrMoved, p.path)
	}
	return fmt.Errorf("%w: %s is %s now: move it back, or resume from there", ErrMoved, p.path, now)
}

// Check returns an error that matches [ErrMoved] when the path of the directory, or of its log or checkpoints, leads
// somewhere else than when it was opened: what is written by name then goes astray, so PutJob, the log and the store refuse
// to. It costs a few system calls.
func (d *Dir) Check() error {
	for _, p := range d.places {
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}

// leave lets go of the open directories. Check finds nothing then.
func (d *Dir) leave() {
	for _, p := range d.places {
		_ = p.dir.Close() // it was only looked at
	}
}

// linksOf returns how many names a file has; a directory that was removed has none.
func linksOf(info fs.FileInfo) uint64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return uint64(st.Nlink)
}
