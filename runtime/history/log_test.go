package history

import (
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"dsss/internal/limits"
)

// disk is a log on disk that has what was put into it.
type disk struct {
	entries []Entry
	opened  int
}

func (d *disk) First() uint64 { return d.entries[0].First }
func (d *disk) Next() uint64  { return d.entries[len(d.entries)-1].Last() + 1 }

func (d *disk) Read(from uint64) (Reader, error) {
	d.opened++
	for i, e := range d.entries {
		if e.Last() >= from {
			return &diskReader{d, i}, nil
		}
	}
	return &diskReader{d, len(d.entries)}, nil
}

type diskReader struct {
	d *disk
	i int
}

func (r *diskReader) Next() (Entry, error) {
	if r.i >= len(r.d.entries) {
		return Entry{}, io.EOF
	}
	r.i++
	return r.d.entries[r.i-1], nil
}

func (r *diskReader) Close() error { return nil }

// put appends a frame of size bytes, each of which is the low byte of its first sequence number.
func put(l *Log, count uint32, size int) { putIn(l, 0, count, size) }

func putIn(l *Log, domain uint8, count uint32, size int) {
	first := l.next
	s := l.Space(size)
	for i := range s.Frame {
		s.Frame[i] = byte(first)
	}
	l.Append(first, count, domain, s)
}

// check sees that frames hold what put wrote from sequence number next on, and returns what follows.
func check(t *testing.T, next uint64, count uint32, frames [][]byte) uint64 {
	t.Helper()
	for _, f := range frames {
		for _, b := range f {
			if b != byte(next) {
				t.Fatalf("at sequence number %d: %d in a frame of %d bytes", next, b, len(f))
			}
		}
		next += uint64(count)
	}
	return next
}

func bounds(memory int) limits.Bounds {
	b := limits.Default()
	b.LogMemory = memory
	return b
}

// TestStorageIsNotUsedWhileItIsWritten: frames that a cursor gathered stay what they are while the log goes on and forgets them,
// and storage is used again after.
func TestStorageIsNotUsedWhileItIsWritten(t *testing.T) {
	const size = 100 << 10
	l := New(bounds(8<<20), 1)
	c := l.NewCursor(1, true)
	slabs := map[*byte]bool{}
	for round := range uint64(15) {
		for range 10 {
			put(l, 3, size)
			slabs[&l.current.bytes[0]] = true
		}
		frames, err := c.Gather(^uint64(0), nil)
		if err != nil || len(frames) == 0 {
			t.Fatalf("round %d: %d frames, %v", round, len(frames), err)
		}
		l.Trim(l.next - 1) // forgets all but what keeps it half full
		for range 60 {
			put(l, 3, size)
		}
		l.Trim(l.next - 1)
		check(t, c.Next(), 3, frames)
		c.Done(true)
		c.Seek(l.First())
	}
	if len(slabs) > 30 {
		t.Errorf("%d slabs of storage for 1 GB that went through 8 MB", len(slabs))
	}
}

// TestCursorGoesOnFromDisk: a cursor that memory has left behind reads on from disk and comes back, each frame once and in order,
// and never sees what it is not to.
func TestCursorGoesOnFromDisk(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		b := bounds(1 << (10 + r.IntN(6)))
		b.WriteGather, b.WriteEntries, b.Reread = 1<<(6+r.IntN(8)), 1+r.IntN(20), 1<<r.IntN(8)
		l := New(b, 1)
		d := &disk{}
		l.Begin(d, 1)
		c, want := l.NewCursor(1, true), uint64(1)
		for range 300 {
			for range r.IntN(8) {
				put(l, 2, 1+r.IntN(400))
				e := l.entries[len(l.entries)-1]
				d.entries = append(d.entries, Entry{First: e.First, Count: e.Count, Frame: append([]byte(nil), e.Frame...)})
			}
			l.Trim(l.next - 1)
			commit := l.next - 1 - 2*uint64(r.IntN(3))
			if r.IntN(3) > 0 || commit > l.next {
				continue
			}
			frames, err := c.Gather(commit, nil)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if after := want + 2*uint64(len(frames)); after-1 > max(commit, want-1) {
				t.Fatalf("seed %d: gathered up to %d, which may be seen up to %d", seed, after-1, commit)
			}
			next := check(t, want, 2, frames)
			used := r.IntN(5) > 0
			c.Done(used)
			if used {
				want = next
			}
			if c.Next() != want {
				t.Fatalf("seed %d: the cursor wants %d, not %d", seed, c.Next(), want)
			}
		}
		if d.opened == 0 && b.LogMemory < 4<<10 {
			t.Errorf("seed %d: nothing was read from disk", seed)
		}
		c.Close()
	}
}

