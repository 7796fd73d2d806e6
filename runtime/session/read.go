package session

import (
	"context"
	"errors"
	"fmt"
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
		err := s.follow(conn)
		if s.broken(conn, err) {
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

// broken closes a connection that cannot be followed any more, and tells whether the session is over with it.
func (s *Session) broken(conn *comm.Conn, err error) (over bool) {
	conn.CloseFor(err)
	if s.final(err) {
		s.end(err)
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = nil
	return s.err != nil
}

// final tells whether an error of follow ends the session. Others only say that the connection broke.
func (s *Session) final(err error) bool {
	var p *replica.PanicError
	return errors.Is(err, ErrStopped) || errors.Is(err, ErrEvicted) || errors.Is(err, ErrClosed) ||
		errors.Is(err, replica.ErrOrder) || errors.As(err, &p)
}

// follow handles frames until the connection or the session ends.
func (s *Session) follow(conn *comm.Conn) error {
	for {
		if err := s.followOne(conn); err != nil {
			return err
		}
	}
}

// followOne handles the next frame, and batches that have arrived behind it.
func (s *Session) followOne(conn *comm.Conn) error {
	kind, body, err := conn.Next()
	if err != nil {
		return err
	}
	if kind == comm.KindBatch {
		return s.applyFrom(conn, body)
	}
	return s.handle(conn, kind, body)
}

// applyFrom applies the batch in body and those that have arrived behind it, holding the write side once for all of
// them, within limits.ApplyHold. Futures of ours are resolved after that, so that who wakes finds the replica free.
func (s *Session) applyFrom(conn *comm.Conn, body []byte) error {
	var own []ownBatch
	var err error
	r := s.replica
	r.Begin()
	held := len(body)
	own, err = s.applyOne(body, s.ownScratch[:0])
	// Ready only says that a frame is there; one of another kind ends the hold and is handled after it.
	mark := r.TakeMark()
	for err == nil && mark == 0 && held < limits.ApplyHold && conn.Ready() && conn.NextKind() == comm.KindBatch {
		if _, body, err = conn.Next(); err != nil {
			break
		}
		held += len(body)
		own, err = s.applyOne(body, own)
		mark = r.TakeMark()
	}
	if p := (*replica.PanicError)(nil); errors.As(err, &p) {
		return s.panicked(conn, p, own)
	}
	r.End()
	for i := range own {
		own[i].resolve()
		s.spent(own[i].b)
		own[i].b = nil
	}
	s.ownScratch = own[:0]
	s.applied.reach(r.Applied())
	if s.members.coming != nil {
		s.reachMembers()
	}
	if s.tail.acked >= limits.TailAck {
		s.tail.acked = 0
		s.mu.Lock()
		s.position = true
		s.mu.Unlock()
		s.wake()
	}
	if mark != 0 && err == nil {
		return s.atMark(conn, mark)
	}
	return err
}

// heartbeat says how far our replica is.
func (s *Session) heartbeat() []byte {
	return comm.Frame(comm.KindHeartbeat, &wire.HeartbeatT{Applied: s.replica.Applied()})
}

// ownBatch is a batch of ours whose calls have been applied from sequence number first on.
type ownBatch struct {
	b     *outBatch
	first uint64
}

func (o ownBatch) resolve() {
	for i, f := range o.b.futures {
		if f != nil { // nil: posted
			f.Resolve(o.first + uint64(i))
		}
	}
}

func (s *Session) applyOne(body []byte, own []ownBatch) ([]ownBatch, error) {
	b, err := comm.ParseBatch(body)
	if err != nil {
		return own, err
	}
	if b.Sequence+uint64(b.Count) <= s.replica.Applied()+1 {
		return own, nil // a copy
	}
	if b.Session != s.id {
		if err := s.replica.Apply(b, nil); err != nil {
			return own, err
		}
		s.tail.add(b, body)
		return own, nil
	}
	out, err := s.take(b.Request, b.Count)
	if err != nil {
		return own, err
	}
	err = s.replica.Apply(b, out.futures)
	if p := (*replica.PanicError)(nil); err != nil && !errors.As(err, &p) { // of one that panicked, the report comes first
		out.fail(fmt.Errorf("%w: %w", ErrUnconfirmed, err))
		return own, err
	}
	if err == nil {
		s.tail.add(b, body)
	}
	return append(own, ownBatch{out, b.Sequence}), err
}

// panicked reports the mutator that panicked and waits until the coordinator has noted it. The replica stays locked:
// it is half changed, and nobody may see it.
func (s *Session) panicked(conn *comm.Conn, p *replica.PanicError, own []ownBatch) error {
	_ = conn.Send(comm.KindPanic, &wire.PanicT{Sequence: p.Seq, Object: p.Object, Method: p.Method,
		Arguments: p.Arguments, Text: p.Value, Stack: p.Stack})
	noted := time.Now().Add(limits.Handshake)
	conn.SetReadDeadline(noted)
	for {
		kind, _, err := conn.Next()
		if kind == comm.KindStop {
			s.replica.Noted()
			break
		}
		if err != nil {
			break
		}
	}
	if s.cfg.OnPanic != nil {
		s.cfg.OnPanic(p)
	}
	for _, o := range own {
		o.b.fail(fmt.Errorf("%w: %w", ErrUnconfirmed, p))
	}
	return p
}

// handle handles a frame that is not a batch.
func (s *Session) handle(conn *comm.Conn, kind comm.Kind, body []byte) error {
	switch kind {
	case comm.KindHeartbeat:
		m, err := comm.ParseHeartbeat(body)
		if err != nil {
			return err
		}
		s.tail.forget(m.Stable)
	case comm.KindSynced:
		m, err := comm.ParseSynced(body)
		if err != nil {
			return err
		}
		s.answer(s.syncs, m.Id, answer{head: m.Head, checkpoints: m.Checkpoints})
	case comm.KindStats:
		m, err := comm.ParseStats(body)
		if err != nil {
			return err
		}
		s.answer(s.syncs, m.Id, answer{stats: m})
	case comm.KindSaved:
		m, err := comm.ParseSaved(body)
		if err != nil {
			return err
		}
		a := answer{head: m.Sequence}
		if m.Error != "" {
			a.err = errors.New(m.Error)
		}
		s.answer(s.saves, m.Id, a)
	case comm.KindSave:
		m, err := comm.ParseSave(body)
		if err != nil {
			return err
		}
		if m.Id == 0 { // not at a mark: now
			return s.sendState(conn)
		}
		s.armed = append(s.armed, m)
		if len(s.armed) > limits.Armed {
			s.armed = s.armed[1:]
		}
	case comm.KindMembers:
		m, err := comm.ParseMembers(body)
		if err != nil {
			return err
		}
		s.members.coming = m
		s.reachMembers()
	case comm.KindStop:
		m, err := comm.ParseStop(body)
		if err != nil {
			return err
		}
		return stopError(m)
	default:
		return fmt.Errorf("%w: %v to a replica", comm.ErrProtocol, kind)
	}
	return nil
}

func stopError(m *wire.StopT) error {
	switch {
	case m.Evicted:
		return fmt.Errorf("%w: %s", ErrEvicted, m.Reason)
	case m.Reason == "":
		return ErrClosed
	}
	return fmt.Errorf("%w: %s", ErrStopped, m.Reason)
}

// stateReader reads the items of a state from a connection.
type stateReader struct{ conn *comm.Conn }

func (r stateReader) next() (replica.Item, error) {
	for {
		kind, body, err := r.conn.Next()
		if err != nil {
			return replica.Item{}, err
		}
		switch kind {
		case comm.KindHeartbeat:
		case comm.KindStateObject:
			m, err := comm.ParseStateObject(body)
			if err != nil {
				return replica.Item{}, err
			}
			return replica.Item{Object: &replica.ItemObject{ID: m.Id, Name: m.Name, Class: m.Class}}, nil
		case comm.KindStateChunk:
			piece, err := comm.StateChunkData(body)
			return replica.Item{Piece: piece}, err
		case comm.KindStateEnd:
			m, err := comm.ParseStateEnd(body)
			if err != nil {
				return replica.Item{}, err
			}
			end := &replica.ItemEnd{Sequence: m.Sequence, Nanos: m.Time, Sessions: map[uint64]uint64{}}
			for _, s := range m.Sessions {
				end.Sessions[s.Id] = s.Request
			}
			return replica.Item{End: end}, nil
		default:
			return replica.Item{}, fmt.Errorf("%w: %v inside a state", comm.ErrProtocol, kind)
		}
	}
}
