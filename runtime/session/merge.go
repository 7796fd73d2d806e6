package session

import (
	"context"

	"dsss/comm"
	"dsss/internal/limits"
	"dsss/runtime/class"
)

// A Pending is the typed side of a call that may merge with later ones while it waits to be sent. Its methods are
// called with the session locked.
type Pending interface {
	// Absorb takes over what a later call of the same mutator would do, if it can.
	Absorb(later any) bool
	// Append encodes the arguments as they are now.
	Append(dst []byte) ([]byte, error)
}

// A pendingCall is a call that others may merge into.
type pendingCall struct {
	object, method uint32
	call           Pending
	start          int // where it begins in the frame
	index          int // of its future
}

// Merge is Submit for a call that may merge with one that waits to be sent. It merges only with calls of its own
// mutator and object that nothing else of this session has followed: calls of one mutator that combines commute with
// each other, and with nothing else. f may be nil.
func (s *Session) Merge(ctx context.Context, object, method uint32, call Pending, f class.Future, lone bool) error {
	if err := given(ctx); err != nil {
		return err
	}
	if taken, err := s.absorb(object, method, call, f); taken || err != nil {
		return err // whoever was to write the earlier call, or to wake the flusher for it, still is
	}
	frame, err := s.Begin(ctx, object, method)
	if err != nil {
		return err
	}
	if frame, err = call.Append(frame); err != nil {
		s.Abort()
		return err
	}
	b := s.queue[len(s.queue)-1]
	p := pendingCall{object: object, method: method, call: call, start: len(b.frame), index: len(b.futures)}
	if n := len(b.pending); n == limits.Mergeable || n > 0 && !b.pending[n-1].precedes(p) {
		b.pending = b.pending[:0]
	}
	b.pending = append(b.pending, p)
	return s.Commit(frame, f, lone)
}

// precedes tells whether next is of the same mutator and object, with nothing in between.
func (p pendingCall) precedes(next pendingCall) bool {
	return p.object == next.object && p.method == next.method && p.index+1 == next.index
}

// absorb merges the call into one that waits, if it can, and tells whether it did. An error means that it was not taken.
func (s *Session) absorb(object, method uint32, call Pending, f class.Future) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || len(s.queue) == 0 {
		return false, nil
	}
	b := s.queue[len(s.queue)-1]
	n := len(b.pending)
	if b.closed || len(b.frame) >= limits.BatchAim || n == 0 ||
		!b.pending[n-1].precedes(pendingCall{object: object, method: method, index: len(b.futures)}) {
		return false, nil
	}
	for i := n - 1; i >= 0; i-- {
		p := b.pending[i]
		if p.call.Absorb(call) {
			before := len(b.frame)
			if err := b.rewrite(i); err != nil {
				b.pending = b.pending[:0] // the waiting call travels as it was before, and its arguments here are too many
				return false, err
			}
			s.bytes += len(b.frame) - before
			b.futures[p.index] = join(b.futures[p.index], f)
			return true, nil
		}
	}
	return false, nil
}

// rewrite encodes the pending calls from i on anew: they are the last ones in the frame, which an error leaves alone.
func (b *outBatch) rewrite(i int) error {
	var starts [limits.Mergeable]int
	first, end := b.pending[i].start, len(b.frame)
	frame := b.frame
	for k := i; k < len(b.pending); k++ {
		p := &b.pending[k]
		start := len(frame)
		var err error
		if frame, err = p.call.Append(comm.BeginCall(frame, p.object, p.method)); err != nil {
			return err
		}
		if size := len(frame) - start; size > limits.Call {
			return tooLarge(size)
		}
		frame = comm.EndCall(frame, start)
		starts[k] = start - (end - first)
	}
	b.frame = frame[:first+copy(frame[first:], frame[end:])]
	for k := i; k < len(b.pending); k++ {
		b.pending[k].start = starts[k]
	}
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

// Flush returns once every call begun so far has been applied to our replica.
func (s *Session) Flush(ctx context.Context) error {
	s.mu.Lock()
	last := s.next - 1
	s.mu.Unlock()
	for {
		s.mu.Lock()
		err := s.err
		applied := len(s.queue) == 0 || s.queue[0].request > last
		s.mu.Unlock()
		if err != nil {
			return err
		}
		if applied {
			return nil
		}
		// A round trip later, at least what had been written when it began has come back.
		if _, err := s.Sync(ctx); err != nil {
			return err
		}
	}
}
