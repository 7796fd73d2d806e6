package dsss

import (
	"context"
	"sync"
)

// A Future is the outcome of one mutation in flight. It resolves exactly once. All methods may be called
// concurrently and any number of times.
type Future[R any] struct {
	op, object string

	// result and err are written by the replica's one writer before done is set, and never after.
	result R
	err    error

	mu   sync.Mutex // guards what follows
	done bool
	seq  uint64
	wait chan struct{} // made by the first who waits; closed when done
}

// Wait returns what the mutator returned, once it has been applied to this process's replica. When ctx ends first,
// the error wraps ErrUnconfirmed and the future goes on: a later Wait may still succeed.
func (f *Future[R]) Wait(ctx context.Context) (R, error) {
	f.mu.Lock()
	if f.done {
		f.mu.Unlock()
		return f.result, f.err
	}
	wait := f.waitLocked()
	f.mu.Unlock()
	select {
	case <-wait:
		return f.result, f.err
	case <-ctx.Done():
		var zero R
		return zero, &Error{Op: f.op, Object: f.object, Err: ErrUnconfirmed, Cause: context.Cause(ctx)}
	}
}

// Done returns a channel that is closed when the future has resolved.
func (f *Future[R]) Done() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waitLocked()
}

func (f *Future[R]) waitLocked() chan struct{} {
	if f.wait == nil {
		f.wait = make(chan struct{})
		if f.done {
			close(f.wait)
		}
	}
	return f.wait
}

// Seq returns the mutation's sequence number, or 0 while it has not been applied here.
func (f *Future[R]) Seq() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seq
}

// Put is called by the replica, at most once, before Resolve. Programs do not call it.
func (f *Future[R]) Put(err error) { f.err = err }

// Resolve is called by the replica, once, after Apply has put the result. Programs do not call it.
func (f *Future[R]) Resolve(seq uint64) { f.finish(seq) }

// Fail is called by the session, once, in place of Resolve. Programs do not call it.
func (f *Future[R]) Fail(err error) {
	f.err = asError(f.op, f.object, err)
	f.finish(0)
}

func (f *Future[R]) finish(seq uint64) {
	f.mu.Lock()
	f.done, f.seq = true, seq
	if f.wait != nil {
		close(f.wait)
	}
	f.mu.Unlock()
}
