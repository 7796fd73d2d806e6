package outfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const text = "new content\n"

// leftBehind reports files in the making.
func leftBehind(t *testing.T, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".dsss-*"))
	if err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func oldFile(t *testing.T, name string, mode fs.FileMode) string {
	t.Helper()
	if err := os.WriteFile(name, []byte("old, and longer than what is new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func inode(t *testing.T, name string) uint64 {
	t.Helper()
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

// Files and links to them are written; a plain file is replaced, and whoever has the old one open keeps it.
func TestFilesAndLinks(t *testing.T) {
	for name, c := range map[string]struct {
		setUp    func(dir string) error // "out" is what is written
		file     string                 // where the content is then
		replaced bool
	}{
		"new":             {func(string) error { return nil }, "out", false},
		"there already":   {func(string) error { return nil }, "old", true},
		"link":            {func(d string) error { return os.Symlink("old", filepath.Join(d, "out")) }, "old", true},
		"link to nothing": {func(d string) error { return os.Symlink("sub/new", filepath.Join(d, "out")) }, "sub/new", false},
		"link to a link": {func(d string) error {
			return errors.Join(os.Symlink("sub/up", filepath.Join(d, "out")), os.Symlink("../old", filepath.Join(d, "sub", "up")))
		}, "old", true},
		"link in a linked directory": {func(d string) error {
			return errors.Join(os.Symlink(filepath.Join(d, "sub"), filepath.Join(d, "side")),
				os.Symlink("../old", filepath.Join(d, "sub", "up")), os.Symlink("side/up", filepath.Join(d, "out")))
		}, "old", true},
		"two names": {func(d string) error { return os.Link(filepath.Join(d, "old"), filepath.Join(d, "out")) }, "old", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			old := oldFile(t, filepath.Join(dir, "old"), 0o640)
			if err := errors.Join(os.Mkdir(filepath.Join(dir, "sub"), 0o777), c.setUp(dir)); err != nil {
				t.Fatal(err)
			}
			out, before := filepath.Join(dir, "out"), inode(t, old)
			if name == "there already" {
				out = old
			}
			link, _ := os.Readlink(out)
			if err := errors.Join(Check(out), Write(out, []byte(text))); err != nil {
				t.Fatal(err)
			}
			if got := read(t, filepath.Join(dir, c.file)); got != text {
				t.Errorf("content %q", got)
			}
			if now, _ := os.Readlink(out); now != link {
				t.Errorf("the link led to %q and leads to %q", link, now)
			}
			if replaced := inode(t, old) != before; replaced != c.replaced {
				t.Errorf("replaced: %v", replaced)
			}
			if info, err := os.Stat(old); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("the old file's mode: %v, %v", info.Mode(), err)
			}
			leftBehind(t, dir)
			leftBehind(t, filepath.Join(dir, "sub"))
		})
	}
}

// A new file gets the mode that any program's would.
func TestModeOfNewFile(t *testing.T) {
	dir := t.TempDir()
	plain, ours := filepath.Join(dir, "plain"), filepath.Join(dir, "ours")
	if err := errors.Join(os.WriteFile(plain, nil, 0o666), Write(ours, nil)); err != nil {
		t.Fatal(err)
	}
	a, errA := os.Stat(plain)
	b, errB := os.Stat(ours)
	if err := errors.Join(errA, errB); err != nil || a.Mode() != b.Mode() {
		t.Errorf("%v, want %v, %v", b.Mode(), a.Mode(), err)
	}
}

// What is no file stays what it is.
func TestFIFO(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "fifo")
	link := filepath.Join(dir, "link")
	if err := errors.Join(unix.Mkfifo(name, 0o600), os.Symlink("fifo", link)); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{name, link} {
		got := make(chan string)
		go func() {
			b, err := os.ReadFile(name)
			got <- fmt.Sprint(string(b), err)
		}()
		if err := errors.Join(Check(out), Write(out, []byte(text))); err != nil {
			t.Fatal(err)
		}
		if s := <-got; s != text+"<nil>" {
			t.Errorf("read %q", s)
		}
		if info, err := os.Lstat(name); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
			t.Errorf("it is %v now, %v", info, err)
		}
	}
	leftBehind(t, dir)
}

