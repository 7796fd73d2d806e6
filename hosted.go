package dsss

import (
	"context"
	"fmt"

	"dsss/class"
)

// A Hosted is this process's handle on a hosted object: a named value of class T that the host and the keeper hold.
// Workers have no copy. Proxies from dsss-gen wrap one. All methods may be called concurrently.
type Hosted[T any] struct {
	job     *Job
	session hostedSession
	id      uint32
	name    string
}

// hostedSession is what hosted objects need of a session. Frames are as those of Session.Begin and Session.Commit: the
// arguments are appended to what BeginHosted returned, and CommitHosted or Abort follows.
type hostedSession interface {
	OpenHosted(ctx context.Context, name, class string) (object uint32, err error)
	BeginHosted(ctx context.Context, object, method uint32) (frame []byte, err error)
	CommitHosted(frame []byte, f class.Receiver, lone bool) error
	Abort()
	// AskHost sends a question to the host. failed is the text of the getter's error, or empty.
	AskHost(ctx context.Context, object, query uint32, args []byte) (data []byte, failed string, err error)
}

// OpenHosted returns the hosted object of that name, making it first when no process has. Its state begins as the zero T,
// on the host. It is itself an ordered mutation: all processes agree on what exists. An object of that name but another
// class is ErrClass, one that is replicated ErrPlacement.
func OpenHosted[T any](ctx context.Context, job *Job, c *class.Of[T], name string) (*Hosted[T], error) {
	return openHosted(ctx, job, job.session, c, name)
}

func openHosted[T any](ctx context.Context, job *Job, s hostedSession, c *class.Of[T], name string) (*Hosted[T], error) {
	if name == "" {
		return nil, nameless(c.Name())
	}
	id, err := s.OpenHosted(ctx, name, c.Name())
	if err != nil {
		return nil, asError("Open", name, err)
	}
	return &Hosted[T]{job: job, session: s, id: id, name: name}, nil
}

// Name returns the object's name.
func (h *Hosted[T]) Name() string { return h.name }

// Job returns the job that the object belongs to.
func (h *Hosted[T]) Job() *Job { return h.job }

// CallHosted runs the mutator m of object h on the host, exactly once and in the order of all mutations, and returns what
// it returned there: its result, or its error as a class.RemoteError. Methods of hosted proxies from dsss-gen are calls of it.
//
// What a refers to is the caller's again when CallHosted returns; the result is the caller's own. A result that cannot be
// encoded is the call's error, and the mutation has been applied. When ctx ends first the error is an *Error that wraps both
// ctx's cause and ErrUnconfirmed (the mutation was sent and may yet be applied) or ErrNotApplied (it was not sent and never
// will be).
func CallHosted[T, A, R any](ctx context.Context, h *Hosted[T], m *class.Mutator[T, A, R], a A) (R, error) {
	return startHosted(ctx, h, m, a, true).Wait(ctx)
}

// GoHosted starts the mutator and returns at once, unless the window of mutations in flight is full: then it waits for room.
// Mutations of one process are applied in the order in which they were started. Those of a mutator that combines do not
// merge.
func GoHosted[T, A, R any](ctx context.Context, h *Hosted[T], m *class.Mutator[T, A, R], a A) *Future[R] {
	return startHosted(ctx, h, m, a, false)
}

func startHosted[T, A, R any](ctx context.Context, h *Hosted[T], m *class.Mutator[T, A, R], a A, lone bool) *Future[R] {
	c := &hostedCall[T, A, R]{future: Future[R]{method: m.Method(), object: h.name}}
	c.receiving = class.Receiving[T, A, R]{M: m, To: &c.future.outcome}
	if err := submitHosted(ctx, h, m, a, &c.receiving, lone); err != nil {
		c.future.outcome.Fail(err)
	}
	return &c.future
}

// A hostedCall is what one call takes of memory.
type hostedCall[T, A, R any] struct {
	future    Future[R]
	receiving class.Receiving[T, A, R]
}

// submitHosted hands the call to the session. An error means that the call was not taken.
func submitHosted[T, A, R any](ctx context.Context, h *Hosted[T], m *class.Mutator[T, A, R], a A, f class.Receiver, lone bool) error {
	frame, err := h.session.BeginHosted(ctx, h.id, m.Method().ID)
	if err != nil {
		return err
	}
	taken := false
	defer func() {
		if !taken { // what cannot be encoded, and what panicked: leave the batch as it was
			h.session.Abort()
		}
	}()
	if frame, err = m.Append(frame, a); err != nil {
		return notEncoded(err)
	}
	taken = true
	return h.session.CommitHosted(frame, f, lone)
}

// Ask asks the host what the getter g of object h returns: its result, which is the caller's own, or its error as a
// class.RemoteError. Methods of hosted proxies from dsss-gen are calls of it.
//
// The host answers when it has applied all that was ordered before the question came, so the answer is linearizable: every
// mutation that had returned in any process when Ask was called is in it. Questions are not logged, and change nothing: when
// ctx ends first, the error is an *Error that wraps ctx's cause, and asking again does no harm.
func Ask[T, A, R any](ctx context.Context, h *Hosted[T], g *class.Getter[T, A, R], a A) (R, error) {
	var zero R
	name := g.Query().Name
	args, err := g.Append(nil, a)
	if err != nil {
		return zero, asError(name, h.name, fmt.Errorf("arguments: %w", err))
	}
	data, failed, err := h.session.AskHost(ctx, h.id, g.Query().ID, args)
	switch {
	case err != nil:
		return zero, asError(name, h.name, err)
	case failed != "":
		return zero, class.RemoteError(failed)
	}
	r, err := g.Decode(data)
	return r, asError(name, h.name, err)
}
