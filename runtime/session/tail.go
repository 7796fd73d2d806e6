package session

import (
	"fmt"
	"sort"

	"dsss/comm"
	"dsss/internal/limits"
)

// A tail is the batches that a replica applied last, as they were ordered, for a coordinator that takes the job over:
// what the last one held in memory alone is nowhere else. Coordinators say what is safe elsewhere by now (stable) and
// can be forgotten. It belongs to the session's reader.
type tail struct {
	// keep is false when nobody applies what is not on disk.
	keep bool
	most int // bytes of bodies that are kept; the oldest go first
	// batches are consecutive, oldest first. Their bodies lie one behind the other in slabs, and may go on from one to the
	// next: so that what is kept takes no more memory than it has bytes, whatever their sizes.
	batches []tailBatch
	slabs   [][]byte // of limits.TailSlab, full but the last
	base    int64    // where the first slab begins
	end     int64    // where the next body goes
	spare   []byte
	acked   int // bytes since we said how far we are
}

// A tailBatch is a batch whose body is at the bytes from start to before end, counted from the first ever added.
type tailBatch struct {
	first, last uint64
	start, end  int64
}

// add copies the body of a batch that was just applied.
func (t *tail) add(b comm.Batch, body []byte) {
	if !t.keep {
		return
	}
	t.acked += len(body)
	t.batches = append(t.batches, tailBatch{b.Sequence, b.Sequence + uint64(b.Count) - 1, t.end, t.end + int64(len(body))})
	t.end += int64(len(body))
	for len(body) > 0 {
		n := len(t.slabs) - 1
		if n < 0 || len(t.slabs[n]) == limits.TailSlab {
			t.slabs = append(t.slabs, t.slab())
			n++
		}
		k := min(len(body), limits.TailSlab-len(t.slabs[n]))
		t.slabs[n] = append(t.slabs[n], body[:k]...)
		body = body[k:]
	}
	drop := 0
	for drop < len(t.batches) && t.end-t.batches[drop].start > int64(t.most) {
		drop++
	}
	t.drop(drop)
}

func (t *tail) slab() []byte {
	if s := t.spare; s != nil {
		t.spare = nil
		return s
	}
	return make([]byte, 0, limits.TailSlab)
}

// drop forgets the n oldest batches, and gives back the slabs that only they had a part in.
func (t *tail) drop(n int) {
	if t.batches = t.batches[n:]; len(t.batches) == 0 {
		t.batches = nil
	}
	need := t.end
	if len(t.batches) > 0 {
		need = t.batches[0].start
	}
	for len(t.slabs) > 0 && t.base+int64(len(t.slabs[0])) <= need {
		t.base += int64(len(t.slabs[0]))
		t.spare = t.slabs[0][:0]
		t.slabs = t.slabs[1:]
	}
}

// forget drops what lies up to seq.
func (t *tail) forget(seq uint64) {
	t.drop(sort.Search(len(t.batches), func(i int) bool { return t.batches[i].last > seq }))
}

// first returns the sequence number from which on the tail has all that was applied; the largest there is when it has
// nothing.
func (t *tail) first() uint64 {
	if len(t.batches) == 0 {
		return ^uint64(0)
	}
	return t.batches[0].first
}

// from yields the batches that reach to first or beyond, each as a sealed frame that is valid until the next.
func (t *tail) from(first uint64) func(yield func(frame []byte) bool) {
	return func(yield func([]byte) bool) {
		var frame []byte
		for _, b := range t.batches {
			if b.last < first {
				continue
			}
			frame = append(frame[:0], make([]byte, comm.HeaderSize)...)
			for at := b.start; at < b.end; {
				i, off := (at-t.base)/limits.TailSlab, (at-t.base)%limits.TailSlab
				part := t.slabs[i][off:min(off+b.end-at, int64(len(t.slabs[i])))]
				frame = append(frame, part...)
				at += int64(len(part))
			}
			comm.Seal(frame, comm.KindTail)
			if !yield(frame) {
				return
			}
		}
	}
}

// recall answers a coordinator that takes over with what our replica remembers from first on and how far each session
// has come in it.
func (s *Session) recall(conn *comm.Conn, first uint64) error {
	for frame := range s.tail.from(first) {
		if err := conn.Write(frame); err != nil {
			return fmt.Errorf("sending what the last coordinator ordered: %w", err)
		}
	}
	return conn.Send(comm.KindStateEnd, endMessage(s.replica.Position()))
}
