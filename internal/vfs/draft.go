package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// TmpSuffix marks a file in the making.
const TmpSuffix = ".tmp"

// WriteFile replaces a small file in one step, by way of path + TmpSuffix: after a crash the file is the old one or the
// new one, and once WriteFile has returned nil it is the new one.
func WriteFile(fsys FS, path string, b []byte) error {
	d, err := NewDraft(fsys, path, path+TmpSuffix, b, nil)
	if err != nil {
		return err
	}
	return d.Commit()
}

// A Draft is what a file is to be, on disk beside it. It is for one goroutine.
type Draft struct {
	fs        FS
	path, tmp string // tmp is empty once there is none
}

// NewDraft writes b to the new file tmp, which lies in the directory of path, and syncs it. A tmp that a crash left is
// removed first. prepare, if not nil, gets the file before b is in it. On an error nothing is left.
func NewDraft(fsys FS, path, tmp string, b []byte, prepare func(File) error) (*Draft, error) {
	const flag = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := fsys.OpenFile(tmp, flag)
	if errors.Is(err, fs.ErrExist) {
		if err = fsys.Remove(tmp); err == nil {
			f, err = fsys.OpenFile(tmp, flag)
		}
	}
	if err != nil {
		return nil, err
	}
	d := &Draft{fsys, path, tmp}
	if prepare != nil {
		err = prepare(f)
	}
	if err == nil {
		_, err = f.WriteAt(b, 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		d.Discard()
		return nil, err
	}
	return d, nil
}

// Commit gives the draft its path, in place of what was there, and makes that durable. When the renaming fails, the draft
// is discarded.
func (d *Draft) Commit() error {
	if err := d.fs.Rename(d.tmp, d.path); err != nil {
		d.Discard()
		return err
	}
	d.tmp = ""
	return d.fs.SyncDir(filepath.Dir(d.path))
}

// Discard removes the draft. After Commit, a second time, and of a nil Draft, it does nothing.
func (d *Draft) Discard() {
	if d != nil && d.tmp != "" {
		_ = d.fs.Remove(d.tmp) // it is of no use
		d.tmp = ""
	}
}
