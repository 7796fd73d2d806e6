package wal

import (
	"bytes"
	"errors"
	"hash/crc32"
	"os"
	"testing"
)

// copyDir copies the files of a directory into a new one.
func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

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

// wantCorrupt checks that err is ErrCorrupt and names file and offset.
func wantCorrupt(t testing.TB, err error, path string, offset int64) {
	t.Helper()
	var c *CorruptError
	if !errors.As(err, &c) || !errors.Is(err, ErrCorrupt) || c.Path != path || c.Offset != offset {
		t.Fatalf("got %v, want ErrCorrupt naming %s at offset %d", err, path, offset)
	}
}

// summed is a record whose caller has hashed all but the first bytes.
func summed(first uint64, count uint32, data string, head uint32) Record {
	return Record{First: first, Count: count, Data: []byte(data), Head: head, Sum: crc32.Checksum([]byte(data)[head:], castagnoli)}
}

// small is a log of one segment with three records; ends[i] is where record i
// ends in the file.
func small(t testing.TB) (dir, path string, recs []Record, ends []int64) {
	t.Helper()
	dir = t.TempDir()
	recs = []Record{{First: 1, Count: 2, Data: []byte("the first record")}, summed(3, 1, "second", 4), summed(4, 3, "and the third", 5)}
	l, _ := openLog(t, dir, Config{})
	appendAll(t, l, recs)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	end := int64(segmentHeaderSize)
	for _, r := range recs {
		end += recordSize(len(r.Data))
		ends = append(ends, end)
	}
	return dir, segmentPath(dir, 1), recs, ends
}

