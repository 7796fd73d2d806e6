package class

import "sync/atomic"

// A Future is the origin's side of one call in flight. Its outcome is put inside Method.Apply, by the class, which knows
// the result's type, or by Put where there is no result. It is not visible before Resolve, which is called exactly once,
// after the replica has given back its lock. Fail is for calls that were never applied here, in place of both.
type Future interface {
	Put(err error)
	Resolve(seq uint64)
	Fail(err error)
}

// An Outcome is the Future of a call whose result is an R. The zero value is ready for one call. All methods may be
// called concurrently.
type Outcome[R any] struct {
	// result, err and seq are written before state is resolved, and never after.
	result R
	err    error
	seq    uint64

	// state is nil, then a channel that Resolve closes if there is a waiter, then resolved.
	state atomic.Pointer[chan struct{}]
}

// resolved is the state of every outcome that is there: a closed channel.
var resolved = func() *chan struct{} {
	c := make(chan struct{})
	close(c)
	return &c
}()

// Put sets the error; the result stays zero.
func (o *Outcome[R]) Put(err error) { o.err = err }

// Resolve makes what was put visible and wakes waiters. seq is the call's sequence number.
func (o *Outcome[R]) Resolve(seq uint64) {
	o.seq = seq
	if c := o.state.Swap(resolved); c != nil {
		close(*c)
	}
}

// Fail resolves the outcome of a call that was not applied here, which has no sequence number.
func (o *Outcome[R]) Fail(err error) {
	o.err = err
	o.Resolve(0)
}

// Resolved tells whether the outcome is there.
func (o *Outcome[R]) Resolved() bool { return o.state.Load() == resolved }

// Done returns a channel that is closed once the outcome is there.
func (o *Outcome[R]) Done() <-chan struct{} {
	if c := o.state.Load(); c != nil {
		return *c
	}
	c := make(chan struct{})
	if o.state.CompareAndSwap(nil, &c) {
		return c
	}
	return *o.state.Load() // another waiter's, or resolved: neither goes back to nil
}

// Get returns the outcome, once it is Resolved: the mutator's result and error with the sequence number of the call, or
// with sequence number 0 the error of a call that was not applied here.
func (o *Outcome[R]) Get() (r R, seq uint64, err error) { return o.result, o.seq, o.err }
