package wal

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"dsss/internal/vfs"
)

// faults stands between a Log and its files.
type faults struct {
	vfs.FS
	room     int64 // bytes that may still be written; -1: any
	sync     error // what Sync returns
	truncate error // what Truncate returns
}

// OpenFile gives a file with the faults.
func (fs *faults) OpenFile(path string, flag int) (vfs.File, error) {
	f, err := fs.FS.OpenFile(path, flag)
	if err != nil {
		return nil, err
	}
	return faultyFile{f, fs}, nil
}

type faultyFile struct {
	vfs.File
	faults *faults
}

func (f faultyFile) WriteAt(p []byte, off int64) (int, error) {
	if f.faults.room >= 0 && int64(len(p)) > f.faults.room {
		n, err := f.File.WriteAt(p[:f.faults.room], off)
		f.faults.room = 0
		return n, errors.Join(&os.PathError{Op: "write", Path: "segment", Err: unix.ENOSPC}, err)
	}
	if f.faults.room >= 0 {
		f.faults.room -= int64(len(p))
	}
	return f.File.WriteAt(p, off)
}

func (f faultyFile) Sync() error {
	return errors.Join(f.faults.sync, f.File.Sync())
}

func (f faultyFile) Truncate(size int64) error {
	if f.faults.truncate != nil {
		return f.faults.truncate
	}
	return f.File.Truncate(size)
}

func (fs *faults) config(segment int64) Config {
	fs.FS = vfs.OS
	return Config{SegmentBytes: segment, FS: fs}
}

// TestShortWrite: a group of which any number of bytes fits is taken back
// whole, is not there after a restart, and succeeds once there is room.
func TestShortWrite(t *testing.T) {
	first := []Record{{First: 1, Count: 1, Data: []byte("first")}}
	group := []Record{{First: 2, Count: 1, Data: []byte("second")}, {First: 3, Count: 1, Data: []byte("another")}, {First: 4, Count: 4, Data: []byte("third")}}
	for room := range recordSize(6) + recordSize(7) + recordSize(5) {
		dir := t.TempDir()
		fs := &faults{room: -1}
		l, _, err := Open(dir, fs.config(0))
		if err != nil {
			t.Fatal(err)
		}
		appendAll(t, l, first)
		fs.room = room
		err = l.Append(group)
		if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), dir) || errors.Is(err, ErrFailed) {
			t.Fatalf("room for %d bytes: %v", room, err)
		}
		wantRecords(t, readAll(t, l, 1), first)
		again, rec, err := Open(copyDir(t, dir), Config{})
		if err != nil || rec.TornBytes != 0 || rec.Last != 1 {
			t.Fatalf("room for %d bytes: reopened %+v, %v", room, rec, err)
		}
		again.Close()
		fs.room = -1
		appendAll(t, l, group)
		wantRecords(t, readAll(t, l, 1), append(first[:1:1], group...))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoRoomForSegment: a roll that fails leaves the log as it was.
func TestNoRoomForSegment(t *testing.T) {
	dir := t.TempDir()
	fs := &faults{room: -1}
	l, _ := openLog(t, dir, fs.config(1))
	appendAll(t, l, []Record{{First: 1, Count: 1, Data: nil}})
	for fs.room = range int64(segmentHeaderSize) {
		if err := l.Append([]Record{{First: 2, Count: 1, Data: nil}}); !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
		if ns := names(t, dir); len(ns) != 1 {
			t.Fatalf("the directory holds %v", ns)
		}
	}
	fs.room = -1
	appendAll(t, l, []Record{{First: 2, Count: 1, Data: nil}})
	if got := readAll(t, l, 1); len(got) != 2 {
		t.Fatalf("%d records, want 2", len(got))
	}
}

// TestFailedWriteNotTakenBack: when the rest of a failed write cannot be cut
// off, the log refuses everything, and opening it again finds a torn tail.
func TestFailedWriteNotTakenBack(t *testing.T) {
	dir := t.TempDir()
	fs := &faults{room: -1}
	l, _ := openLog(t, dir, fs.config(0))
	appendAll(t, l, []Record{{First: 1, Count: 1, Data: nil}})
	fs.room, fs.truncate = 40, unix.EIO
	if err := l.Append([]Record{{First: 2, Count: 1, Data: bytes.Repeat([]byte("x"), 100)}}); !errors.Is(err, ErrFailed) || !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	fs.room, fs.truncate = -1, nil
	if err := l.Append([]Record{{First: 2, Count: 1, Data: nil}}); !errors.Is(err, ErrFailed) {
		t.Fatalf("append to a failed log: %v", err)
	}
	l.Close()
	_, rec := openLog(t, dir, Config{})
	if rec.Last != 1 || rec.TornBytes != 40 {
		t.Fatalf("recovery %+v", rec)
	}
}

// TestFailedSyncIsFinal: after an fsync that failed once nothing is accepted,
// though later ones would succeed.
func TestFailedSyncIsFinal(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(l *Log) error
	}{
		{"Sync", (*Log).Sync},
		{"a new segment", func(l *Log) error { return l.Append([]Record{{First: 2, Count: 1, Data: nil}}) }},
		{"Close", (*Log).Close},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			fs := &faults{room: -1}
			l, _ := openLog(t, dir, fs.config(1))
			appendAll(t, l, []Record{{First: 1, Count: 1, Data: nil}})
			fs.sync = unix.EIO
			if err := tc.do(l); !errors.Is(err, ErrFailed) || !errors.Is(err, unix.EIO) || !strings.Contains(err.Error(), dir) {
				t.Fatal(err)
			}
			fs.sync = nil
			want := ErrFailed
			if tc.name == "Close" {
				want = ErrClosed
			}
			for name, err := range map[string]error{
				"Append":         l.Append([]Record{{First: 2, Count: 1, Data: nil}}),
				"Sync":           l.Sync(),
				"TruncateBefore": l.TruncateBefore(1),
			} {
				if !errors.Is(err, want) {
					t.Errorf("%s afterwards: %v, want %v", name, err, want)
				}
			}
			if got := readAll(t, l, 1); len(got) != 1 {
				t.Errorf("%d records, want 1", len(got))
			}
		})
	}
}

// TestReadErrorIsNotDamage: a disk that cannot be read says so, and nothing is cut off.
func TestReadErrorIsNotDamage(t *testing.T) {
	dir, path, _, _ := small(t)
	whole := readFile(t, path)
	_, _, err := Open(dir, Config{FS: unreadableFS{vfs.OS}})
	if !errors.Is(err, unix.EIO) || errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), path) {
		t.Fatal(err)
	}
	if !bytes.Equal(readFile(t, path), whole) {
		t.Fatal("the log was changed")
	}
}

type unreadableFS struct{ vfs.FS }

func (fs unreadableFS) OpenFile(path string, flag int) (vfs.File, error) {
	f, err := fs.FS.OpenFile(path, flag)
	return unreadable{f}, err
}

type unreadable struct{ vfs.File }

func (unreadable) ReadAt(p []byte, off int64) (int, error) { return 0, unix.EIO }

// names lists what is in a directory.
func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var ns []string
	for _, e := range entries {
		ns = append(ns, e.Name())
	}
	return ns
}
