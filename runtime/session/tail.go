package session

import (
	"fmt"
	"slices"

	"dsss/comm"
	"dsss/internal/limits"
)

// A tail is the batches that a replica applied last, as they were ordered, for a coordinator that takes the job over:
// what the last one held in memory alone is nowhere else. Coordinators say what is safe elsewhere by now (stable) and
// can be forgotten. It belongs to the session's reader.
type tail struct {
	// keep is false when nobody applies what is not on disk.
	keep  bool
	slabs []*slab // oldest first; none but the last is without entries
	bytes int     // of the bodies in slabs: at least limits.Tail are kept, if they are not stable
	spare *slab
	acked int // bytes since we said how far we are
}

// A slab holds batches one behind the other. They follow one another without a gap, also across slabs.
type slab struct {
	data    []byte // the bodies
	batches []tailBatch
}

type tailBatch struct {
	first, last uint64
	end         int // of its body in data; it begins where the one before ends
}

// add copies the body of a batch that was just applied.
func (t *tail) add(b comm.Batch, body []byte) {
	if !t.keep {
		return
	}
	t.acked += len(body)
	var s *slab
	if n := len(t.slabs); n > 0 && len(t.slabs[n-1].data)+len(body) <= cap(t.slabs[n-1].data) {
		s = t.slabs[n-1]
	} else {
		s = t.grow(len(body))
	}
	s.data = append(s.data, body...)
	t.bytes += len(body)
	s.batches = append(s.batches, tailBatch{first: b.Sequence, last: b.Sequence + uint64(b.Count) - 1, end: len(s.data)})
}

// grow adds a slab with room for n bytes, forgetting the oldest while enough is left without it. A body that would leave
// much of a slab empty gets one of its size, so that what is kept takes little more memory than it has bytes.
func (t *tail) grow(n int) *slab {
	for len(t.slabs) > 0 && t.bytes-len(t.slabs[0].data) >= limits.Tail {
		t.drop()
	}
	s := t.spare
	switch {
	case n > limits.TailSlab/8:
		s = &slab{data: make([]byte, 0, n)}
	case s == nil:
		s = &slab{data: make([]byte, 0, limits.TailSlab)}
	default:
		t.spare = nil
	}
	t.slabs = append(t.slabs, s)
	return s
}

func (t *tail) drop() {
	s := t.slabs[0]
	t.slabs = t.slabs[1:]
	t.bytes -= len(s.data)
	if cap(s.data) == limits.TailSlab {
		s.data, s.batches = s.data[:0], s.batches[:0]
		t.spare = s
	}
}

// forget drops what lies up to seq, slab by slab.
func (t *tail) forget(seq uint64) {
	for len(t.slabs) > 0 {
		s := t.slabs[0]
		if n := len(s.batches); n > 0 && s.batches[n-1].last > seq {
			return
		}
		t.drop()
	}
}

// first returns the sequence number from which on the tail has all that was applied; the largest there is when it has
// nothing.
func (t *tail) first() uint64 {
	for _, s := range t.slabs {
		if len(s.batches) > 0 {
			return s.batches[0].first
		}
	}
	return ^uint64(0)
}

// from returns the bodies of the batches that reach to first or beyond. They are the tail's.
func (t *tail) from(first uint64) [][]byte {
	var out [][]byte
	for _, s := range t.slabs {
		start := 0
		for _, b := range s.batches {
			if b.last >= first {
				out = append(out, s.data[start:b.end])
			}
			start = b.end
		}
	}
	return out
}

// recall answers a coordinator that takes over with what our replica remembers from first on and how far each session
// has come in it.
func (s *Session) recall(conn *comm.Conn, first uint64) error {
	for _, body := range s.tail.from(first) {
		frame := slices.Concat(make([]byte, comm.HeaderSize), body)
		comm.Seal(frame, comm.KindTail)
		if err := conn.Write(frame); err != nil {
			return fmt.Errorf("sending what the last coordinator ordered: %w", err)
		}
	}
	return conn.Send(comm.KindStateEnd, endMessage(s.replica.Position()))
}
