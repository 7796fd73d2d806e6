package wal

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzSegment feeds arbitrary bytes to the segment scanner: it must not panic,
// and what it accepts must read back the same.
func FuzzSegment(f *testing.F) {
	_, path, _, _ := small(f)
	whole := readFile(f, path)
	f.Add(whole, true)
	f.Add(whole, false)
	f.Add(whole[:len(whole)-9], true)
	f.Add(whole[:segmentHeaderSize], true)
	f.Add([]byte{}, true)
	h := segmentHeader{first: 1}
	f.Add(appendRecord(h.encode(), Record{First: 1, Count: 0xffffffff, Data: make([]byte, 600)}, 1<<31, h.salt), true)
	f.Add(appendRecord(h.encode(), summed(1, 1, "head and body", 4), 0, h.salt), false)
	holes := bytes.Clone(whole)
	clear(holes[48:])
	f.Add(append(holes, make([]byte, 2000)...), true)
	f.Fuzz(func(t *testing.T, b []byte, last bool) {
		seg, err := scan(bytes.NewReader(b), int64(len(b)), "segment", 1, last)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v is not ErrCorrupt", err)
			}
			return
		}
		if seg.size > int64(len(b)) || !last && seg.size != int64(len(b)) {
			t.Fatalf("%d sound bytes of %d, last segment: %v", seg.size, len(b), last)
		}
		r, err := openSegment(bytes.NewReader(b), seg.size, "segment", 1)
		if err != nil {
			t.Fatal(err)
		}
		again := seg.header.encode()
		for r.off < r.limit {
			rec, h, err := r.next()
			if err != nil {
				t.Fatal(err)
			}
			again = appendRecord(again, rec, h.synced, seg.header.salt)
		}
		if !bytes.Equal(again[segmentHeaderSize:], b[segmentHeaderSize:seg.size]) {
			t.Fatal("records do not encode to what they were decoded from")
		}
	})
}
