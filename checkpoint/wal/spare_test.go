package wal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"dsss/internal/memfs"
	"dsss/internal/vfs"
)

// TestOneSyncPerGroup: a group costs one sync, and a new segment one for its
// space, one for its header and one for its name, of which the first comes
// before it is needed.
func TestOneSyncPerGroup(t *testing.T) {
	disk := memfs.New()
	var syncs []string
	disk.Inject(func(op memfs.Op) memfs.Fault {
		if op.Kind == memfs.Sync || op.Kind == memfs.SyncDir {
			syncs = append(syncs, op.Kind.String()+" "+filepath.Base(op.Path))
		}
		return memfs.Fault{}
	})
	l, _ := openLog(t, "/log", Config{FS: disk, SegmentBytes: 1000})
	first := segmentPath("", 1) + vfs.TmpSuffix // as it was opened
	for i, want := range [][]string{
		{"sync " + first},
		{"sync " + spareName, "sync " + first}, // half full
		{"sync " + first},
		{"sync " + first},
		{"sync " + spareName, "syncdir log", "sync " + spareName}, // the header, the name, the group
		{"sync " + spareName, "sync " + spareName},                // half full: the next one, then the group
	} {
		syncs = nil
		appendAll(t, l, []Record{{First: l.Next(), Count: 1, Data: make([]byte, 232)}})
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
		if err := l.Sync(); err != nil { // nothing to do
			t.Fatal(err)
		}
		if !slices.Equal(syncs, want) {
			t.Errorf("group %d: %q, want %q", i, syncs, want)
		}
	}
}

// TestSpare: on this machine's own file system the next segment is ready before
// it is needed, and space that was reserved is given back.
func TestSpare(t *testing.T) {
	const segment = 1 << 20
	dir := t.TempDir()
	l, _ := openLog(t, dir, Config{SegmentBytes: segment})
	blocks := func(path string) int64 {
		t.Helper()
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return st.Sys().(*syscall.Stat_t).Blocks * 512
	}
	data := bytes.Repeat([]byte("x"), 200<<10)
	for range 3 {
		appendAll(t, l, []Record{{First: l.Next(), Count: 1, Data: data}})
	}
	l.writing.Lock()
	spare := <-l.spare // waits until it is made
	l.spare <- spare
	l.writing.Unlock()
	if spare == nil {
		t.Fatal("no spare was made")
	}
	reserved := blocks(filepath.Join(dir, spareName)) >= segment
	if !reserved {
		t.Log("NOT CHECKED: this file system reserves no space")
	}
	for range 4 {
		appendAll(t, l, []Record{{First: l.Next(), Count: 1, Data: data}})
	}
	second := segmentPath(dir, 7)
	if got := blocks(second); reserved && got < segment {
		t.Errorf("the second segment has %d bytes of space, want %d", got, segment)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := blocks(second); got > segment/2 {
		t.Errorf("the closed segment keeps %d bytes of space for 200 KiB", got)
	}
	if ns := names(t, dir); len(ns) != 2 {
		t.Errorf("the directory holds %v", ns)
	}
}

// TestNoSpace: a file system that reserves none, or has none, is used as it is,
// until a write fails; and what a crash leaves of a spare is removed.
func TestNoSpace(t *testing.T) {
	for _, failure := range []error{errors.ErrUnsupported, syscall.ENOSPC, syscall.EIO} {
		disk := memfs.New()
		disk.Inject(func(op memfs.Op) memfs.Fault {
			if op.Kind == memfs.Allocate {
				return memfs.Fault{Err: failure}
			}
			return memfs.Fault{}
		})
		cfg := Config{FS: disk, SegmentBytes: 100}
		l, _ := openLog(t, "/log", cfg)
		var recs []Record
		for range 9 {
			recs = append(recs, Record{First: l.Next(), Count: 1, Data: []byte("record")})
			appendAll(t, l, recs[len(recs)-1:])
		}
		wantRecords(t, readAll(t, l, 1), recs)
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
		crashed := disk.Crash(disk.Ops(), memfs.All, nil)
		if _, err := vfs.ReadFile(crashed, "/log/"+spareName); (err == nil) != (failure == errors.ErrUnsupported) {
			t.Errorf("%v: the spare: %v", failure, err)
		}
		again, _ := openLog(t, "/log", Config{FS: crashed})
		wantRecords(t, readAll(t, again, 1), recs)
		if ns, err := crashed.ReadDir("/log"); err != nil || slices.Contains(ns, spareName) {
			t.Errorf("%v: after a crash: %v, %v", failure, ns, err)
		}
	}
}
