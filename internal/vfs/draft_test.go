package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// full is a disk without room.
type full struct{ FS }

func (d full) OpenFile(path string, flag int) (File, error) {
	f, err := d.FS.OpenFile(path, flag)
	return noRoom{f}, err
}

type noRoom struct{ File }

func (noRoom) WriteAt([]byte, int64) (int, error) { return 0, unix.ENOSPC }

// TestWriteFile: what a crash left of an earlier draft is replaced, its mode too; a write that fails leaves the old file and
// nothing else.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "access")
	if err := errors.Join(os.WriteFile(path+TmpSuffix, []byte("of an earlier one, and longer"), 0o666), os.Chmod(path+TmpSuffix, 0o666)); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(OSWith(0o600), path, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(full{OS}, path, []byte("more")); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("on a full disk: %v", err)
	}
	b, err := ReadFile(OS, path)
	info, serr := os.Stat(path)
	if err := errors.Join(err, serr); err != nil || string(b) != "secret" || info.Mode().Perm() != 0o600 {
		t.Errorf("%q, %v, %v", b, info.Mode(), err)
	}
	if names, err := OS.ReadDir(dir); len(names) != 1 || err != nil {
		t.Errorf("the directory holds %v, %v", names, err)
	}
}

// TestDraft: nothing changes before Commit, and after Discard nothing has.
func TestDraft(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	draft := func() *Draft {
		d, err := NewDraft(OS, path, filepath.Join(dir, "draft"), []byte("text"), func(f File) error {
			size, err := f.Size()
			if size != 0 {
				t.Error("prepared after it was written")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	draft().Discard()
	if names, err := OS.ReadDir(dir); len(names) != 0 || err != nil {
		t.Errorf("the directory holds %v, %v", names, err)
	}
	d := draft()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before Commit: %v", err)
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	d.Discard()
	if b, err := ReadFile(OS, path); string(b) != "text" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}
