package session

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/replica"
)

// dialUntil connects and is welcomed, trying again until limits.Reconnect has passed or the coordinator refuses for good.
func (s *Session) dialUntil(ctx context.Context) (*comm.Conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var late atomic.Bool // limits.Reconnect has passed, but for the time in which this process was stopped
	s.wg.Go(func() {
		look := time.NewTicker(limits.Heartbeat)
		defer look.Stop()
		var patience comm.Patience
		patience.Reset(time.Now())
		for {
			select {
			case <-s.ended: // Close does not wait for a coordinator that hangs
				cancel(ErrClosed)
				return
			case <-ctx.Done():
				return
			case now := <-look.C:
				late.Store(patience.Waited(now) > limits.Reconnect)
			}
		}
	})
	pause := limits.ReconnectPause
	for {
		conn, err := s.dial(ctx)
		if err == nil {
			return conn, nil
		}
		if over := hopeless(err); over != nil {
			return nil, over
		}
		if late.Load() {
			return nil, fmt.Errorf("gave up after %v: %w", limits.Reconnect, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		}
		pause = min(2*pause, limits.Heartbeat)
	}
}

// hopeless returns what a session ends with that could not connect for this reason, nil when it may try again.
func hopeless(err error) error {
	var refused *comm.RefusedError
	switch {
	case errors.As(err, &refused) && refused.Code != wire.RefusalBusy:
		return fmt.Errorf("%w: %w", refusal(refused), err)
	case errors.Is(err, replica.ErrState):
		return err
	}
	return nil
}

func refusal(r *comm.RefusedError) error {
	if r.Code == wire.RefusalBehind {
		return ErrEvicted
	}
	return ErrRefused
}

// dial connects once. On success the connection is the session's, and the cursor is where the coordinator stands.
func (s *Session) dial(ctx context.Context) (*comm.Conn, error) {
	conn, welcome, err := comm.Greet(ctx, s.cfg.Network, s.cfg.Addr, s.hello(), s.recall)
	if err != nil {
		return nil, err
	}
	// A state may follow, which takes as long as it is large: the watch sees a coordinator that hangs meanwhile, and ctx
	// still counts.
	s.watch(conn)
	stop := context.AfterFunc(ctx, func() { conn.CloseFor(context.Cause(ctx)) })
	defer stop()
	if err := s.welcomed(conn, welcome); err != nil {
		return nil, err
	}
	return conn, nil
}

// hello says who we are and how far our replica is.
func (s *Session) hello() *wire.HelloT {
	hello := s.cfg.Hello
	hello.Session = s.id
	hello.Applied = s.replica.Applied()
	hello.Recalls = s.tail.first()
	if last := s.Welcome(); last != nil {
		hello.Epoch = last.Epoch
	}
	return &hello
}

// welcomed makes a connection that we are welcome on ours; on an error it is closed.
func (s *Session) welcomed(conn *comm.Conn, welcome *wire.WelcomeT) error {
	if err := s.receive(conn, welcome, s.Welcome()); err != nil {
		conn.CloseFor(err)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		conn.Close()
		return s.err
	}
	s.welcome = welcome
	s.conn = conn
	s.cursor = 0
	for s.cursor < len(s.queue) && s.queue[s.cursor].last() <= welcome.Ordered {
		s.queue[s.cursor].closed = true
		s.cursor++
	}
	s.askAgainLocked()
	s.wake()
	return nil
}

// aside has f done without waiting for it, unless no write ever waits.
func (s *Session) aside(f func()) {
	if s.stepped {
		f()
		return
	}
	s.wg.Go(f)
}

// watch starts the connection's watch.
func (s *Session) watch(conn *comm.Conn) {
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		conn.Watch(limits.Silence, limits.Silence, s.heartbeat)
	}()
}

// errOldEpoch: a coordinator that was taken over is still there. The one that took over will be, too.
var errOldEpoch = errors.New("the coordinator is of an old epoch")

// receive takes what comes with a Welcome: on the first one the mutations to leave out, and a state when our replica
// is empty or too far behind for the log. last is the Welcome before, nil on the first.
func (s *Session) receive(conn *comm.Conn, welcome, last *wire.WelcomeT) error {
	if last == nil {
		s.replica.Void(welcome.Voids)
	} else if welcome.Epoch < last.Epoch {
		return errOldEpoch
	}
	s.tail.keep = welcome.Remember
	if !welcome.State {
		return nil
	}
	next := stateReader{conn}.next
	if last == nil {
		return s.replica.Restore(next)
	}
	end, err := s.replica.Catch(next)
	if err != nil {
		return err
	}
	s.tail.forget(end.Sequence)
	s.settleLost(end.Sessions[s.id])
	s.applied.reach(end.Sequence)
	return nil
}

// settleLost ends what of ours is in a state that we were caught up with: it was applied, but not here, so the results
// are lost.
func (s *Session) settleLost(request uint64) {
	s.mu.Lock()
	var lost []*outBatch
	for len(s.queue) > 0 && len(s.queue[0].futures) > 0 && s.queue[0].last() <= request {
		b := s.queue[0]
		lost = append(lost, b)
		s.queue = s.queue[1:]
		s.flight -= len(b.futures)
		s.bytes -= len(b.frame) - comm.EmptyBatch
	}
	s.cursor = 0
	s.releaseRoomLocked()
	s.mu.Unlock()
	for _, b := range lost {
		b.fail(ErrResultLost)
	}
}
