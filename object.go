package dsss

import (
	"context"
	"sync"

	"dsss/class"
	"dsss/runtime/replica"
)

// An Object is this process's handle on a replicated object: a named value of class T of which every process holds a copy.
// Proxies from dsss-gen wrap one. All methods may be called concurrently.
type Object[T any] struct {
	job *Job
	o   *replica.Object
	readSide
	state *T
}

// A readSide is the way to the replica's lock. It has no type parameter, which makes the deferred RUnlock of every
// getter a plain call.
type readSide struct {
	mu *sync.RWMutex // the replica's; only its read side is used here
}

// RUnlock ends what RLock began.
func (r readSide) RUnlock() { r.mu.RUnlock() }

// Open returns the object of that name, making it first when no process has. Its state begins as the zero T. It is
// itself an ordered mutation: all processes agree on what exists. An object of that name but another class is
// ErrClass, one that is hosted ErrPlacement.
func Open[T any](ctx context.Context, job *Job, c *class.Of[T], name string) (*Object[T], error) {
	o, err := job.open(ctx, c.Name(), name)
	if err != nil {
		return nil, err
	}
	return &Object[T]{job: job, o: o, readSide: readSide{o.ReadSide()}, state: o.State.(*T)}, nil
}

// Name returns the object's name.
func (o *Object[T]) Name() string { return o.o.Name }

// Job returns the job that the object belongs to.
func (o *Object[T]) Job() *Job { return o.job }

// View calls f with the state of this process's replica. f must only read, must not keep what it sees, and must not call
// mutators, getters or View (the replica's lock is held; t's own methods are fine). No mutation is applied meanwhile,
// to this or any other object, so f sees whole mutations and one moment of all objects.
func (o *Object[T]) View(f func(t *T)) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	f(o.state)
}

// RLock gives generated getters the state; RUnlock must follow. The rules of View hold between the two.
func (o *Object[T]) RLock() *T {
	o.mu.RLock()
	return o.state
}

// Await returns nil once ready has returned true of the state of this process's replica, asking again after each change of the object
// (Orca's guard). ready follows View's rules. By the time Await returns, the state may have moved on: a mutator that
// needs the condition checks it again itself. It returns an *Error when ctx ends or the job does.
func (o *Object[T]) Await(ctx context.Context, ready func(t *T) bool) error {
	err := o.job.session.Await(ctx, o.o, func() bool { return ready(o.state) })
	return asError("Await", o.o.Name, err)
}

// Read runs a getter on the state of this process's replica; it is View with a result. What f returns must not alias the state.
func Read[T, R any](o *Object[T], f func(t *T) R) R {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return f(o.state)
}
