package session

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/stream"
)

// dialUntil connects and is welcomed, trying again until limits.Reconnect has passed or the coordinator refuses for good.
func (s *Session) dialUntil(ctx context.Context) (*comm.Conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.wg.Go(func() {
		select {
		case <-s.ended: // Close does not wait for a coordinator that hangs
			cancel(ErrClosed)
		case <-ctx.Done():
		}
	})
	var late atomic.Bool
	defer comm.After(limits.Reconnect, func() { late.Store(true) })()
	for {
		conn, err := s.dial(ctx)
		if err == nil {
			return conn, nil
		}
		pause, over := s.Failed(err, late.Load())
		if over {
			return nil, s.Err()
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		}
	}
}

// dial connects once. On success the connection is the session's, and the cursor is where the coordinator stands.
func (s *Session) dial(ctx context.Context) (*comm.Conn, error) {
	conn, welcome, err := comm.Greet(ctx, s.cfg.Network, s.cfg.Addr, s.Hello(), s.Recall)
	if err != nil {
		return nil, err
	}
	// A state may follow, which takes as long as it is large: the watch sees a coordinator that hangs meanwhile, and ctx
	// still counts.
	s.wg.Go(func() { conn.Watch(limits.Silence, limits.Silence, s.Heartbeat) })
	stop := context.AfterFunc(ctx, func() { conn.CloseFor(context.Cause(ctx)) })
	defer stop()
	return conn, s.Welcomed(conn, welcome)
}

// Failed takes what went wrong before or with a Welcome, and returns after what pause to try again, unless the session is
// over with it. late: it has been tried for limits.Reconnect.
func (s *Session) Failed(err error, late bool) (pause time.Duration, over bool) {
	pause, reason := s.link.failed(err, late)
	if reason != nil {
		s.end(reason)
	}
	return pause, reason != nil
}

// Hello is what the session says first on a new connection.
func (s *Session) Hello() *wire.HelloT {
	hello := s.link.hello(s.cfg.Hello, s.follower.replica.Applied(), s.follower.tail.First())
	hello.Hosted = s.follower.replica.HasHosted()
	return hello
}

// Heartbeat returns the frame that says how far our replica is.
func (s *Session) Heartbeat() []byte { return heartbeat(s.id, s.follower.replica.Applied()) }

// Recall answers a coordinator that takes over with what our replica remembers from first on and how far each session
// has come in it.
func (s *Session) Recall(conn *comm.Conn, first uint64) error {
	for frame := range s.follower.tail.From(first, comm.HeaderSize) {
		comm.Seal(frame, comm.KindTail)
		if err := conn.Write(frame); err != nil {
			return fmt.Errorf("sending what the last coordinator ordered: %w", err)
		}
	}
	return conn.Send(comm.KindStateEnd, EndMessage(s.id, s.follower.replica.Position()))
}

// Welcomed makes a connection that we are welcome on ours, and reads the state that the Welcome promises. On an error the
// connection is closed.
func (s *Session) Welcomed(conn *comm.Conn, welcome *wire.WelcomeT) error {
	first, err := s.link.check(welcome)
	var e effects
	if err == nil {
		e, err = s.follower.welcomed(welcome, first, stateReader{conn, s.id}.next)
	}
	if err != nil {
		conn.CloseFor(err)
		return err
	}
	s.settleLost(e.caughtUp)
	replies := e.replies
	e.replies = nil // they are for this connection, which is not there yet
	s.noteEffects(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		conn.Close()
		return s.err
	}
	if err := s.out.link([stream.Domains]uint64{welcome.Ordered, welcome.Hosted}); err != nil {
		conn.CloseFor(err)
		return err
	}
	s.link.welcome = welcome
	s.conn = conn
	s.out.control.replies, s.out.control.due = replies, s.out.control.due || len(replies) > 0
	s.sendLocked(false)
	return nil
}

// settleLost ends what of ours is in a state that we were caught up with: it was applied, but not here, so the results
// are lost.
func (s *Session) settleLost(request uint64) {
	s.mu.Lock()
	lost := s.out.caughtUp(request)
	s.mu.Unlock()
	for _, b := range lost {
		b.fail(fmt.Errorf("%w: this replica was caught up from a checkpoint", ErrResultLost))
	}
}
