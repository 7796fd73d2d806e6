package checkpoint

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

func (fs *faults) config(segment int64) LogConfig {
	fs.FS = vfs.OS
	return LogConfig{SegmentBytes: segment, FS: fs}
}

// TestShortWrite: a group of which any number of bytes fits is taken back
// whole, is not there after a restart, and succeeds once there is room.
func TestShortWrite(t *testing.T) {
	first := []Record{{1, 1, []byte("first")}}
	group := []Record{{2, 1, []byte("second")}, {3, 0, []byte("control")}, {3, 4, []byte("third")}}
	for room := range recordSize(6) + recordSize(7) + recordSize(5) {
		dir := t.TempDir()
		fs := &faults{room: -1}
		l, _, err := OpenLog(dir, fs.config(0))
		if err != nil {
			t.Fatal(err)
		}
		appendAll(t, l, first)
		fs.room = room
		err = l.Append(group)
		if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), dir) || errors.Is(err, ErrLogFailed) {
			t.Fatalf("room for %d bytes: %v", room, err)
		}
		wantRecords(t, readAll(t, l, 1), first)
		again, rec, err := OpenLog(copyDir(t, dir), LogConfig{})
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
	appendAll(t, l, []Record{{1, 1, nil}})
	for fs.room = range int64(segmentHeaderSize) {
		if err := l.Append([]Record{{2, 1, nil}}); !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
		if ns := names(t, dir); len(ns) != 1 {
			t.Fatalf("the directory holds %v", ns)
		}
	}
	fs.room = -1
	appendAll(t, l, []Record{{2, 1, nil}})
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
	appendAll(t, l, []Record{{1, 1, nil}})
	fs.room, fs.truncate = 40, unix.EIO
	if err := l.Append([]Record{{2, 1, bytes.Repeat([]byte("x"), 100)}}); !errors.Is(err, ErrLogFailed) || !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	fs.room, fs.truncate = -1, nil
	if err := l.Append([]Record{{2, 1, nil}}); !errors.Is(err, ErrLogFailed) {
		t.Fatalf("append to a failed log: %v", err)
	}
	l.Close()
	_, rec := openLog(t, dir, LogConfig{})
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
		{"a new segment", func(l *Log) error { return l.Append([]Record{{2, 1, nil}}) }},
		{"Close", (*Log).Close},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			fs := &faults{room: -1}
			l, _ := openLog(t, dir, fs.config(1))
			appendAll(t, l, []Record{{1, 1, nil}})
			fs.sync = unix.EIO
			if err := tc.do(l); !errors.Is(err, ErrLogFailed) || !errors.Is(err, unix.EIO) || !strings.Contains(err.Error(), dir) {
				t.Fatal(err)
			}
			fs.sync = nil
			want := ErrLogFailed
			if tc.name == "Close" {
				want = ErrClosed
			}
			for name, err := range map[string]error{
				"Append":         l.Append([]Record{{2, 1, nil}}),
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

// TestFullDisk fills a real file system with the log, sees that nothing
// acknowledged is lost, and goes on when there is room.
func TestFullDisk(t *testing.T) {
	disk := smallDisk(t)
	d := openDir(t, disk+"/job", "full")
	l, _ := openLog(t, d.LogDir(), LogConfig{SegmentBytes: 64 << 10})
	data := bytes.Repeat([]byte("x"), 5000)
	var next uint64 = 1
	var err error
	for ; err == nil; next++ {
		if err = l.Append([]Record{{next, 1, data}}); err == nil {
			err = l.Sync()
		}
	}
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), d.LogDir()) {
		t.Fatal(err)
	}
	kept := readAll(t, l, 1)
	if uint64(len(kept)) != next-2 || next < 100 {
		t.Fatalf("%d records kept, %d acknowledged", len(kept), next-2)
	}
	if err := d.PutJob(Job{Name: "full", Status: Failed}); err != nil && !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	if err := fillCheckpoint(t, d.CheckpointDir()); !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), d.CheckpointDir()) {
		t.Fatalf("checkpoint on a full disk: %v", err)
	}
	if ns := names(t, d.CheckpointDir()); len(ns) != 0 {
		t.Fatalf("the checkpoint directory holds %v", ns)
	}
	if err := l.TruncateBefore(next - 20); err != nil { // makes room
		t.Fatal(err)
	}
	appendAll(t, l, []Record{{l.Next(), 1, data}})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, rec := openLog(t, d.LogDir(), LogConfig{})
	if rec.TornBytes != 0 || rec.Last != next-1 {
		t.Fatalf("reopened %+v, want Last %d", rec, next-1)
	}
	if got := readAll(t, l, l.First()); got[len(got)-1].First != next-1 {
		t.Fatalf("last record %d", got[len(got)-1].First)
	}
}

// fillCheckpoint writes a checkpoint that does not fit, and returns the error.
func fillCheckpoint(t *testing.T, dir string) error {
	t.Helper()
	w, err := Create(dir, testMeta)
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
	r, err := Newest(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	wantCheckpoint(t, r, m, testStates)
}

// TestReadErrorIsNotDamage: a disk that cannot be read says so, and nothing is cut off.
func TestReadErrorIsNotDamage(t *testing.T) {
	dir, path, _, _ := small(t)
	whole := readFile(t, path)
	_, _, err := OpenLog(dir, LogConfig{FS: unreadableFS{vfs.OS}})
	if !errors.Is(err, unix.EIO) || errors.Is(err, ErrCorruptLog) || !strings.Contains(err.Error(), path) {
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
