package coordinator

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"

	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
)

// serve runs one connection from its first frame to its last. known is called once the peer is no stranger any more,
// or gone.
func (c *coordinator) serve(conn *comm.Conn, known func()) {
	hello, err := conn.ReadHello()
	known()
	if err == nil {
		err = c.admit(conn, hello)
	}
	if err == nil {
		return
	}
	c.refused(conn, hello, err)
}

// refused closes a connection that was not admitted, and ends the job when that is what its reason says. hello may be nil.
func (c *coordinator) refused(conn *comm.Conn, hello *wire.HelloT, err error) {
	c.mu.Lock()
	abandoned := abandons(c.stopping)
	c.mu.Unlock()
	var refused *comm.RefusedError
	if errors.As(err, &refused) && !abandoned { // else it is not ours to say what becomes of the job
		conn.RefuseWith(refused.Code, refused.Reason)
	}
	conn.CloseFor(err)
	c.cfg.Log.Warn("connection refused", "peer", conn.Peer(), "cause", err)
	e := &wire.EventT{What: wire.HappeningRefused, Text: err.Error(), Rank: -1}
	if hello != nil {
		e.Role, e.Rank, e.Pid, e.Incarnation = hello.Role, hello.Rank, hello.Pid, hello.Incarnation
	}
	c.event(e)
	if errors.Is(err, errSuperseded) {
		c.stop(errSuperseded)
	}
	if errors.Is(err, ErrUsage) { // the state directory is not for this program: there is no job
		c.stop(err)
	}
}

