package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// OS is the operating system's file system. It uses Linux system calls
// (statfs, fdatasync, fallocate).
var OS = OSWith(0o666)

// OSWith is OS, but for the mode of the files it makes, of which the umask still takes away.
func OSWith(mode fs.FileMode) FS { return osFS{mode} }

// Host is a File of the operating system. Those that are not Remote may be
// mapped into memory.
type Host interface {
	File
	// OSFile returns the file beneath, which Close closes.
	OSFile() *os.File
}

type osFS struct{ mode fs.FileMode }

func (o osFS) OpenFile(path string, flag int) (File, error) {
	f, err := os.OpenFile(path, flag, o.mode)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) Mkdir(path string) error               { return os.Mkdir(path, 0o777) }
func (osFS) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }
func (osFS) Rename(from, to string) error          { return os.Rename(from, to) }
func (osFS) Remove(path string) error              { return os.Remove(path) }

func (osFS) ReadDir(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// SyncDir takes EINVAL for success: file systems that cannot sync a directory
// say so at once for every directory, and offer nothing better.
func (osFS) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	return nil
}

// Lock takes a flock, which the kernel ends with the process. It is on the
// directory itself: a file in it could be removed, and another one locked. One
// that lost its name between the opening and the locking excludes nobody; then
// it starts again.
func (osFS) Lock(path string) (io.Closer, error) {
	for {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				err = ErrLocked
			}
			return nil, &fs.PathError{Op: "flock", Path: path, Err: err}
		}
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if named, err := os.Stat(path); err == nil && os.SameFile(mine, named) {
			return f, nil
		}
		f.Close()
	}
}

func (osFS) Remote(path string) (bool, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(path, &st)
		if err == nil {
			return RemoteType(uint32(st.Type)), nil
		}
		if !errors.Is(err, unix.EINTR) {
			return false, &fs.PathError{Op: "statfs", Path: path, Err: err}
		}
	}
}

// osFile is a file whose Sync is fdatasync, which leaves the modification time
// behind and nothing else.
type osFile struct{ *os.File }

func (f osFile) OSFile() *os.File { return f.File }

func (f osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

func (f osFile) Sync() error {
	return f.retry("fdatasync", func(fd int) error { return unix.Fdatasync(fd) })
}

func (f osFile) Allocate(size int64) error {
	err := f.retry("fallocate", func(fd int) error { return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, size) })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return &fs.PathError{Op: "fallocate", Path: f.Name(), Err: errors.ErrUnsupported}
	}
	return err
}

func (f osFile) retry(op string, call func(fd int) error) error {
	for {
		err := call(int(f.Fd()))
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return &fs.PathError{Op: op, Path: f.Name(), Err: err}
		}
	}
}
