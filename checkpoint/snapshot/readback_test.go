package snapshot

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"dsss/internal/vfs"
)

// badDisk is a disk of the operating system's that keeps another byte than it
// is given at one offset of a file in the making.
type badDisk struct {
	vfs.FS
	at int64
}

func (d badDisk) OpenFile(path string, flag int) (vfs.File, error) {
	f, err := d.FS.OpenFile(path, flag)
	if host, ok := f.(vfs.Host); ok && strings.HasSuffix(path, vfs.TmpSuffix) {
		return badFile{host, d.at}, err
	}
	return f, err
}

type badFile struct {
	vfs.Host
	at int64
}

func (f badFile) WriteAt(b []byte, off int64) (int, error) {
	if at := f.at - off; at >= 0 && at < int64(len(b)) {
		b = bytes.Clone(b)
		b[at] ^= 1
	}
	return f.Host.WriteAt(b, off)
}

// TestReadBack: a checkpoint that the disk does not hold as it was written does
// not get its name.
func TestReadBack(t *testing.T) {
	for _, at := range []int64{0, 17, stripeSize - 1, stripeSize, 3*stripeSize + 5, 6 * stripeSize} {
		dir := t.TempDir()
		w, err := Store{Dir: dir, FS: badDisk{vfs.OS, at}}.Create(testMeta)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.BeginObject(Object{ID: 1}); err != nil {
			t.Fatal(err)
		}
		chunk := make([]byte, 1<<20)
		for range 6 {
			if err := w.Chunk(chunk); err != nil {
				t.Fatal(err)
			}
		}
		if _, err = w.Commit(); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "read back") {
			t.Errorf("another byte at offset %d: %v", at, err)
		}
		if ns := names(t, dir); len(ns) != 0 {
			t.Errorf("the directory holds %v", ns)
		}
	}
}
