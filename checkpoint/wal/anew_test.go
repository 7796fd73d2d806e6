package wal

import (
	"fmt"
	"testing"

	"dsss/internal/memfs"
	"dsss/internal/vfs"
)

// TestLogBeginsAnew: a power failure while a log is emptied, to go on behind a checkpoint that is ahead of it, leaves the old
// log or the new one; never none, which the record's bound would miss, and never both, which would be a gap.
func TestLogBeginsAnew(t *testing.T) {
	disk := memfs.New()
	if err := vfs.MakeDir(disk, "/state"); err != nil {
		t.Fatal(err)
	}
	disk.Trace()
	cfg := Config{FS: disk, SegmentBytes: 200}
	l, _ := openLog(t, "/state/log", cfg)
	recs := someRecords(1, 12)
	for _, r := range recs {
		appendAll(t, l, []Record{r})
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	bound, old, from := l.Bound(), l.Next(), disk.Ops()
	const next = 1000
	if err := l.TruncateBefore(next); err != nil {
		t.Fatal(err)
	}
	found := map[uint64]int{}
	for n := from; n <= disk.Ops(); n++ {
		units := disk.Units(n)
		for only := -1; only <= len(units); only++ {
			left := disk.Crash(n, func(i int, u memfs.Unit) int {
				if i == only || only == len(units) {
					return u.Len
				}
				return 0
			}, nil)
			again, _, err := Open("/state/log", Config{FS: left, Bound: bound})
			if err != nil {
				t.Fatalf("after operation %d, left is unit %d of %v: %v", n, only, units, err)
			}
			found[again.Next()]++
			if again.Next() == old {
				wantRecords(t, readAll(t, again, 1), recs)
			} else if again.First() != next {
				t.Errorf("the new log begins at %d, want %d", again.First(), next)
			}
			again.Close()
			if ids, err := segmentsIn(left, "/state/log"); err != nil || again.Next() == next && len(ids) != 1 {
				t.Errorf("segments %v, %v", ids, err)
			}
		}
	}
	if len(found) != 2 || found[old] == 0 || found[next] == 0 {
		t.Errorf("found logs that go on at %v, want some at %d and some at %d", fmt.Sprint(found), old, next)
	}
}
