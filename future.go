package dsss

import (
	"context"
	"sync/atomic"

	"dsss/runtime/replica"
)

// A Future is the outcome of one mutation in flight. It resolves exactly once. All methods may be called
// concurrently and any number of times.
type Future[R any] struct {
	// op and object are for errors.
	op     *string
	object *replica.Object

	// result, err and seq are written by the replica's one writer before state is resolved, and never after.
	result R
	err    error
	seq    uint64

	// state is nil while nobody waits, then a channel that whoever resolves closes, then resolved.
	state atomic.Pointer[chan struct{}]
}

// resolved is the state of every future that has an outcome: a closed channel.
var resolved = func() *chan struct{} {
	c := make(chan struct{})
	close(c)
	return &c
}()

// Wait returns what the mutator returned, once it has been applied to this process's replica. When ctx ends first,
// the error wraps ErrUnconfirmed and the future goes on: a later Wait may still succeed.
func (f *Future[R]) Wait(ctx context.Context) (R, error) {
	if f.state.Load() == resolved {
		return f.result, f.err
	}
	select {
	case <-f.Done():
		return f.result, f.err
	case <-ctx.Done():
		var zero R
		return zero, &Error{Op: *f.op, Object: f.object.Name, Err: ErrUnconfirmed, Cause: context.Cause(ctx)}
	}
}

// Err is Wait for those who want no result.
func (f *Future[R]) Err(ctx context.Context) error {
	_, err := f.Wait(ctx)
	return err
}

// Done returns a channel that is closed when the future has resolved.
func (f *Future[R]) Done() <-chan struct{} {
	if c := f.state.Load(); c != nil {
		return *c
	}
	c := make(chan struct{})
	if f.state.CompareAndSwap(nil, &c) {
		return c
	}
	return *f.state.Load() // another waiter's, or resolved: neither goes back to nil
}

// Seq returns the mutation's sequence number, or 0 while it has not been applied here.
func (f *Future[R]) Seq() uint64 {
	if f.state.Load() != resolved {
		return 0
	}
	return f.seq
}

// Put is called by the replica, at most once, before Resolve. Programs do not call it.
func (f *Future[R]) Put(err error) { f.err = err }

// Resolve is called by the replica, once, after Apply has put the result. Programs do not call it.
func (f *Future[R]) Resolve(seq uint64) {
	f.seq = seq
	if c := f.state.Swap(resolved); c != nil {
		close(*c)
	}
}

// Fail is called by the session, once, in place of Resolve. Programs do not call it.
func (f *Future[R]) Fail(err error) {
	f.err = asError(*f.op, f.object.Name, err)
	f.Resolve(0)
}
