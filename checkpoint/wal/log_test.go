package wal

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"dsss/internal/limits"
	"dsss/internal/vfs"
)

// someRecords returns n records from sequence number first on, with empty data
// among them.
func someRecords(first uint64, n int) []Record {
	rng := rand.New(rand.NewPCG(first, uint64(n)))
	recs := make([]Record, n)
	for i := range recs {
		data := make([]byte, rng.IntN(200))
		for j := range data {
			data[j] = byte(1 + rng.IntN(255)) // no zeros: none of it looks like a hole
		}
		recs[i] = Record{First: first, Count: uint32(1 + rng.IntN(4)), Data: data}
		first = recs[i].end()
	}
	return recs
}

func openLog(t testing.TB, dir string, cfg Config) (*Log, Recovery) {
	t.Helper()
	l, rec, err := Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, rec
}

func appendAll(t testing.TB, l *Log, recs []Record) {
	t.Helper()
	if err := l.Append(recs); err != nil {
		t.Fatal(err)
	}
}

func readAll(t testing.TB, l *Log, from uint64) []Record {
	t.Helper()
	r, err := l.Read(from)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var recs []Record
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return recs
		}
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, rec)
	}
}

func sameRecords(a, b []Record) bool {
	return slices.EqualFunc(a, b, func(x, y Record) bool {
		return x.First == y.First && x.Count == y.Count && x.Head == y.Head && bytes.Equal(x.Data, y.Data)
	})
}

func wantRecords(t testing.TB, got, want []Record) {
	t.Helper()
	if !sameRecords(got, want) {
		t.Fatalf("read %d records, want %d:\n got %.200v\nwant %.200v", len(got), len(want), got, want)
	}
}

// segmentFiles returns the paths of the log's segments in order.
func segmentFiles(t testing.TB, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestLogKeepsWhatWasAppended(t *testing.T) {
	for _, tc := range []struct {
		name    string
		segment int64
		group   int
	}{
		{"one segment, one group", 0, 200},
		{"one segment, single records", 0, 1},
		{"small segments, groups", 1 << 10, 7},
		{"a segment per group", 1, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "log")
			cfg := Config{SegmentBytes: tc.segment, First: 1000}
			recs := someRecords(1000, 200)
			l, rec := openLog(t, dir, cfg)
			if want := (Recovery{Segment: segmentPath(dir, 1000), Last: 999}); rec != want {
				t.Fatalf("recovery of a new log: %+v, want %+v", rec, want)
			}
			for group := range slices.Chunk(recs, tc.group) {
				appendAll(t, l, group)
			}
			wantRecords(t, readAll(t, l, 1000), recs)
			if err := l.Sync(); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l, rec = openLog(t, dir, Config{SegmentBytes: tc.segment}) // First is of no concern now
			if last := recs[len(recs)-1].end() - 1; rec.TornBytes != 0 || rec.Last != last {
				t.Fatalf("recovery: %+v, want Last %d and nothing torn", rec, last)
			}
			wantRecords(t, readAll(t, l, 1000), recs)
			more := someRecords(l.Next(), 10)
			appendAll(t, l, more)
			recs = append(recs, more...)
			wantRecords(t, readAll(t, l, l.First()), recs)
			for from := uint64(1000); from <= l.Next(); from++ {
				want := slices.DeleteFunc(slices.Clone(recs), func(r Record) bool { return r.end() <= from })
				wantRecords(t, readAll(t, l, from), want)
			}
		})
	}
}

