// Package build tells builds of a program from one another by the content of their files, and starts processes from a
// program as it was when it was opened, whatever happened to its file since.
package build

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"dsss/internal/launchenv"
)

// ErrChanged is wrapped by errors about a program that is not any more what it was when it was opened.
var ErrChanged = errors.New("it is not what it was when the job began")

// A stamp changes with the content of a file, and for other reasons too.
type stamp struct {
	dev, ino     uint64
	size         int64
	mtime, ctime int64 // in nanoseconds of the Unix epoch
}

// prefix is how a value of launchenv.VarBuild begins that is about this file as it is.
func (s stamp) prefix() string {
	return fmt.Sprintf("%d:%d:%d:%d:%d:", s.dev, s.ino, s.size, s.mtime, s.ctime)
}

func stampOf(st *unix.Stat_t) stamp {
	return stamp{uint64(st.Dev), st.Ino, st.Size, st.Mtim.Nano(), st.Ctim.Nano()}
}

func (s stamp) sameFile(o stamp) bool { return s.dev == o.dev && s.ino == o.ino }

func stampAt(path string) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return stamp{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return stampOf(&st), nil
}

// A File is a program as it was when it was opened. One goroutine at a time uses it.
type File struct {
	path string
	file *os.File
	elf  bool   // else something that an interpreter opens by its path
	sum  string // empty: the program may be run, but not read
	at   stamp  // when sum was true
}

// Open opens the program at path, which must be a regular file, and reads it once.
func Open(path string) (*File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return nil, err
	}
	f := &File{path: path, elf: true}
	f.file, err = os.Open(path)
	if errors.Is(err, fs.ErrPermission) { // an interpreter could not read it either
		f.file, err = os.OpenFile(path, unix.O_PATH, 0)
		if err == nil {
			f.at, err = f.stamp()
		}
		return f, err
	}
	if err != nil {
		return nil, err
	}
	if f.at, err = f.stamp(); err == nil {
		magic := make([]byte, 4)
		n, _ := f.file.ReadAt(magic, 0) // a file that is too short is no ELF
		f.elf = bytes.Equal(magic[:n], []byte("\x7fELF"))
		f.sum, err = sumOf(f.file)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close lets go of the program.
func (f *File) Close() error { return f.file.Close() }

// Var renders the variable by which children that run this very file know its digest without reading it.
func (f *File) Var() string { return launchenv.VarBuild + "=" + f.at.prefix() + f.sum }

// Start calls start with a path by which the program can be executed now, and which may lead nowhere later. Its last
// element is the program's own, so that a process that start makes has the program's name. An error that wraps ErrChanged
// says that start was not called.
//
// An interpreter opens its script by path, so one that is not there any more, or has another content, is refused. Other
// programs are started from the file that was opened, also when the path leads elsewhere by now.
func (f *File) Start(start func(path string) error) error {
	there, err := stampAt(f.path)
	if err == nil && there == f.at {
		return start(f.path)
	}
	if !f.elf {
		return f.startScript(start)
	}
	if err := f.unchanged(); err != nil {
		return err
	}
	if err == nil && there.sameFile(f.at) {
		return start(f.path)
	}
	return f.startOpened(start)
}

// unchanged compares the content of the file that was opened with what it was.
func (f *File) unchanged() error {
	now, err := f.stamp()
	if err != nil || now == f.at {
		return err
	}
	if f.sum == "" {
		if now.size != f.at.size || now.mtime != f.at.mtime {
			return changed(f.path)
		}
	} else if sum, err := sumOf(f.file); err != nil {
		return err
	} else if sum != f.sum {
		return changed(f.path)
	}
	f.at = now
	return nil
}

func changed(path string) error {
	return fmt.Errorf("%s: %w: put back what was there, or end the job and go on from its state with --resume, which takes what is there now", path, ErrChanged)
}

func (f *File) startScript(start func(path string) error) error {
	now, err := Open(f.path)
	if err != nil {
		return fmt.Errorf("%w (%w)", changed(f.path), err)
	}
	if err := now.Close(); err != nil {
		return err
	}
	if now.sum != f.sum {
		return changed(f.path)
	}
	return start(f.path)
}

// startOpened makes a link to the file that was opened, because a process is named after the path that it was executed by.
func (f *File) startOpened(start func(path string) error) error {
	self, err := os.Readlink("/proc/self") // not os.Getpid: the /proc may be another namespace's
	if err != nil {
		return fmt.Errorf("%s is not where it was, and what was opened cannot be started without /proc: %w", f.path, err)
	}
	opened := fmt.Sprintf("/proc/%s/fd/%d", self, f.file.Fd())
	dir, err := os.MkdirTemp("", "dsss-")
	if err == nil {
		defer os.RemoveAll(dir)
		link := filepath.Join(dir, filepath.Base(f.path))
		if err = os.Symlink(opened, link); err == nil {
			return start(link)
		}
	}
	return start(opened) // only the name is lost
}

func (f *File) stamp() (stamp, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.file.Fd()), &st); err != nil {
		return stamp{}, &fs.PathError{Op: "stat", Path: f.path, Err: err}
	}
	return stampOf(&st), nil
}

// sumOf returns the SHA-256 digest of a file in hexadecimal digits, as sha256sum prints it.
func sumOf(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Self returns the digest of the file that this process runs, as sha256sum prints it, or "" when it cannot be read. It is
// worked out once: what a process runs does not change.
var Self = sync.OnceValue(func() string {
	const exe = "/proc/self/exe"
	at, err := stampAt(exe)
	if err != nil {
		return ""
	}
	if sum, ok := strings.CutPrefix(os.Getenv(launchenv.VarBuild), at.prefix()); ok {
		return sum // the launcher has read the same file
	}
	f, err := os.Open(exe)
	if err != nil {
		return ""
	}
	defer f.Close()
	sum, _ := sumOf(f) // "" if it fails
	return sum
})

// Short is a digest as people are told it.
func Short(sum string) string {
	if sum == "" {
		return "unknown"
	}
	return "sha256 " + sum[:min(len(sum), 12)]
}
