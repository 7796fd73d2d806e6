package snapshot

import (
	"cmp"

	"dsss/internal/vfs"
)

// defaultFS is what a Store that names no file system means, and where TMPDIR is. Tests replace it.
var defaultFS = vfs.OS

// Store is a directory of checkpoint files. Whoever writes to it (Create, Newest, Refuse, Retain) must be the job that
// owns the state directory; anyone may read. Its methods may be called concurrently, with one Writer at a time.
type Store struct {
	Dir string
	// FS is the file system that holds it; nil means the operating system's.
	FS vfs.FS
	// Here is called before a name in the directory changes. Its error, which says that another directory may have the
	// path by now, is that of the change. Nil: nothing is asked.
	Here func() error
}

func (s Store) writable() error {
	if s.Here == nil {
		return nil
	}
	return s.Here()
}

func (s Store) fs() vfs.FS { return cmp.Or(s.FS, defaultFS) }