func TestAppendRefuses(t *testing.T) {
	l, _ := openLog(t, t.TempDir(), Config{})
	appendAll(t, l, []Record{{First: 1, Count: 4, Data: []byte("one")}})
	big := make([]byte, limits.LogRecord+1)
	for _, tc := range []struct {
		name string
		recs []Record
		want error
	}{
		{"a gap", []Record{{First: 6, Count: 1, Data: nil}}, ErrOutOfOrder},
		{"a record of nothing", []Record{{First: 5, Count: 0, Data: nil}}, ErrOutOfOrder},
		{"an overlap", []Record{{First: 4, Count: 1, Data: nil}}, ErrOutOfOrder},
		{"a gap inside the group", []Record{{First: 5, Count: 1, Data: nil}, {First: 7, Count: 1, Data: nil}}, ErrOutOfOrder},
		{"a large record", []Record{{First: 5, Count: 1, Data: big}}, ErrTooLarge},
		{"a large group", []Record{{First: 5, Count: 1, Data: big[1:]}, {First: 6, Count: 1, Data: big[1:]}, {First: 7, Count: 1, Data: big[1:]}, {First: 8, Count: 1, Data: big[1:]}}, ErrTooLarge},
	} {
		if err := l.Append(tc.recs); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	appendAll(t, l, nil)
	appendAll(t, l, []Record{{First: 5, Count: 1, Data: []byte("two")}})
	wantRecords(t, readAll(t, l, 1), []Record{{First: 1, Count: 4, Data: []byte("one")}, {First: 5, Count: 1, Data: []byte("two")}})
	if _, _, err := Open(t.TempDir(), Config{SegmentBytes: -1}); err == nil {
		t.Error("a negative SegmentBytes was accepted")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append([]Record{{First: 6, Count: 1, Data: nil}}); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	if err := l.Sync(); !errors.Is(err, ErrClosed) {
		t.Errorf("sync after close: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// TestAppendRefusesOverflow: sequence numbers do not wrap.
func TestAppendRefusesOverflow(t *testing.T) {
	l, _ := openLog(t, t.TempDir(), Config{First: ^uint64(0) - 1})
	if err := l.Append([]Record{{First: ^uint64(0) - 1, Count: 5, Data: nil}}); !errors.Is(err, ErrOutOfOrder) {
		t.Fatalf("append past the last sequence number: %v", err)
	}
}

func TestTruncateBefore(t *testing.T) {
	dir := t.TempDir()
	l, _ := openLog(t, dir, Config{SegmentBytes: 1})
	var recs []Record
	for seq := uint64(1); seq <= 10; seq++ { // a segment each
		recs = append(recs, Record{First: seq, Count: 1, Data: []byte{byte(seq)}})
		appendAll(t, l, recs[seq-1:])
	}
	slow, err := l.Read(1)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if err := l.TruncateBefore(4); err != nil {
		t.Fatal(err)
	}
	if l.First() != 4 || len(segmentFiles(t, dir)) != 7 {
		t.Fatalf("after TruncateBefore(4): First %d, segments %v", l.First(), segmentFiles(t, dir))
	}
	if _, err := l.Read(3); !errors.Is(err, ErrTruncated) {
		t.Fatalf("Read before First: %v", err)
	}
	wantRecords(t, readAll(t, l, 4), recs[3:])
	if rec, err := slow.Next(); err != nil || rec.First != 1 {
		t.Fatalf("a reader in a deleted segment: %v, %v", rec, err)
	}
	if _, err := slow.Next(); !errors.Is(err, ErrTruncated) {
		t.Fatalf("a reader overtaken by TruncateBefore: %v", err)
	}
	if err := l.TruncateBefore(l.Next()); err != nil { // the active segment stays
		t.Fatal(err)
	}
	wantRecords(t, readAll(t, l, 10), recs[9:])
	l.Close()
	l, rec := openLog(t, dir, Config{})
	if rec.Last != 10 {
		t.Fatalf("reopened: %+v", rec)
	}
	wantRecords(t, readAll(t, l, 10), recs[9:])
}

// TestTruncatePastEnd: a log that lost its end goes on behind the checkpoint.
func TestTruncatePastEnd(t *testing.T) {
	dir := t.TempDir()
	l, _ := openLog(t, dir, Config{SegmentBytes: 1})
	for seq := uint64(1); seq <= 5; seq++ {
		appendAll(t, l, []Record{{First: seq, Count: 1, Data: nil}})
	}
	reader, err := l.Read(2)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := l.TruncateBefore(101); err != nil {
		t.Fatal(err)
	}
	if l.First() != 101 || l.Next() != 101 {
		t.Fatalf("First %d, Next %d, want 101", l.First(), l.Next())
	}
	if rec, err := reader.Next(); err != nil || rec.First != 2 {
		t.Fatalf("the record already open: %v, %v", rec, err)
	}
	if _, err := reader.Next(); !errors.Is(err, ErrTruncated) {
		t.Fatalf("reader of what is gone: %v", err)
	}
	appendAll(t, l, []Record{{First: 101, Count: 2, Data: []byte("on")}})
	l.Close()
	l, rec := openLog(t, dir, Config{})
	if rec.Last != 102 || l.First() != 101 {
		t.Fatalf("reopened: %+v, First %d", rec, l.First())
	}
}

func TestOpenLogRemovesTemporaries(t *testing.T) {
	dir := t.TempDir()
	l, _ := openLog(t, dir, Config{})
	appendAll(t, l, []Record{{First: 1, Count: 1, Data: nil}})
	l.Close()
	tmp := segmentPath(dir, 2) + vfs.TmpSuffix
	if err := os.WriteFile(tmp, []byte("half"), 0o666); err != nil {
		t.Fatal(err)
	}
	openLog(t, dir, Config{})
	if _, err := os.Stat(tmp); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("temporary file is still there: %v", err)
	}
}