func refuse(code wire.Refusal, format string, args ...any) error {
	return &comm.RefusedError{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// admit checks a Hello and serves the connection until it ends. An error means that it was not admitted.
func (c *coordinator) admit(conn *comm.Conn, hello *wire.HelloT) error {
	if err := speaksLike(hello); err != nil {
		return err
	}
	switch {
	case subtle.ConstantTimeCompare(hello.Token, c.cfg.Token) != 1:
		return refuse(wire.RefusalToken, "wrong token: not a process of this job")
	case hello.Job != c.cfg.Job:
		return refuse(wire.RefusalJob, "this is job %q, not %q", c.cfg.Job, hello.Job)
	case hello.Domain != 0:
		return refuse(wire.RefusalOther, "domain %d does not exist", hello.Domain)
	}
	if hello.Role == wire.RoleControl || hello.Role == wire.RoleOperator {
		return c.serveControl(conn, hello.Role)
	}
	if hello.Session == 0 {
		return refuse(wire.RefusalOther, "no session number")
	}
	if c.undecided() {
		if err := c.wait(conn, hello); err != nil {
			return err
		}
	}
	if err := c.openOnce(hello); err != nil {
		return err
	}
	s, welcome, err := c.join(conn, hello)
	if err != nil {
		return err
	}
	s.watch() // also while a state is sent: a peer that takes nothing does not hold on to it for ever
	if err = s.welcome(welcome); err == nil {
		s.c.wg.Add(1)
		go s.write()
		err = s.read()
	}
	c.unsubscribe(s, err)
	return nil
}

// join makes a replica whose Hello has been checked a subscriber.
func (c *coordinator) join(conn *comm.Conn, hello *wire.HelloT) (*subscriber, *wire.WelcomeT, error) {
	s := &subscriber{
		c: c, conn: conn, role: hello.Role, rank: hello.Rank, pid: hello.Pid, session: hello.Session, incarnation: hello.Incarnation,
		patient: hello.Role == wire.RoleKeeper, wake: make(chan struct{}, 1),
	}
	start, welcome, err := c.subscribe(s, hello)
	if err != nil {
		return nil, nil, err
	}
	c.event(&wire.EventT{What: wire.HappeningJoined, Role: s.role, Rank: s.rank, Pid: s.pid, Incarnation: s.incarnation, Sequence: welcome.Head})
	c.cfg.Log.Info("joined", "role", s.role, "rank", s.rank, "pid", s.pid, "from", start)
	return s, welcome, nil
}

// openOnce opens the state on the first keeper's hello, and compares everybody with it.
func (c *coordinator) openOnce(hello *wire.HelloT) error {
	c.opening.Lock()
	defer c.opening.Unlock()
	if !c.opened.Load() {
		if hello.Role != wire.RoleKeeper {
			return refuse(wire.RefusalBusy, "the keeper has not joined yet: try again")
		}
		if err := c.open(hello); err != nil {
			var refused *comm.RefusedError
			if !errors.As(err, &refused) {
				where := fmt.Sprintf("state directory %s: ", c.cfg.StateDir)
				if errors.Is(err, statedir.ErrIncomplete) {
					where = "" // it says so
				}
				err = refuse(wire.RefusalState, "%s%v", where, err)
			}
			return usageError{err}
		}
		return nil
	}
	c.mu.Lock()
	job := c.job
	c.mu.Unlock()
	return sameBuild(&job, hello)
}

// welcome welcomes the peer and sends the state if it needs it.
func (s *subscriber) welcome(welcome *wire.WelcomeT) error {
	s.conn.Raise()
	if err := s.conn.Send(comm.KindWelcome, welcome); err != nil {
		return err
	}
	if welcome.State {
		if err := s.c.sendState(s); err != nil {
			return err
		}
	}
	s.poke()
	if s.role == wire.RoleKeeper {
		s.c.keeperBack()
	}
	return nil
}

// watch ends the connection of a peer that says nothing, or takes nothing, for too long.
func (s *subscriber) watch() {
	stuck := limits.Silence
	if s.role == wire.RoleKeeper {
		stuck = limits.KeeperStuck
	}
	s.c.wg.Go(func() { s.conn.Watch(limits.Silence, stuck, s.heartbeat) })
}

// heartbeat says how far the order is, and what the replica may forget.
func (s *subscriber) heartbeat() []byte {
	return comm.Frame(comm.KindHeartbeat, &wire.HeartbeatT{Applied: s.c.gate.Load(), Stable: s.c.stable.Load()})
}

// read handles what the peer sends until the connection ends.
func (s *subscriber) read() error {
	for {
		if err := s.readBurst(); err != nil {
			return err
		}
	}
}

// readBurst waits for a frame and handles it and those buffered behind it. Then, or when something goes wrong, the other
// cursors learn of what was ordered: never between, so that bursts are written in one go, and whatever frame comes last.
func (s *subscriber) readBurst() error {
	ordered := false
	for {
		kind, body, err := s.conn.Next()
		switch {
		case err != nil:
		case kind == comm.KindBatch:
			err = s.c.submit(s, body)
			ordered = err == nil || ordered
		default:
			err = s.c.handle(s, kind, body)
		}
		if err == nil && s.conn.Ready() {
			continue
		}
		if ordered {
			s.c.wake(s)
			s.writeNow()
		}
		return err
	}
}

// unsubscribe ends a connection that was admitted.
func (c *coordinator) unsubscribe(s *subscriber, cause error) {
	s.conn.CloseFor(cause)
	c.mu.Lock()
	current := c.subs[s]
	ask := s.ask
	s.ask = nil
	s.asked.Store(false)
	c.dropLocked(s)
	if current && s.role == wire.RoleWorker && (s.left || s.gone) {
		c.memberGoneLocked(s.rank)
	}
	left := s.left
	ending := c.stopping != nil
	c.mu.Unlock()
	if ask != nil {
		ask.abort()
	}
	c.suspectLost(s)
	if !current {
		return // replaced by a new connection of the same session
	}
	e := &wire.EventT{What: wire.HappeningLost, Role: s.role, Rank: s.rank, Pid: s.pid, Incarnation: s.incarnation, Text: cause.Error()}
	switch {
	case left || ending:
		e.What, e.Text = wire.HappeningLeft, ""
	case errors.Is(cause, io.EOF):
		e.Text = "its connection ended"
	}
	c.event(e)
	c.cfg.Log.Info("connection ended", "role", s.role, "rank", s.rank, "pid", s.pid, "cause", cause)
	if s.role == wire.RoleKeeper {
		c.keeperLost()
	}
}
