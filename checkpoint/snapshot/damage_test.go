package snapshot

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeBytes(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedCheckpoints: cut anywhere, or with a bit flipped anywhere, a
// checkpoint does not load and does not panic.
func TestDamagedCheckpoints(t *testing.T) {
	dir := t.TempDir()
	info := writeCheckpoint(t, dir, testMeta, testStates)
	whole := readFile(t, info.Path)
	refuse := func(what string, at int, b []byte) {
		t.Helper()
		path := filepath.Join(dir, "damaged", filepath.Base(info.Path))
		writeBytes(t, path, b)
		r, err := Open(path)
		if err == nil {
			r.Close()
		}
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), path+": ") {
			t.Fatalf("%s %d: %v", what, at, err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "damaged"), 0o777); err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(whole); cut += 1 + cut%509 {
		refuse("cut at", cut, whole[:cut])
	}
	for cut := len(whole) - trailerSize; cut < len(whole); cut++ {
		refuse("cut at", cut, whole[:cut])
	}
	refuse("longer by", 1, append(whole[:len(whole):len(whole)], 0))
	for i := 0; i < len(whole); {
		b := bytes.Clone(whole)
		b[i] ^= 1 << (i % 8)
		refuse("flipped bit in byte", i, b)
		if i += 61; i > len(whole)-trailerSize-61 && i < len(whole)-trailerSize {
			i = len(whole) - trailerSize // and every byte of the trailer
		} else if i > len(whole)-trailerSize {
			i -= 60
		}
	}
}

// TestChangedSinceVerified: what is damaged while a checkpoint is open is not passed on, by whichever chunk it is reached.
func TestChangedSinceVerified(t *testing.T) {
	large := state{Object: Object{ID: 5}, chunks: [][]byte{bytes.Repeat([]byte("x"), 3*blockSize), bytes.Repeat([]byte("y"), 100)}}
	small := state{Object: Object{ID: 6}, chunks: [][]byte{[]byte("small"), {}}}
	info := writeCheckpoint(t, t.TempDir(), testMeta, []state{large, small})
	whole := readFile(t, info.Path)
	damaged := 0
	for at := 2 * pageSize; at < len(whole)-trailerSize; at += 1021 {
		if whole[at] != 'x' {
			continue // it is of a page's header, or of another chunk
		}
		r, err := Open(info.Path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(info.Path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("z"), int64(at)); err != nil {
			t.Fatal(err)
		}
		for c, err := range r.Chunks(5) {
			if bytes.IndexByte(c, 'z') >= 0 {
				t.Errorf("a byte changed at offset %d was passed on", at)
			}
			if err != nil {
				damaged++
				if !errors.Is(err, ErrCorrupt) {
					t.Error(err)
				}
			}
		}
		_, err = f.WriteAt(whole[at:at+1], int64(at))
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		wantCheckpoint(t, r, testMeta, []state{large, small}) // it is whole again
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if damaged < 3*blockSize/1021-1 {
		t.Errorf("%d changes were seen", damaged)
	}
}

// smallDisk mounts a file system of 1 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("NOT CHECKED on a real full disk: mounting a tmpfs needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillCheckpoint writes a checkpoint that does not fit, and returns the error.
func fillCheckpoint(t *testing.T, dir string) error {
	t.Helper()
	w, err := Store{Dir: dir}.Create(testMeta)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := w.BeginObject(Object{ID: 1}); err != nil {
		return err
	}
	for range 20 {
		if err := w.Chunk(make([]byte, 1<<20)); err != nil {
			return err
		}
	}
	_, err = w.Commit()
	return err
}

// TestFullDiskCheckpoint: a checkpoint that does not fit leaves nothing, and
// those before it.
func TestFullDiskCheckpoint(t *testing.T) {
	dir := smallDisk(t)
	m := testMeta
	m.Seq = 1
	writeCheckpoint(t, dir, m, testStates)
	if err := fillCheckpoint(t, dir); !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	if ns := names(t, dir); len(ns) != 1 {
		t.Fatalf("the directory holds %v", ns)
	}
	r, err := Store{Dir: dir}.Newest(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	wantCheckpoint(t, r, m, testStates)
}
