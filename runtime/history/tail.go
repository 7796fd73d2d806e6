package history

import (
	"iter"
	"sort"
)

// A Tail is the batches that a replica applied last, as they were ordered, for a coordinator that takes over: what the
// last one held in memory alone is nowhere else. Bodies are copied into slabs, one behind the other, and may go on from
// one slab to the next: what is kept takes no more memory than it has bytes, but for two slabs. The zero value keeps
// nothing. It is not safe for concurrent use.
type Tail struct {
	// Keep is false when nothing is to be remembered, because nobody applies what is not on disk: Add does nothing then.
	Keep bool

	most, slab int
	lost       uint64   // last sequence number of the newest batch that is not there any more, or never was
	entries    []entry  // oldest first, nothing of the reader's domains in between
	slabs      [][]byte // of slab bytes, full but the last
	base       int64    // where the first slab begins
	end        int64    // where the next body goes
	spare      []byte
}

// An entry is a batch whose body is at the bytes from start to before end, counted from the first ever added.
type entry struct {
	first, last uint64
	start, end  int64
}

// NewTail returns a Tail of at most most bytes of bodies, the oldest of which go first. slab is the unit in bytes in which
// storage is taken and given back.
func NewTail(most, slab int) Tail { return Tail{most: most, slab: slab} }

// Add copies the body of the batch of the sequence numbers from first to last, which follows the one before it.
func (t *Tail) Add(first, last uint64, body []byte) {
	if !t.Keep {
		t.lost = last
		return
	}
	t.entries = append(t.entries, entry{first, last, t.end, t.end + int64(len(body))})
	t.end += int64(len(body))
	for len(body) > 0 {
		n := len(t.slabs) - 1
		if n < 0 || len(t.slabs[n]) == t.slab {
			t.slabs = append(t.slabs, t.take())
			n++
		}
		k := min(len(body), t.slab-len(t.slabs[n]))
		t.slabs[n] = append(t.slabs[n], body[:k]...)
		body = body[k:]
	}
	drop := 0
	for drop < len(t.entries) && t.end-t.entries[drop].start > int64(t.most) {
		drop++
	}
	t.drop(drop)
}

// take returns an empty slab.
func (t *Tail) take() []byte {
	if s := t.spare; s != nil {
		t.spare = nil
		return s
	}
	return make([]byte, 0, t.slab)
}

// drop forgets the n oldest batches, and gives back the slabs that only they had a part in.
func (t *Tail) drop(n int) {
	if n > 0 {
		t.lost = max(t.lost, t.entries[n-1].last)
	}
	if t.entries = t.entries[n:]; len(t.entries) == 0 {
		t.entries = nil
	}
	need := t.end
	if len(t.entries) > 0 {
		need = t.entries[0].start
	}
	for len(t.slabs) > 0 && t.base+int64(len(t.slabs[0])) <= need {
		t.base += int64(len(t.slabs[0]))
		t.spare = t.slabs[0][:0]
		t.slabs = t.slabs[1:]
	}
}

// Forget drops the batches that end at seq or before it.
func (t *Tail) Forget(seq uint64) {
	t.drop(sort.Search(len(t.entries), func(i int) bool { return t.entries[i].last > seq }))
}

// Skip drops everything: what its replica holds up to seq came otherwise.
func (t *Tail) Skip(seq uint64) {
	t.drop(len(t.entries))
	t.lost = max(t.lost, seq)
}

// First returns the sequence number from which on all that the replica applied is there, though that may be nothing.
func (t *Tail) First() uint64 { return t.lost + 1 }

// From yields the bodies of the batches that reach to first or beyond, each behind room bytes for a header. It is valid
// until the next.
func (t *Tail) From(first uint64, room int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		buf := make([]byte, room)
		for _, e := range t.entries {
			if e.last < first {
				continue
			}
			buf = buf[:room]
			for at := e.start; at < e.end; {
				i, off := (at-t.base)/int64(t.slab), (at-t.base)%int64(t.slab)
				part := t.slabs[i][off:min(off+e.end-at, int64(len(t.slabs[i])))]
				buf = append(buf, part...)
				at += int64(len(part))
			}
			if !yield(buf) {
				return
			}
		}
	}
}