// TestTornTailAtEveryByte: whatever prefix of the last record a crash leaves,
// the records before it are there, the rest is reported, and the log goes on.
func TestTornTailAtEveryByte(t *testing.T) {
	dir, path, recs, ends := small(t)
	whole := readFile(t, path)
	for cut := ends[1]; cut <= ends[2]; cut++ {
		writeBytes(t, path, whole[:cut])
		l, rec, err := Open(dir, Config{})
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		want, last := recs[:2], Recovery{Segment: path, TornBytes: cut - ends[1], Last: 3}
		if cut == ends[2] {
			want, last = recs, Recovery{Segment: path, Last: 6}
		}
		if rec != last {
			t.Fatalf("cut at %d: recovery %+v, want %+v", cut, rec, last)
		}
		wantRecords(t, readAll(t, l, 1), want)
		next := Record{First: l.Next(), Count: 1, Data: []byte("on")}
		appendAll(t, l, []Record{next})
		wantRecords(t, readAll(t, l, 1), append(want[:len(want):len(want)], next))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryBitCounts flips each bit of a segment: in the last record that is a
// torn tail, anywhere else it is damage, named with its place.
func TestEveryBitCounts(t *testing.T) {
	dir, path, recs, ends := small(t)
	whole := readFile(t, path)
	for i := range whole {
		for bit := range 8 {
			b := bytes.Clone(whole)
			b[i] ^= 1 << bit
			writeBytes(t, path, b)
			l, rec, err := Open(dir, Config{})
			at := int64(i)
			switch {
			case at < segmentHeaderSize:
				wantCorrupt(t, err, path, 0)
			case at < ends[0]:
				wantCorrupt(t, err, path, segmentHeaderSize)
			case at < ends[1]:
				wantCorrupt(t, err, path, ends[0])
			default:
				if err != nil || rec.TornBytes != ends[2]-ends[1] {
					t.Fatalf("bit %d of byte %d: %+v, %v", bit, i, rec, err)
				}
				wantRecords(t, readAll(t, l, 1), recs[:2])
			}
			if err == nil {
				l.Close()
			} else if !bytes.Equal(readFile(t, path), b) {
				t.Fatal("a log that was refused was changed")
			}
		}
	}
}

// TestTrust: a log opened in trust holds and accepts what one that was read holds and accepts; what is wrong in a
// segment that was not read shows when it is.
func TestTrust(t *testing.T) {
	dir := t.TempDir()
	l, _ := openLog(t, dir, Config{SegmentBytes: 1})
	var recs []Record
	for seq := uint64(1); seq <= 4; seq++ {
		recs = append(recs, Record{First: seq, Count: 1, Data: []byte("record")})
		appendAll(t, l, recs[seq-1:])
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := Config{SegmentBytes: 1, Trust: true}
	l, rec := openLog(t, dir, cfg)
	if rec.Last != 4 || l.First() != 1 || l.Next() != 5 {
		t.Errorf("last %d, first %d, next %d", rec.Last, l.First(), l.Next())
	}
	recs = append(recs, Record{First: 5, Count: 1, Data: []byte("more")})
	appendAll(t, l, recs[4:])
	wantRecords(t, readAll(t, l, 1), recs)
	if err := l.TruncateBefore(3); err != nil {
		t.Fatal(err)
	}
	if got := l.First(); got > 3 {
		t.Errorf("first is %d after TruncateBefore(3)", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	third := segmentPath(dir, 3)
	b := readFile(t, third)
	b[len(b)-3] ^= 1
	writeBytes(t, third, b)
	l, _ = openLog(t, dir, cfg)
	r, err := l.Read(3)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Next(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("read a damaged record: %v", err)
	}
}

// TestDamageInEarlierSegments: only the last segment may be torn.
func TestDamageInEarlierSegments(t *testing.T) {
	master := t.TempDir()
	l, _ := openLog(t, master, Config{SegmentBytes: 1})
	for seq := uint64(1); seq <= 4; seq++ {
		appendAll(t, l, []Record{{First: seq, Count: 1, Data: []byte("record")}})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	second := func(dir string) string { return segmentPath(dir, 2) }
	end := segmentHeaderSize + recordSize(6)
	for _, tc := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		path   func(dir string) string
		offset int64
	}{
		{"cut", func(t *testing.T, dir string) {
			if err := os.Truncate(second(dir), end-1); err != nil {
				t.Fatal(err)
			}
		}, second, segmentHeaderSize},
		{"cut to nothing", func(t *testing.T, dir string) { writeBytes(t, second(dir), nil) }, second, 0},
		{"longer", func(t *testing.T, dir string) {
			writeBytes(t, second(dir), append(readFile(t, second(dir)), 1, 2, 3))
		}, second, end},
		{"missing", func(t *testing.T, dir string) {
			if err := os.Remove(second(dir)); err != nil {
				t.Fatal(err)
			}
		}, func(dir string) string { return segmentPath(dir, 3) }, -1},
		{"cut at a record", func(t *testing.T, dir string) {
			if err := os.Truncate(second(dir), segmentHeaderSize); err != nil {
				t.Fatal(err)
			}
		}, func(dir string) string { return segmentPath(dir, 3) }, -1},
		{"another one's bytes", func(t *testing.T, dir string) {
			writeBytes(t, second(dir), readFile(t, segmentPath(dir, 3)))
		}, second, 0},
		{"a record of nothing", func(t *testing.T, dir string) {
			b := readFile(t, second(dir))
			h, err := decodeSegmentHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			writeBytes(t, second(dir), appendRecord(b, Record{First: 3, Count: 0, Data: nil}, 0, h.salt))
		}, second, end},
		{"a gap inside", func(t *testing.T, dir string) {
			b := readFile(t, second(dir))
			h, err := decodeSegmentHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			writeBytes(t, second(dir), appendRecord(b, Record{First: 5, Count: 1, Data: nil}, 0, h.salt))
		}, second, end},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := copyDir(t, master)
			tc.damage(t, dir)
			_, _, err := Open(dir, Config{})
			wantCorrupt(t, err, tc.path(dir), tc.offset)
		})
	}
}

// TestLostPages: after a power failure the file system may have the later pages
// of unsynced appends and not the earlier ones. That is a torn tail, unless a
// later record knows of a sync.
func TestLostPages(t *testing.T) {
	page := bytes.Repeat([]byte("x"), 4096)
	for _, tc := range []struct {
		name string
		sync bool
		torn bool
	}{
		{"never synced", false, true},
		{"synced before the last append", true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			l, _ := openLog(t, dir, Config{})
			appendAll(t, l, []Record{{First: 1, Count: 1, Data: []byte("first")}})
			lost := segmentHeaderSize + recordSize(5) // where the record of the lost page starts
			appendAll(t, l, []Record{{First: 2, Count: 1, Data: page}})
			appendAll(t, l, []Record{{First: 3, Count: 1, Data: page}})
			if tc.sync {
				if err := l.Sync(); err != nil {
					t.Fatal(err)
				}
			}
			appendAll(t, l, []Record{{First: 4, Count: 1, Data: []byte("last")}})
			l.Close()
			path := segmentPath(dir, 1)
			b := readFile(t, path)
			clear(b[:4096][lost:])
			writeBytes(t, path, b)
			l, rec, err := Open(dir, Config{})
			if !tc.torn {
				wantCorrupt(t, err, path, lost)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if rec.Last != 1 || rec.TornBytes != int64(len(b))-lost {
				t.Fatalf("recovery %+v", rec)
			}
		})
	}
}

// TestSegmentInsideData: data that looks like a segment does not pass for
// records, even at a torn tail.
func TestSegmentInsideData(t *testing.T) {
	_, path, _, _ := small(t)
	dir := t.TempDir()
	l, _ := openLog(t, dir, Config{})
	data := append(readFile(t, path), bytes.Repeat([]byte("x"), 100)...)
	appendAll(t, l, []Record{{First: 1, Count: 1, Data: []byte("first")}, {First: 2, Count: 1, Data: data}})
	l.Close()
	if err := os.Truncate(segmentPath(dir, 1), segmentHeaderSize+recordSize(5)+recordSize(len(data))-8); err != nil {
		t.Fatal(err)
	}
	_, rec := openLog(t, dir, Config{})
	if rec.Last != 1 || rec.TornBytes == 0 {
		t.Fatalf("recovery %+v", rec)
	}
}

// TestReaderNoticesDamage: what changes on disk after Open is not passed on.
func TestReaderNoticesDamage(t *testing.T) {
	dir, path, recs, ends := small(t)
	l, _ := openLog(t, dir, Config{})
	b := readFile(t, path)
	b[ends[0]+recordHeaderSize] ^= 1
	writeBytes(t, path, b)
	r, err := l.Read(1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if rec, err := r.Next(); err != nil || !sameRecords([]Record{rec}, recs[:1]) {
		t.Fatalf("%v, %v", rec, err)
	}
	_, err = r.Next()
	wantCorrupt(t, err, path, ends[0])
}

// TestSums: a checksum that the caller has is taken and given back, one that is of other bytes makes damage.
func TestSums(t *testing.T) {
	dir, path, recs, ends := small(t)
	l, _ := openLog(t, dir, Config{})
	for i, rec := range readAll(t, l, 1) {
		if want := crc32.Checksum(recs[i].Data[rec.Head:], castagnoli); rec.Head != recs[i].Head || rec.Sum != want {
			t.Errorf("record %d: head %d, sum %08x, want %d, %08x", i, rec.Head, rec.Sum, recs[i].Head, want)
		}
	}
	wrong := summed(7, 1, "fourth", 6)
	wrong.Head = 7
	if err := l.Append([]Record{wrong}); err == nil {
		t.Error("a head longer than the data was accepted")
	}
	wrong.Head, wrong.Sum = 6, wrong.Sum+1
	appendAll(t, l, []Record{wrong, {First: 8, Count: 1}})
	r, err := l.Read(7)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = r.Next()
	wantCorrupt(t, err, path, ends[2])
}
