package session

import (
	"context"
	"fmt"
	"slices"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/replica"
)

// ask begins an operation that waits. request: it waits for all calls begun so far, too.
func (s *Session) ask(kind comm.Kind, atleast uint64, request bool) *Question {
	return s.put(&Question{kind: kind, done: make(chan struct{})}, atleast, request)
}

// put is ask for a question that has been made.
func (s *Session) put(x *Question, atleast uint64, request bool) *Question {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		x.end(s.err)
		return x
	}
	if request {
		for domain := range x.requests {
			x.requests[domain] = s.out.streams[domain].next - 1
		}
	}
	if x.kind == 0 {
		x.head = atleast
	}
	s.out.control.ask(s.id, x, atleast)
	s.least.Store(0) // before the replica is looked at, so that a step of it meanwhile is not missed
	s.settleLocked()
	s.sendLocked(true)
	return x
}

// settleLocked ends the questions that have what they wait for.
func (s *Session) settleLocked() {
	s.least.Store(s.out.control.settle(s.follower.replica.Applied(), s.out.done(), s.out.idle()))
}

// wait waits until x has ended, or ctx.
func (s *Session) wait(ctx context.Context, x *Question) (Position, error) {
	select {
	case <-x.done:
		return x.Result()
	case <-ctx.Done():
		s.mu.Lock()
		s.out.control.drop(x)
		s.mu.Unlock()
		return Position{}, context.Cause(ctx)
	}
}

// Ask begins what the methods of that name do, for those who cannot wait: comm.KindSync, comm.KindLeave, and 0 for Flush.
func (s *Session) Ask(kind comm.Kind) *Question { return s.ask(kind, 0, kind == 0) }

// Sync returns once the replica has applied every mutation that had returned anywhere when Sync was called.
func (s *Session) Sync(ctx context.Context) (Position, error) {
	return s.wait(ctx, s.Ask(comm.KindSync))
}

// Stats asks the coordinator for what it knows about the job.
func (s *Session) Stats(ctx context.Context) (*wire.StatsT, error) {
	p, err := s.wait(ctx, s.Ask(comm.KindStats))
	return p.Stats, err
}

// InFlight returns how many calls of ours wait to be applied here, or answered, and the bytes of their batches.
func (s *Session) InFlight() (calls, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.out.streams {
		calls, bytes = calls+o.flight, bytes+o.bytes
	}
	return calls, bytes
}

// Save asks for a checkpoint that includes everything that the replica has applied, and returns its sequence number
// once it is written and verified.
func (s *Session) Save(ctx context.Context) (uint64, error) {
	p, err := s.wait(ctx, s.ask(comm.KindSave, s.follower.replica.Applied(), false))
	return p.Head, err
}

// Flush returns once every call begun so far has been applied to our replica, or, if it is hosted, answered.
func (s *Session) Flush(ctx context.Context) error {
	_, err := s.wait(ctx, s.Ask(0))
	return err
}

// Leave waits until nothing of ours is in flight and tells the coordinator that this worker leaves for good, which ends
// the session.
func (s *Session) Leave(ctx context.Context) error {
	_, err := s.wait(ctx, s.Ask(comm.KindLeave))
	return err
}

// WaitApplied returns once the replica has applied seq.
func (s *Session) WaitApplied(ctx context.Context, seq uint64) error {
	_, err := s.wait(ctx, s.ask(0, seq, false))
	return err
}

// Progress shows a line of text to the person who watches the job. It does not wait: the newest line takes the place of
// one that is not written yet, and is lost with the connection.
func (s *Session) Progress(text string) {
	frame := comm.Frame(comm.KindProgress, &wire.ProgressT{Text: text, Session: s.id})
	s.say(func(c *control) { c.progress, c.due = frame, true })
}

// Saved reports on a checkpoint; see post.
func (s *Session) Saved(m *wire.SavedT) {
	m.Session = s.id
	s.post(comm.Frame(comm.KindSaved, m))
}

// SendDigest tells the coordinator what d found at the mark at seq; see post.
func (s *Session) SendDigest(id, seq uint64, d *replica.Digester) {
	s.post(comm.Frame(comm.KindDigest, digestMessage(s.id, id, seq, d)))
}

// post has a frame written that needs no answer. It does not wait, and the frame is lost if the connection is.
func (s *Session) post(frame []byte) {
	s.say(func(c *control) { c.post(frame, s.out.bounds.Posts) })
}

// say has what f adds written, unless there is no connection.
func (s *Session) say(f func(c *control)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out.linked {
		f(&s.out.control)
		s.sendLocked(false)
	}
}

// Open makes the object exist and returns it.
func (s *Session) Open(ctx context.Context, name, className string) (*replica.Object, error) {
	return s.open(ctx, name, className, false)
}

func (s *Session) open(ctx context.Context, name, className string, hosted bool) (*replica.Object, error) {
	f := &settled{done: make(chan struct{})}
	if err := s.Submit(ctx, comm.CatalogID, comm.CreateID, comm.CreateArgs(name, className, hosted), f, true); err != nil {
		return nil, err
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnconfirmed, context.Cause(ctx))
	}
	if f.err != nil {
		return nil, f.err
	}
	return s.follower.replica.Object(name), nil
}

// settled is a future without a result, for calls of the catalog.
type settled struct {
	err  error
	done chan struct{}
}

func (f *settled) Put(err error)  { f.err = err }
func (f *settled) Resolve(uint64) { close(f.done) }

func (f *settled) Fail(err error) {
	f.err = err
	close(f.done)
}

// Await returns nil once ready, evaluated on o's read side, is true.
func (s *Session) Await(ctx context.Context, o *replica.Object, ready func() bool) error {
	for {
		ok, changed := o.Check(ready)
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.ended:
			return s.Err()
		}
	}
}

// Members returns the ranks that the job has now, ascending, and a channel that is closed when they change. What a rank
// that is not among them any more has done is applied to our replica.
func (s *Session) Members() (ranks []int, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ranks), s.reranked
}
