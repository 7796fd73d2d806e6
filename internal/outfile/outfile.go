// Package outfile writes the files that users name: reports, pictures, generated code.
//
// A name may lead to anything: a file, a link, a device, a FIFO, a descriptor (/dev/stdout). What is no plain file with
// that one name is written to and stays what it is. A plain file is replaced in one step, so that whoever reads it sees
// the old content or the new one.
package outfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"dsss/internal/vfs"
)

// Write writes b to what name leads to. Errors do not repeat the name.
func Write(name string, b []byte) error {
	f, err := Prepare(name, b)
	if err != nil {
		return err
	}
	return f.Commit()
}

// Check tells whether Write could write to what name leads to, as far as that can be told without writing.
func Check(name string) error {
	p, err := find(name)
	if err != nil {
		return reason(err)
	}
	if p.info == nil {
		return unix.Access(filepath.Dir(p.path), unix.W_OK)
	}
	return p.writable()
}

// A File is one that is ready to be written. Several are prepared first and then committed, so that a full disk leaves
// what was.
type File struct {
	place
	content []byte
	draft   *vfs.Draft // holds content already; nil: what is there is written to
}

// Prepare does all that may fail, as far as it can be done before what is there changes. It keeps b.
func Prepare(name string, b []byte) (*File, error) {
	p, err := find(name)
	if err != nil {
		return nil, reason(err)
	}
	f := &File{place: p, content: b}
	if p.info != nil {
		if err := p.writable(); err != nil {
			return nil, err
		}
		if !p.plain() {
			return f, nil
		}
	}
	if err := f.write(); err != nil {
		if p.info != nil && forbidden(err) { // only the file itself may be written
			return f, nil
		}
		return nil, reason(err)
	}
	return f, nil
}

// Commit writes the file.
func (f *File) Commit() error {
	if f.draft != nil {
		err := f.draft.Commit()
		if err == nil || f.info == nil || !forbidden(err) {
			return reason(err)
		}
	}
	to, err := f.open()
	if err != nil {
		return reason(err)
	}
	_, err = to.Write(f.content)
	return reason(errors.Join(err, to.Close()))
}

// Discard leaves what was; after Commit, and of a nil File, it does nothing.
func (f *File) Discard() {
	if f != nil {
		f.draft.Discard()
	}
}

// write drafts the content, with mode and owner of what is there.
func (f *File) write() (err error) {
	mode := fs.FileMode(0o666)
	if f.info != nil {
		mode = f.info.Mode().Perm()
	}
	name := filepath.Join(filepath.Dir(f.path), ".dsss-"+rand.Text())
	f.draft, err = vfs.NewDraft(files{vfs.OSWith(mode)}, f.path, name, f.content, f.likeness)
	return err
}

// files are the operating system's. A directory that may be written and not read cannot be synced; its names are as
// durable as those that other programs make there.
type files struct{ vfs.FS }

func (f files) SyncDir(path string) error {
	if err := f.FS.SyncDir(path); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// likeness gives a new file the mode and the owner of what is there.
func (f *File) likeness(file vfs.File) error {
	if f.info == nil {
		return nil
	}
	t := file.(vfs.Host).OSFile()
	mine, err := t.Stat()
	if err != nil {
		return err
	}
	want, is := f.info.Sys().(*syscall.Stat_t), mine.Sys().(*syscall.Stat_t)
	if want.Uid != is.Uid || want.Gid != is.Gid {
		if err := t.Chown(int(want.Uid), int(want.Gid)); err != nil {
			return err
		}
	}
	return t.Chmod(f.info.Mode().Perm())
}

// forbidden tells whether err says that a file may not be replaced, which it may be written nevertheless: others own
// the directory, or the file is mounted there.
func forbidden(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.EBUSY)
}

// A place is where a name leads.
type place struct {
	path       string
	info       fs.FileInfo // nil: nothing is there
	descriptor bool        // path is a link in /proc to what some process has open
}

// linksMost is how many links are followed, as the kernel does (path_resolution(7)).
const linksMost = 40

// find follows the links of name itself, also to what is not there yet.
func find(name string) (place, error) {
	for range linksMost {
		info, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			_, err := os.Stat(filepath.Dir(name))
			return place{path: name}, err
		}
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return place{path: name, info: info}, err
		}
		dir, err := filepath.EvalSymlinks(filepath.Dir(name))
		if err != nil {
			return place{}, err
		}
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err == nil && st.Type == unix.PROC_SUPER_MAGIC {
			info, err := os.Stat(name)
			return place{path: filepath.Join(dir, filepath.Base(name)), info: info, descriptor: true}, err
		}
		to, err := os.Readlink(name)
		if err != nil {
			return place{}, err
		}
		if name = to; !filepath.IsAbs(to) {
			name = filepath.Join(dir, to)
		}
	}
	return place{}, unix.ELOOP
}

// plain tells whether there is a file that has no other name.
func (p place) plain() bool {
	st, ok := p.info.Sys().(*syscall.Stat_t)
	return ok && p.info.Mode().IsRegular() && !p.descriptor && st.Nlink == 1
}

// writable tells whether this process may write to what is there.
func (p place) writable() error {
	switch {
	case p.info.IsDir():
		return unix.EISDIR
	case p.info.Mode()&fs.ModeSocket != 0 && !p.descriptor:
		return errors.New("it is a socket")
	}
	return unix.Access(p.path, unix.W_OK)
}

// open opens what is there. A FIFO waits for its reader. A descriptor's file is not cut: others write to it, too.
func (p place) open() (*os.File, error) {
	if !p.descriptor {
		return os.OpenFile(p.path, os.O_WRONLY|os.O_TRUNC, 0)
	}
	fd, err := strconv.Atoi(filepath.Base(p.path))
	if err == nil && filepath.Dir(p.path) == fmt.Sprintf("/proc/%d/fd", os.Getpid()) {
		if fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0); err != nil {
			return nil, err
		}
		return os.NewFile(uintptr(fd), p.path), nil // a socket could not be opened
	}
	return os.OpenFile(p.path, os.O_WRONLY|os.O_APPEND, 0)
}

// reason is err without the operation and path that its message begins with.
func reason(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
