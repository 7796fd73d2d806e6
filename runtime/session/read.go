package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/replica"
)

// read is the reader: it follows the order on conn and, when conn breaks, on the next one.
func (s *Session) read(conn *comm.Conn) {
	defer s.wg.Done()
	for {
		err := s.Follow(conn)
		if err == nil {
			continue
		}
		if s.Broken(conn, err) {
			return
		}
		s.cfg.Log.Warn("connection to the coordinator lost, trying again", "cause", err)
		conn, err = s.dialUntil(context.Background()) // until Close, at most
		if err != nil {
			s.end(err)
			return
		}
		s.cfg.Log.Info("connected to the coordinator again")
	}
}

// Broken closes a connection that cannot be followed any more, and tells whether the session is over with it. If it is
// not, another is made. The reader calls it.
func (s *Session) Broken(conn *comm.Conn, err error) (over bool) {
	conn.CloseFor(err)
	if s.link.broken(err) {
		s.end(err)
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = nil
	s.out.unlink()
	return s.err != nil
}

// Follow reads the next frame and does what it says. Batches that have arrived behind a batch are applied with it, and
// futures of ours are resolved after that, so that who wakes finds the replica free. The reader calls it again until
// an error says that the connection cannot be followed any more.
func (s *Session) Follow(conn *comm.Conn) error {
	f := &s.follower
	kind, body, err := conn.Next()
	if err != nil {
		return err
	}
	if kind != comm.KindBatch {
		e, err := f.frame(kind, body)
		if err != nil {
			return err
		}
		return s.carryOut(conn, e)
	}
	f.begin()
	err = f.batch(body)
	// Ready only says that a frame is there; one of another kind ends the hold and is handled after it.
	for err == nil && f.more() && conn.Ready() && conn.NextKind() == comm.KindBatch {
		if _, body, err = conn.Next(); err == nil {
			err = f.batch(body)
		}
	}
	if err != nil {
		if p := (*replica.PanicError)(nil); errors.As(err, &p) {
			return s.panicked(conn, p)
		}
	}
	_ = s.carryOut(conn, f.end())  // nothing of it can fail
	if err == nil && f.mark != 0 { // now that callers have their results: a digest takes a while
		err = s.carryOut(conn, f.atMark())
	}
	return err
}

// carryOut does what the follower says.
func (s *Session) carryOut(conn *comm.Conn, e effects) error {
	for _, o := range e.ours {
		o.resolve()
	}
	if e.result != nil {
		if err := s.answered(e.result); err != nil {
			return err
		}
	}
	if len(e.ours) > 0 || e.position || e.membered || e.answer != nil || e.hosting || e.beat || len(e.replies) > 0 || s.follower.replica.Applied() >= s.least.Load() {
		s.noteEffects(e)
	}
	if e.undigest != nil {
		s.cfg.Log.Warn("this state cannot be digested", "cause", e.undigest)
	}
	if e.digest != nil {
		s.post(comm.Frame(comm.KindDigest, e.digest))
	}
	switch {
	case e.save == nil:
	case e.save.Want == wire.WantState:
		return s.sendState(conn)
	case s.cfg.OnSave != nil:
		select {
		case <-s.cfg.OnSave(e.save):
		case <-conn.Closed(): // a coordinator that takes over needs to hear from us, checkpoint or not
		case <-s.ended:
		}
	}
	return nil
}

// noteEffects tells the sending side, and those who wait, what has been applied and said.
func (s *Session) noteEffects(e effects) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, o := range e.ours {
		s.out.spent(o.b)
		e.ours[i].b = nil
	}
	s.roomLocked()
	if e.membered && !slices.Equal(e.members, s.ranks) {
		s.ranks = e.members
		close(s.reranked)
		s.reranked = make(chan struct{})
	}
	if e.answer != nil {
		s.out.control.answer(*e.answer)
	}
	if len(e.replies) > 0 {
		s.out.control.replies = append(s.out.control.replies, e.replies...)
		s.out.control.due = true
	}
	if e.hosting {
		s.out.control.askHost()
	}
	if e.beat {
		s.out.quiet()
	}
	// The reader does not say itself how far our replica is: the coordinator may have to write to us before it reads on,
	// and we would wait for each other.
	if e.position {
		s.out.control.position, s.out.control.due = true, true
	}
	s.settleLocked()
	s.sendLocked(len(e.replies) > 0) // somebody waits for those
}

// own is the follower's way to our batches.
func (s *Session) own(request uint64, count uint32) (*outBatch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	return s.out.own(request, count)
}

// panicked reports the mutator that panicked and waits until the coordinator has noted it. The replica stays locked:
// it is half changed, and nobody may see it.
func (s *Session) panicked(conn *comm.Conn, p *replica.PanicError) error {
	_ = conn.Send(comm.KindPanic, &wire.PanicT{Sequence: p.Seq, Object: p.Object, Method: p.Method,
		Arguments: p.Arguments, Text: p.Value, Stack: p.Stack, Session: s.id})
	conn.SetReadDeadline(time.Now().Add(limits.Handshake))
	for {
		kind, _, err := conn.Next()
		if kind == comm.KindStop {
			s.follower.replica.Noted()
			break
		}
		if err != nil {
			break
		}
	}
	if s.cfg.OnPanic != nil {
		s.cfg.OnPanic(p)
	}
	for _, o := range s.follower.ours {
		o.b.fail(fmt.Errorf("%w: %w", ErrUnconfirmed, p))
	}
	return p
}
