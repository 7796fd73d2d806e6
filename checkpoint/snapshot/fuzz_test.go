package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// FuzzCheckpoint feeds arbitrary pages to the checkpoint opener, under a digest
// that vouches for them, so that what is behind it is tried as well: it must
// not panic, hang or read outside the file.
func FuzzCheckpoint(f *testing.F) {
	dir := f.TempDir()
	for _, states := range [][]state{nil, testStates, testStates[:1]} {
		b := readFile(f, writeCheckpoint(f, dir, testMeta, states).Path)
		f.Add(b[:len(b)-trailerSize], uint32(len(states)))
	}
	f.Add([]byte{}, uint32(0))
	f.Fuzz(func(t *testing.T, b []byte, objects uint32) {
		if len(b) <= 1<<20 {
			openForged(t, bytes.Clone(b), objects)
		}
	})
}

// TestForgedPages changes every word of the headers and elements of every page
// of a sound file, under a digest that vouches for the change.
func TestForgedPages(t *testing.T) {
	dir := t.TempDir()
	accepted := 0
	for _, states := range [][]state{nil, testStates} {
		whole := readFile(t, writeCheckpoint(t, dir, testMeta, states).Path)
		whole = whole[:len(whole)-trailerSize]
		if !openForged(t, bytes.Clone(whole), uint32(len(states))) {
			t.Fatal("the sound file was refused")
		}
		for off := 0; off+4 <= len(whole); off += 4 {
			if off%pageSize >= 160 || binary.LittleEndian.Uint64(whole[off&^(pageSize-1):]) != uint64(off/pageSize) {
				continue // a value, or in the middle of one
			}
			for _, word := range []uint32{0, 1, 3, 0x10000, ^uint32(0)} {
				b := bytes.Clone(whole)
				binary.LittleEndian.PutUint32(b[off:], word)
				if openForged(t, b, uint32(len(states))) {
					accepted++
				}
			}
		}
	}
	t.Logf("%d changes that change nothing were accepted", accepted)
}

// openForged opens the pages in b with a sound trailer behind them, and reads
// all that a Reader offers. It reports whether they were accepted.
func openForged(t *testing.T, b []byte, objects uint32) bool {
	t.Helper()
	resumMetas(b)
	fd, err := unix.MemfdCreate("forged", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "forged")
	r := &Reader{f: file}
	defer r.Close()
	if _, err := file.Write(b); err != nil {
		t.Fatal(err)
	}
	sums, err := sumsOf(file, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	sealed := trailer{digest: digestOf(sums), length: int64(len(b)), seq: testMeta.Seq, time: testMeta.Time, run: testMeta.Run, epoch: testMeta.Epoch, objects: objects}
	if _, err := file.Write(sealed.encode()); err != nil {
		t.Fatal(err)
	}
	if err := r.load(testMeta.Seq); err != nil {
		if failed := new(ioError); errors.As(err, &failed) {
			t.Fatalf("an I/O error: %v", err)
		}
		return false
	}
	for _, o := range r.Objects() {
		for _, err := range r.Chunks(o.ID) {
			if err != nil {
				t.Fatalf("a chunk that was verified: %v", err)
			}
		}
	}
	return true
}

// FuzzRecords feeds arbitrary bytes to the FlatBuffers of the metadata.
func FuzzRecords(f *testing.F) {
	f.Add(encodeMeta(testMeta, 3))
	f.Add(encodeMeta(Meta{Time: time.Unix(0, 0)}, 0))
	f.Add(encodeObject(object{Object: testStates[0].Object, chunks: 3, bytes: 8}))
	f.Add([]byte{})
	f.Add([]byte{4, 0, 0, 0, 0, 0, 0, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, n, err := decodeMeta(b); err == nil {
			if _, k, err := decodeMeta(encodeMeta(m, n)); err != nil || k != n {
				t.Fatalf("metadata does not survive: %v", err)
			}
		}
		if o, err := decodeObject(b); err == nil {
			if again, err := decodeObject(encodeObject(o)); err != nil || again != o {
				t.Fatalf("object does not survive: %v", err)
			}
		}
	})
}

// resumMetas gives the meta pages in b, whatever they say now, the checksum
// that bbolt asks for.
func resumMetas(b []byte) {
	for page := range 2 {
		at := page*pageSize + pageHeaderSize
		if at+metaSize > len(b) {
			return
		}
		sum := fnv.New64a()
		sum.Write(b[at : at+56])
		binary.LittleEndian.PutUint64(b[at+56:], sum.Sum64())
	}
}
