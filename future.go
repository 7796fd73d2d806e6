package dsss

import (
	"context"

	"dsss/class"
)

// A Future is the outcome of one mutation in flight. It resolves exactly once. All methods may be called
// concurrently and any number of times.
type Future[R any] struct {
	// method and object are for errors.
	method  *class.Method
	object  string
	outcome class.Outcome[R]
}

// Wait returns what the mutator returned, once it has been applied to this process's replica, or on the host of a hosted
// object. When ctx ends first, the error wraps ErrUnconfirmed and the future goes on: a later Wait may still succeed.
func (f *Future[R]) Wait(ctx context.Context) (R, error) {
	if !f.outcome.Resolved() {
		select {
		case <-f.outcome.Done():
		case <-ctx.Done():
			var zero R
			return zero, &Error{Op: f.method.Name, Object: f.object, Err: ErrUnconfirmed, Cause: context.Cause(ctx)}
		}
	}
	r, seq, err := f.outcome.Get()
	if err != nil && seq == 0 { // not the mutator's own
		err = asError(f.method.Name, f.object, err)
	}
	return r, err
}

// Err is Wait without the result.
func (f *Future[R]) Err(ctx context.Context) error {
	_, err := f.Wait(ctx)
	return err
}

// Done returns a channel that is closed when the future has resolved.
func (f *Future[R]) Done() <-chan struct{} { return f.outcome.Done() }

// Seq returns the mutation's sequence number, also of one that returned an error, or 0 while it has not been applied here.
func (f *Future[R]) Seq() uint64 {
	if !f.outcome.Resolved() {
		return 0
	}
	_, seq, _ := f.outcome.Get()
	return seq
}
