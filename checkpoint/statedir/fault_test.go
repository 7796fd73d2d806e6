package statedir

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/wal"
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
	cfg := wal.Config{SegmentBytes: 64 << 10}
	l, _, err := d.OpenLog(cfg)
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("x"), 5000)
	var next uint64 = 1
	for ; err == nil; next++ {
		if err = l.Append([]wal.Record{{First: next, Count: 1, Data: data}}); err == nil {
			err = l.Sync()
		}
	}
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), d.LogDir()) {
		t.Fatal(err)
	}
	kept, err := readRecords(l, 1)
	if err != nil {
		t.Fatal(err)
	}
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
	err = l.Append([]wal.Record{{First: l.Next(), Count: 1, Data: data}})
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	l, rec, err := d.OpenLog(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if rec.TornBytes != 0 || rec.Last != next-1 {
		t.Fatalf("reopened %+v, want Last %d", rec, next-1)
	}
	if got, err := readRecords(l, l.First()); err != nil || got[len(got)-1].First != next-1 {
		t.Fatalf("last record of %d, %v", len(got), err)
	}
}

// fillCheckpoint writes a checkpoint that does not fit, and returns the error.
func fillCheckpoint(t *testing.T, dir string) error {
	t.Helper()
	w, err := snapshot.Store{Dir: dir}.Create(snapshot.Meta{Seq: 17})
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := w.BeginObject(snapshot.Object{ID: 1}); err != nil {
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