// A device takes what is written, or says why not. One of our own stands for /dev/null where we may make one.
func TestDevice(t *testing.T) {
	null := "/dev/null"
	if os.Geteuid() == 0 {
		mine := filepath.Join(t.TempDir(), "null")
		if err := unix.Mknod(mine, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err == nil {
			null = mine
		} else {
			t.Logf("no device of our own, /dev/null is tried: %v", err)
		}
	}
	if err := errors.Join(Check(null), Write(null, []byte(text))); err != nil && !errors.Is(err, fs.ErrPermission) { // mounted nodev
		t.Error(err)
	}
	if info, err := os.Lstat(null); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		t.Fatalf("%s is %v now, %v", null, info, err)
	}
	if err := Write("/dev/full", []byte(text)); !errors.Is(err, unix.ENOSPC) || err.Error() != "no space left on device" {
		t.Errorf("/dev/full: %v", err)
	}
}

// The name of a descriptor means what is open there, and what else is written to it stays.
func TestDescriptors(t *testing.T) {
	dir := t.TempDir()
	f, err := os.OpenFile(filepath.Join(dir, "log"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := f.WriteString("before\n"); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(fmt.Sprintf("/dev/fd/%d", f.Fd()), link); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{fmt.Sprintf("/dev/fd/%d", f.Fd()), fmt.Sprintf("/proc/self/fd/%d", f.Fd()), link, fmt.Sprintf("/dev/fd/%d", w.Fd())} {
		if err := errors.Join(Check(out), Write(out, []byte(text))); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
	}
	if _, err := f.WriteString("after\n"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, f.Name()); got != "before\n"+strings.Repeat(text, 3)+"after\n" {
		t.Errorf("file: %q", got)
	}
	w.Close()
	if b, err := io.ReadAll(r); err != nil || string(b) != text {
		t.Errorf("pipe: %q, %v", b, err)
	}
	leftBehind(t, dir)
}

// What cannot be written is known beforehand where it can be, and what was there stays.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	loop := filepath.Join(dir, "loop")
	socket, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		dir: "is a directory", filepath.Join(dir, "no", "x"): "no such file or directory", "/dev/null/x": "not a directory",
		loop: "too many levels of symbolic links", filepath.Join(dir, "socket"): "it is a socket",
		filepath.Join(dir, "x") + "/": "no such file or directory", filepath.Join(dir, strings.Repeat("x", 300)): "file name too long",
	} {
		for _, err := range []error{Check(name), Write(name, []byte(text))} {
			if err == nil || err.Error() != want {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
	}
	if os.Geteuid() != 0 {
		readOnly := oldFile(t, filepath.Join(dir, "read-only"), 0o400)
		if err := Write(readOnly, []byte(text)); !errors.Is(err, fs.ErrPermission) || read(t, readOnly) == text {
			t.Errorf("read-only file: %v", err)
		}
	}
	leftBehind(t, dir)
}

// A file in a directory of others is written where it is, and keeps its owner.
func TestOthersDirectory(t *testing.T) {
	dir := t.TempDir()
	name := oldFile(t, filepath.Join(dir, "out"), 0o600)
	if os.Geteuid() == 0 { // root may everything: the owner shows
		if err := os.Chown(name, 1234, 1235); err != nil {
			t.Fatal(err)
		}
	} else if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	err := errors.Join(Check(name), Write(name, []byte(text)))
	if err := errors.Join(err, os.Chmod(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 || read(t, name) != text {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if st := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 && (st.Uid != 1234 || st.Gid != 1235) {
		t.Errorf("owner is %d:%d now", st.Uid, st.Gid)
	}
	leftBehind(t, dir)
}

// Nothing changes before Commit.
func TestPrepare(t *testing.T) {
	dir := t.TempDir()
	name := oldFile(t, filepath.Join(dir, "out"), 0o600)
	for _, out := range []string{name, filepath.Join(dir, "new")} {
		f, err := Prepare(out, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		f.Discard()
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); read(t, name) == text || !errors.Is(err, fs.ErrNotExist) {
		t.Error("changed")
	}
	leftBehind(t, dir)
}