// TestGone: what neither memory nor disk has is told.
func TestGone(t *testing.T) {
	l := New(bounds(1<<20), 1)
	l.Begin(&disk{entries: []Entry{{First: 50, Count: 1, Frame: []byte{50}}}}, 100)
	c := l.NewCursor(60, true)
	if _, err := c.Gather(99, nil); !errors.Is(err, ErrGone) {
		t.Errorf("%v", err)
	}
	put(l, 1, 10)
	if bytes, disk := l.Between(60, 100); bytes != 10 || !disk {
		t.Errorf("%d bytes in memory, on disk: %v", bytes, disk)
	}
}

// TestDomains: a cursor of domain 0 gets its entries alone, each once and in order, from memory and from disk, and does not need
// what it would pass by.
func TestDomains(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		l, d := New(bounds(4096), 1), &disk{}
		l.Begin(d, 1)
		c, all := l.NewCursor(1, false), l.NewCursor(1, true)
		var want, got []byte
		trimmed := uint64(0)
		for range 300 {
			domain, first := uint8(min(r.IntN(4), 1)), l.next
			putIn(l, domain, 1+uint32(r.IntN(3)), 64)
			e := l.entries[len(l.entries)-1]
			d.entries = append(d.entries, Entry{First: e.First, Count: e.Count, Domain: domain, Frame: append([]byte(nil), e.Frame...)})
			if domain == 0 {
				want = append(want, byte(first))
			}
			if r.IntN(3) == 0 {
				upto := l.next - 1 - uint64(r.IntN(2))
				bufs, err := c.Gather(upto, nil)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				for _, b := range bufs {
					got = append(got, b[0])
				}
				c.Done(true)
			}
			bufs, err := all.Gather(l.next-1, nil)
			if err != nil || len(bufs) == 0 {
				t.Fatalf("seed %d: all: %d frames, %v", seed, len(bufs), err)
			}
			all.Done(true)
			if trim := l.next - uint64(r.IntN(8)); trim > trimmed && trim < l.next {
				trimmed = trim
				l.Trim(trim)
			}
		}
		for c.Next() < l.next {
			bufs, err := c.Gather(l.next-1, nil)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for _, b := range bufs {
				got = append(got, b[0])
			}
			c.Done(true)
		}
		if string(got) != string(want) {
			t.Fatalf("seed %d: got %v, want %v", seed, got, want)
		}
	}
}

// TestPassedBy: a cursor of domain 0 is not behind when what was trimmed was of another.
func TestPassedBy(t *testing.T) {
	l := New(bounds(1024), 1) // and no disk
	c := l.NewCursor(1, false)
	for range 40 {
		putIn(l, 1, 1, 64)
	}
	l.Trim(l.next - 1)
	put(l, 1, 64)
	bufs, err := c.Gather(l.next-1, nil)
	if err != nil || len(bufs) != 1 {
		t.Fatalf("%d frames, %v", len(bufs), err)
	}
	c.Done(true)
	put(l, 1, 64)
	for range 40 {
		putIn(l, 1, 1, 64)
	}
	l.Trim(l.next - 1)
	if _, behind := l.Between(c.Next(), l.next); !behind {
		t.Fatal("nothing was trimmed")
	}
}
