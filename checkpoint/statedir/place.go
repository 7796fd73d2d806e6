package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"dsss/checkpoint/snapshot"
)

// CheckpointDirOf returns the path of the checkpoints of the state directory at path.
func CheckpointDirOf(path string) string { return filepath.Join(path, checkpointsDir) }

// HoldStore returns the checkpoints of the state directory at path, which exists, for a process that writes them and does
// not own the directory: the keeper. What is written there fails once path leads elsewhere. release ends that.
func HoldStore(path string) (s snapshot.Store, release func(), err error) {
	s.Dir = CheckpointDirOf(path)
	p, err := placeOf(s.Dir)
	if err != nil {
		return s, nil, fmt.Errorf("state directory: %w", err)
	}
	s.Here = p.check
	return s, func() { _ = p.dir.Close() }, nil // it was only looked at
}

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
	if err != nil || held.Sys().(*syscall.Stat_t).Nlink == 0 { // a directory that was removed has no name
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
