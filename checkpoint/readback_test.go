package checkpoint

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"dsss/internal/vfs"
)

// badDisk is a disk of the operating system's that returns another byte than
// was written, or fails, at one offset of a file in the making.
type badDisk struct {
	vfs.FS
	at  int64
	err error
}

func (d badDisk) OpenFile(path string, flag int) (vfs.File, error) {
	f, err := d.FS.OpenFile(path, flag)
	if host, ok := f.(vfs.Host); ok && strings.HasSuffix(path, tmpSuffix) {
		return badFile{host, d}, err
	}
	return f, err
}

type badFile struct {
	vfs.Host
	disk badDisk
}

func (f badFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.Host.ReadAt(b, off)
	if at := f.disk.at - off; at >= 0 && at < int64(n) {
		b[at] ^= 1
		if f.disk.err != nil {
			return 0, f.disk.err
		}
	}
	return n, err
}

// TestReadBack: a checkpoint that the disk does not hold as it was written does
// not get its name.
func TestReadBack(t *testing.T) {
	for _, at := range []int64{0, 17, stripeSize - 1, stripeSize, 3*stripeSize + 5, 50 * stripeSize} {
		for _, failure := range []error{nil, unix.EIO} {
			dir := t.TempDir()
			w, err := Store{Dir: dir, FS: badDisk{vfs.OS, at, failure}}.Create(testMeta)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.BeginObject(Object{ID: 1}); err != nil {
				t.Fatal(err)
			}
			chunk := make([]byte, 1<<20)
			for range 52 {
				if err := w.Chunk(chunk); err != nil {
					t.Fatal(err)
				}
			}
			_, err = w.Commit()
			if err == nil || !strings.Contains(err.Error(), "read back") || failure != nil && !errors.Is(err, failure) {
				t.Errorf("another byte at offset %d, %v: %v", at, failure, err)
			}
			if ns := names(t, dir); len(ns) != 0 {
				t.Errorf("the directory holds %v", ns)
			}
		}
	}
}
