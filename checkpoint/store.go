package checkpoint

import (
	"fmt"
	"path/filepath"

	"dsss/internal/vfs"
)

// Store is a directory of checkpoint files. Whoever writes to it (Create,
// Newest, Refuse, Retain) must be the job that owns the state directory; anyone
// may read. Its methods may be called concurrently, with one Writer at a time.
type Store struct {
	Dir string
	// FS is the file system that holds it; nil means the operating system's.
	FS vfs.FS

	here func() error // whether the directory is where it was; nil: not asked
}

// writable refuses a directory that has moved: another one may have its name by now.
func (s Store) writable() error {
	if s.here == nil {
		return nil
	}
	return s.here()
}

// HoldStore returns the checkpoints of the state directory at path, which exists, for a process that writes them and does
// not own the directory: the keeper. What is written there fails once path leads elsewhere. release ends that.
func HoldStore(path string) (s Store, release func(), err error) {
	s.Dir = filepath.Join(path, checkpointsDir)
	p, err := placeOf(s.Dir)
	if err != nil {
		return s, nil, fmt.Errorf("state directory: %w", err)
	}
	s.here = p.check
	return s, func() { _ = p.dir.Close() }, nil // it was only looked at
}

func (s Store) fs() vfs.FS { return orDefault(s.FS) }

// Create is [Store.Create] in a directory of the operating system's.
func Create(dir string, m Meta) (*Writer, error) { return Store{Dir: dir}.Create(m) }

// List is [Store.List] of a directory of the operating system's.
func List(dir string) ([]Info, error) { return Store{Dir: dir}.List() }

// Newest is [Store.Newest] of a directory of the operating system's.
func Newest(dir string, report func(path string, err error)) (*Reader, error) {
	return Store{Dir: dir}.Newest(report)
}

// Retain is [Store.Retain] in a directory of the operating system's.
func Retain(dir string, k int) error { return Store{Dir: dir}.Retain(k) }
