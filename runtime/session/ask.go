package session

import (
	"context"
	"fmt"
	"sync"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/replica"
)

// A question waits for the coordinator's answer. It is asked again after a reconnect.
type question struct {
	kind  comm.Kind
	frame []byte
	reply chan answer // room for the one answer
}

type answer struct {
	head        uint64
	checkpoints uint64
	stats       *wire.StatsT
	err         error
}

func (q *question) settle(a answer) { q.reply <- a }

func (s *Session) ask(ctx context.Context, questions map[uint64]*question, kind comm.Kind, message func(id uint64) comm.Message) (answer, error) {
	s.mu.Lock()
	if s.err != nil {
		err := s.err
		s.mu.Unlock()
		return answer{}, err
	}
	s.asked++
	id := s.asked
	q := &question{kind: kind, frame: comm.Frame(kind, message(id)), reply: make(chan answer, 1)}
	questions[id] = q
	conn := s.conn
	s.mu.Unlock()
	if conn != nil {
		_ = conn.Write(q.frame) // a broken connection asks again when it is back
	}
	select {
	case a := <-q.reply:
		return a, a.err
	case <-ctx.Done():
		s.mu.Lock()
		delete(questions, id)
		s.mu.Unlock()
		return answer{}, context.Cause(ctx)
	}
}

// askAgainLocked repeats what was not answered, on a new connection.
func (s *Session) askAgainLocked() {
	var frames []byte
	for _, questions := range []map[uint64]*question{s.syncs, s.saves} {
		for _, q := range questions {
			frames = append(frames, q.frame...)
		}
	}
	if s.leaving {
		frames = append(frames, comm.Frame(comm.KindLeave, &wire.LeaveT{})...)
	}
	if len(frames) > 0 {
		conn := s.conn
		s.aside(func() { _ = conn.Write(frames) }) // not here: mu is held, and a write may wait
	}
}

func (s *Session) answer(questions map[uint64]*question, id uint64, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := questions[id]; q != nil {
		delete(questions, id)
		q.settle(a)
	}
}

// A Position is where the job is, as the coordinator sees it.
type Position struct {
	Head        uint64 // last sequence number that anybody may have seen
	Checkpoints uint64 // written in this run
}

// Sync returns once the replica has applied every mutation that had returned anywhere when Sync was called.
func (s *Session) Sync(ctx context.Context) (Position, error) {
	a, err := s.ask(ctx, s.syncs, comm.KindSync, func(id uint64) comm.Message { return &wire.SyncT{Id: id} })
	if err != nil {
		return Position{}, err
	}
	return Position{Head: a.head, Checkpoints: a.checkpoints}, s.WaitApplied(ctx, a.head)
}

// Stats asks the coordinator for what it knows about the job.
func (s *Session) Stats(ctx context.Context) (*wire.StatsT, error) {
	a, err := s.ask(ctx, s.syncs, comm.KindSync, func(id uint64) comm.Message { return &wire.SyncT{Id: id, Stats: true} })
	if err == nil && a.stats == nil {
		err = fmt.Errorf("%w: no Stats in the answer", comm.ErrProtocol)
	}
	return a.stats, err
}

// InFlight returns how many calls of ours wait to be applied here, and the bytes of their batches.
func (s *Session) InFlight() (calls, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flight, s.bytes
}

// Save asks for a checkpoint that includes everything that the replica has applied, and returns its sequence number
// once it is written and verified.
func (s *Session) Save(ctx context.Context) (uint64, error) {
	atleast := s.replica.Applied()
	a, err := s.ask(ctx, s.saves, comm.KindSave, func(id uint64) comm.Message { return &wire.SaveT{Id: id, Atleast: atleast} })
	return a.head, err
}

// Send sends a message that needs no answer; it is lost if the connection is.
func (s *Session) Send(kind comm.Kind, m comm.Message) {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn != nil {
		_ = conn.Send(kind, m)
	}
}

// Leave waits until nothing of ours is in flight and tells the coordinator that this worker leaves for good.
func (s *Session) Leave(ctx context.Context) error {
	for {
		s.mu.Lock()
		idle, err := s.flight == 0, s.err
		s.mu.Unlock()
		if err != nil {
			return err
		}
		if idle {
			break
		}
		if _, err := s.Sync(ctx); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.leaving = true // said again on every connection, until the answer comes
	s.mu.Unlock()
	s.Send(comm.KindLeave, &wire.LeaveT{})
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Open makes the object exist and returns it.
func (s *Session) Open(ctx context.Context, name, className string) (*replica.Object, error) {
	f := &settled{done: make(chan struct{})}
	if err := s.Submit(ctx, comm.CatalogID, comm.CreateID, comm.CreateArgs(name, className), f, true); err != nil {
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
	return s.replica.Object(name), nil
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

// WaitApplied returns once the replica has applied seq.
func (s *Session) WaitApplied(ctx context.Context, seq uint64) error {
	for s.replica.Applied() < seq {
		reached := s.applied.at(seq, s.replica.Applied)
		select {
		case <-reached:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.ended:
			return s.Err()
		}
	}
	return nil
}

// A signal wakes those who wait for a sequence number.
type signal struct {
	mu      sync.Mutex
	waiting chan struct{} // closed at the next reach; nil when nobody waits
	least   uint64        // of those who wait
}

// at returns a channel that is closed once seq is reached (or soon before). now is asked after the registration, so
// that a step between the caller's look and it is not missed.
func (g *signal) at(seq uint64, now func() uint64) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting == nil {
		g.waiting = make(chan struct{})
		g.least = seq
	}
	g.least = min(g.least, seq)
	if now() >= g.least {
		g.fire()
		closed := make(chan struct{})
		close(closed)
		return closed
	}
	return g.waiting
}

func (g *signal) reach(seq uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting != nil && seq >= g.least {
		g.fire()
	}
}

func (g *signal) fire() {
	close(g.waiting)
	g.waiting = nil
}
