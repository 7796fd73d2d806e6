package dsss

import (
	"context"
	"fmt"

	"dsss/class"
)

// Call runs the mutator m of object o on every replica and returns what it returned on this process's replica, when it
// has been applied there. Methods of proxies from dsss-gen are calls of it.
//
// When ctx ends first the error is an *Error that wraps both ctx's cause and ErrUnconfirmed (the mutation was sent
// and may yet be applied) or ErrNotApplied (it was not sent and never will be).
func Call[T, A, R any](ctx context.Context, o *Object[T], m *class.Mutator[T, A, R], a A) (R, error) {
	return start(ctx, o, m, a, true).Wait(ctx)
}

// Go starts the mutator and returns at once, unless the window of mutations in flight is full: then it waits for room.
// Mutations of one process are applied in the order in which they were started.
func Go[T, A, R any](ctx context.Context, o *Object[T], m *class.Mutator[T, A, R], a A) *Future[R] {
	return start(ctx, o, m, a, false)
}

// Post starts the mutator without a future; Job.Flush waits until all that were posted have been applied. The error says
// that it was not taken, because the job has ended or ctx did while the window was full.
func Post[T, A, R any](ctx context.Context, o *Object[T], m *class.Mutator[T, A, R], a A) error {
	return asError(m.Method().Name, o.o.Name, submit(ctx, o, m, a, nil, false))
}

func start[T, A, R any](ctx context.Context, o *Object[T], m *class.Mutator[T, A, R], a A, lone bool) *Future[R] {
	f := &Future[R]{method: m.Method(), object: o.o.Name}
	if err := submit(ctx, o, m, a, &f.outcome, lone); err != nil {
		f.outcome.Fail(err)
	}
	return f
}

// submit hands the call to the session; f may be nil. An error means that the call was not taken.
func submit[T, A, R any](ctx context.Context, o *Object[T], m *class.Mutator[T, A, R], a A, f class.Future, lone bool) error {
	s, id := o.job.session, m.Method().ID
	if m.Combines() {
		w, err := m.Waiting(a)
		if err != nil {
			return notEncoded(err)
		}
		return s.Merge(ctx, o.o.ID, id, pending[T, A, R]{w}, f, lone)
	}
	frame, err := s.Begin(ctx, o.o.ID, id)
	if err != nil {
		return err
	}
	taken := false
	defer func() {
		if !taken { // what cannot be encoded, and what panicked: leave the batch as it was
			s.Abort()
		}
	}()
	if frame, err = m.Append(frame, a); err != nil {
		return notEncoded(err)
	}
	taken = true
	return s.Commit(frame, f, lone)
}

// A pending is a waiting call as the session takes it: its errors say that it was not applied.
type pending[T, A, R any] struct{ *class.Waiting[T, A, R] }

// Absorb merges a later call of the same mutator.
func (p pending[T, A, R]) Absorb(later any) bool {
	l, same := later.(pending[T, A, R])
	return same && p.Waiting.Absorb(l.Waiting)
}

// Append encodes the arguments as they are now.
func (p pending[T, A, R]) Append(dst []byte) ([]byte, error) {
	dst, err := p.Waiting.Append(dst)
	if err != nil {
		err = notEncoded(err)
	}
	return dst, err
}

// notEncoded is the error of a call whose arguments cannot be encoded.
func notEncoded(err error) error { return fmt.Errorf("%w: arguments: %w", ErrNotApplied, err) }
