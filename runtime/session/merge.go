package session

import (
	"slices"

	"dsss/class"
	"dsss/comm"
	"dsss/internal/limits"
	"dsss/internal/stream"
)

// A Pending is the typed side of a call that may merge with later ones while it waits to be sent. Its methods are
// called with the session locked.
type Pending interface {
	// Absorb takes over what a later call of the same mutator would do, if it can.
	Absorb(later any) bool
	// Append encodes the arguments as they are now.
	Append(dst []byte) ([]byte, error)
	// Commutes tells whether the call's mutator commutes with every call, so that calls may merge past it, and it past others.
	Commutes() bool
}

// A pendingCall is a call that others may merge into.
type pendingCall struct {
	object, method uint32
	call           Pending
	commutes       bool
	start, end     int // of it in the frame
	index          int // of its future
}

// merge is commit for a call that later ones may merge into; frame is what begin returned.
func (q *sender) merge(frame []byte, object, method uint32, call Pending, f class.Future) (err error) {
	b := q.queue[len(q.queue)-1]
	start := len(b.frame)
	if frame, err = call.Append(frame); err != nil {
		q.abort()
		return err
	}
	p := pendingCall{object: object, method: method, call: call, commutes: call.Commutes(), start: start, index: len(b.futures)}
	p.end = start + (len(frame)-start+7)&^7 // as EndCall pads it
	if err = q.commit(frame, f); err == nil {
		b.forget(p, q.bounds.Mergeable)
		b.pending = append(b.pending, p)
	}
	return err
}

// same tells whether two calls are of one mutator and object.
func (p pendingCall) same(other pendingCall) bool {
	return p.object == other.object && p.method == other.method
}

// forget drops the pending calls that nothing can merge into any more behind next, and makes room for one more of at most
// most.
func (b *outBatch) forget(next pendingCall, most int) {
	if !next.commutes {
		from := b.reach(next)
		kept := b.pending[:0]
		for i, p := range b.pending {
			if i >= from || p.commutes {
				kept = append(kept, p)
			}
		}
		b.pending = kept
	}
	if len(b.pending) >= most {
		b.pending = b.pending[:0]
	}
}

// reach is the first of the pending calls from which on there are, up to the end of the batch, none but pending calls that
// are of next's mutator and object or commute with everything.
func (b *outBatch) reach(next pendingCall) int {
	expected := next.index - 1
	for i := len(b.pending) - 1; i >= 0; i-- {
		if p := b.pending[i]; p.index != expected || !p.commutes && !p.same(next) {
			return i + 1
		}
		expected--
	}
	return 0
}

// absorb merges the call into one that waits, if it can, and tells whether it did. An error means that it was not taken.
//
// Calls of one mutator that combines commute with each other, and so a call merges with an earlier one of its own mutator
// and object if nothing else of this session stands between them in the batch that gathers: nothing, that is, but calls that
// commute with everything. A call that does so itself merges past whatever stands there. Those that it overtakes are of
// the same batch, which has not been written; so nobody who waits for one of them has been answered.
func (q *sender) absorb(object, method uint32, call Pending, f class.Future) (bool, error) {
	if len(q.queue) == 0 {
		return false, nil
	}
	b := q.queue[len(q.queue)-1]
	if b.closed || b.domain != stream.Replicated || len(b.frame) >= q.bounds.BatchAim {
		return false, nil
	}
	next := pendingCall{object: object, method: method, commutes: call.Commutes(), index: len(b.futures)}
	from := 0
	if !next.commutes {
		from = b.reach(next)
	}
	for i := len(b.pending) - 1; i >= from; i-- {
		p := &b.pending[i]
		if !p.same(next) || !p.call.Absorb(call) {
			continue
		}
		before := len(b.frame)
		if err := b.rewrite(i); err != nil {
			b.pending = b.pending[:0] // the waiting call travels as it was before, and its arguments here are too many
			return false, err
		}
		q.streams[b.domain].bytes += len(b.frame) - before
		b.futures[p.index] = join(b.futures[p.index], f)
		return true, nil
	}
	return false, nil
}

// rewrite encodes pending call i again, in its place in the frame, which an error leaves alone. What stands behind it moves
// when it takes more or less than before.
func (b *outBatch) rewrite(i int) error {
	p, end := b.pending[i], len(b.frame)
	frame, err := p.call.Append(comm.BeginCall(b.frame, p.object, p.method))
	if err != nil {
		return err
	}
	if size := len(frame) - end; size > limits.Call {
		return tooLarge(size)
	}
	frame = comm.EndCall(frame, end)
	if more := len(frame) - end - (p.end - p.start); more == 0 {
		copy(frame[p.start:p.end], frame[end:])
	} else {
		frame = slices.Replace(frame[:end], p.start, p.end, slices.Clone(frame[end:])...)
		for k := i; k < len(b.pending); k++ {
			b.pending[k].end += more
			if k > i {
				b.pending[k].start += more
			}
		}
		end += more
	}
	b.frame = frame[:end]
	return nil
}

// join makes one future of two; either may be nil.
func join(a, b class.Future) class.Future {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return joined{a, b}
}

// joined are the futures of merged calls: what happens to the one call happens to them all.
type joined struct{ a, b class.Future }

func (j joined) Put(err error)      { j.a.Put(err); j.b.Put(err) }
func (j joined) Resolve(seq uint64) { j.a.Resolve(seq); j.b.Resolve(seq) }
func (j joined) Fail(err error)     { j.a.Fail(err); j.b.Fail(err) }
