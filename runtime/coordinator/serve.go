package coordinator

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/sequencer"
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
	var refused *comm.RefusedError
	if errors.As(err, &refused) {
		conn.RefuseWith(refused.Code, refused.Reason)
	}
	conn.CloseFor(err)
	c.cfg.Log.Warn("connection refused", "peer", conn.Peer(), "cause", err)
	e := &wire.EventT{What: wire.HappeningRefused, Text: err.Error(), Rank: -1}
	if hello != nil {
		e.Role, e.Rank, e.Pid = hello.Role, hello.Rank, hello.Pid
	}
	c.event(e)
	if errors.Is(err, ErrUsage) { // the state directory is not for this program: there is no job
		c.stop(err)
	}
}

func refuse(code wire.Refusal, format string, args ...any) error {
	return &comm.RefusedError{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// admit checks a Hello and serves the connection until it ends. An error means that it was not admitted.
func (c *coordinator) admit(conn *comm.Conn, hello *wire.HelloT) error {
	switch {
	case hello.Version != comm.Version:
		return refuse(wire.RefusalVersion, "protocol version %d, the coordinator speaks %d: use one build of dsss for all", hello.Version, comm.Version)
	case subtle.ConstantTimeCompare(hello.Token, c.cfg.Token) != 1:
		return refuse(wire.RefusalToken, "wrong token: not a process of this job")
	case hello.Job != c.cfg.Job:
		return refuse(wire.RefusalJob, "this is job %q, not %q", c.cfg.Job, hello.Job)
	case hello.Domain != 0:
		return refuse(wire.RefusalOther, "domain %d does not exist", hello.Domain)
	}
	if hello.Role == wire.RoleControl {
		return c.serveControl(conn)
	}
	if hello.Session == 0 {
		return refuse(wire.RefusalOther, "no session number")
	}
	if err := c.openOnce(hello); err != nil {
		return err
	}
	s := &subscriber{
		c: c, conn: conn, role: hello.Role, rank: hello.Rank, pid: hello.Pid, session: hello.Session,
		patient: hello.Role == wire.RoleKeeper, wake: make(chan struct{}, 1),
	}
	start, welcome, err := c.subscribe(s, hello)
	if err != nil {
		return err
	}
	c.event(&wire.EventT{What: wire.HappeningJoined, Role: s.role, Rank: s.rank, Pid: s.pid, Sequence: welcome.Head})
	c.cfg.Log.Info("joined", "role", s.role, "rank", s.rank, "pid", s.pid, "from", start)
	err = s.begin(hello, welcome)
	if err == nil {
		err = s.read()
	}
	c.unsubscribe(s, err)
	return nil
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
				err = refuse(wire.RefusalState, "state directory %s: %v", c.cfg.StateDir, err)
			}
			return usageError{err}
		}
		return nil
	}
	c.mu.Lock()
	job := c.job
	c.mu.Unlock()
	if hello.Program != job.Program {
		return refuse(wire.RefusalClasses, "rank %d runs %s, the job runs %s: start the same program everywhere", hello.Rank, hello.Program, job.Program)
	}
	if diff := differ(job.Classes, classesOf(hello)); diff != "" {
		return refuse(wire.RefusalClasses, "rank %d is of another build: %s; start the same build everywhere", hello.Rank, diff)
	}
	return nil
}

// subscribe makes s a cursor of the log, from where its replica stands on, or from the newest checkpoint when it is new.
func (c *coordinator) subscribe(s *subscriber, hello *wire.HelloT) (start uint64, _ *wire.WelcomeT, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.stopping != nil:
		return 0, nil, refuse(wire.RefusalEnded, "the job is ending")
	case s.role == wire.RoleWorker && (s.rank < 0 || int(s.rank) >= c.cfg.Size):
		return 0, nil, refuse(wire.RefusalRank, "rank %d: this job has ranks 0 to %d", s.rank, c.cfg.Size-1)
	case c.evicted[s.session]:
		return 0, nil, refuse(wire.RefusalBehind, "evicted: it held the job back for %v", c.cfg.Stall)
	case hello.Applied > c.seq.Head():
		return 0, nil, refuse(wire.RefusalState, "replica is at sequence number %d, the order at %d: it belongs to another run", hello.Applied, c.seq.Head())
	}
	key := s.rank
	if s.role == wire.RoleKeeper {
		key = keeperRank
	}
	if other := c.ranks[key]; other != nil {
		if other.session != s.session {
			return 0, nil, refuse(wire.RefusalRank, "rank %d is taken by pid %d", s.rank, other.pid)
		}
		// The same session again: its old connection is dead, whether we have seen that or not.
		c.dropLocked(other)
		other.conn.CloseFor(errors.New("its worker connected anew"))
	}
	opened := c.seq.Step(sequencer.Input{Kind: sequencer.Open, Session: s.session})[0]
	start = hello.Applied + 1
	if hello.Applied == 0 {
		start = c.saves.last + 1 // as subscribed, what follows the checkpoint is not trimmed
	}
	s.next.Store(start)
	c.ranks[key] = s
	c.subs[s] = true
	c.publishLocked()
	return start, &wire.WelcomeT{
		Version: comm.Version, Epoch: c.job.Epoch, Run: c.job.Run, Size: int32(c.cfg.Size), Ordered: opened.Request,
		State: start > 1 && hello.Applied == 0, Head: c.seq.Head(), Voids: c.job.Voids,
		Heartbeat: uint32(limits.Heartbeat / time.Millisecond),
	}, nil
}

// keeperRank stands for the keeper in ranks.
const keeperRank = -1

// publishLocked renews what wake reads.
func (c *coordinator) publishLocked() {
	all := make([]*subscriber, 0, len(c.subs))
	for s := range c.subs {
		all = append(all, s)
	}
	c.everyone.Store(&all)
}

func (c *coordinator) dropLocked(s *subscriber) {
	if !c.subs[s] {
		return
	}
	delete(c.subs, s)
	for key, other := range c.ranks {
		if other == s {
			delete(c.ranks, key)
		}
	}
	c.publishLocked()
	c.trimLocked() // it may have been the slowest
}

// begin welcomes the peer, sends the state if it needs it, and starts the goroutines of the connection.
func (s *subscriber) begin(hello *wire.HelloT, welcome *wire.WelcomeT) error {
	s.conn.Raise()
	if err := s.conn.Send(comm.KindWelcome, welcome); err != nil {
		return err
	}
	if welcome.State {
		if err := s.c.sendState(s); err != nil {
			return err
		}
	}
	s.c.wg.Add(2)
	go s.write()
	go func() {
		defer s.c.wg.Done()
		s.conn.Watch(limits.Silence, func() []byte {
			return comm.Frame(comm.KindHeartbeat, &wire.HeartbeatT{Applied: s.c.gate.Load()})
		})
	}()
	s.poke()
	return nil
}

// read handles what the peer sends until the connection ends. When nothing more is buffered, or something goes wrong,
// the other cursors learn of what was ordered since they last did: never between, so that bursts are written in one go,
// and whatever frame comes last.
func (s *subscriber) read() error {
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
		if ordered && (err != nil || !s.conn.Ready()) {
			ordered = false
			s.c.wake(s)
			s.writeNow()
		}
		if err != nil {
			return err
		}
	}
}

// submit has a batch ordered and appended to the log. It waits while the log is full: that is the backpressure on a
// worker that outruns the job.
func (c *coordinator) submit(s *subscriber, body []byte) error {
	b, err := comm.ParseBatch(body)
	if err != nil {
		return err
	}
	if b.Session != s.session || s.role != wire.RoleWorker {
		return fmt.Errorf("%w: a batch of session %x on a connection of session %x", comm.ErrProtocol, b.Session, s.session)
	}
	frame := make([]byte, comm.HeaderSize+len(body))
	copy(frame[comm.HeaderSize:], body)

	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mem.full() {
		c.waitRoomLocked()
	}
	if c.stopping != nil || !c.subs[s] {
		return errEnding
	}
	effects := c.seq.Step(sequencer.Input{Kind: sequencer.Submit, Session: b.Session, Request: b.Request, Count: b.Count})
	for _, e := range effects {
		switch e.Kind {
		case sequencer.Append:
			c.clock = max(c.clock, time.Now().UnixNano())
			comm.Order(frame, e.Sequence, c.job.Epoch, c.clock)
			c.mem.append(entry{first: e.Sequence, count: e.Count, frame: frame})
		case sequencer.Release:
			c.gate.Store(e.Sequence)
		case sequencer.Refuse:
			return fmt.Errorf("%w: %s", comm.ErrProtocol, e.Reason)
		}
	}
	return nil
}

var errEnding = errors.New("the job is ending")

// waitRoomLocked waits until the memory log has room or the job ends.
func (c *coordinator) waitRoomLocked() {
	c.trimLocked()
	if c.waiting == 0 {
		c.moved = time.Now()
	}
	c.waiting++
	for c.mem.full() && c.stopping == nil {
		c.wakeAllLocked()
		c.room.Wait()
	}
	c.waiting--
	c.moved = time.Now()
}

// wakeAllLocked is wake for one who holds mu and is about to wait for the cursors.
func (c *coordinator) wakeAllLocked() { c.wake(nil) }

// trimLocked forgets what nobody needs from memory: what every cursor has passed and is on disk, or, where there is no
// log on disk, is in the newest checkpoint. When that is not enough, cursors that are behind have to go on from disk.
func (c *coordinator) trimLocked() {
	if c.seq == nil || !c.mem.over(3, 4) {
		return
	}
	slowest := c.seq.Head()
	for s := range c.subs {
		slowest = min(slowest, s.next.Load()-1)
	}
	kept := c.disk.next.Load() - 1
	if c.cfg.Durability == Memory {
		kept = c.saves.last
	}
	c.mem.trim(min(slowest, kept))
	if c.mem.over(3, 4) {
		if c.cfg.Durability != Memory {
			c.mem.trim(kept)
		} else if c.saves.last < c.seq.Head() {
			c.requestLocked(saveRequest{}) // a checkpoint frees memory
		}
	}
	if c.waiting > 0 && !c.mem.full() {
		c.room.Broadcast()
	}
}

// relieve evicts the slowest replica when it has held the others back for too long.
func (c *coordinator) relieve(now time.Time) {
	c.mu.Lock()
	var slowest *subscriber
	if c.waiting > 0 && now.Sub(c.moved) > c.cfg.Stall && c.cfg.Durability == Memory {
		for s := range c.subs {
			if slowest == nil || s.next.Load() < slowest.next.Load() {
				slowest = s
			}
		}
	}
	c.mu.Unlock()
	if slowest != nil {
		c.mu.Lock()
		c.evicted[slowest.session] = true
		c.mu.Unlock()
		slowest.conn.CloseFor(fmt.Errorf("evicted: it held the job back for %v at sequence number %d", c.cfg.Stall, slowest.next.Load()))
	}
}

// unsubscribe ends a connection that was admitted.
func (c *coordinator) unsubscribe(s *subscriber, cause error) {
	s.conn.CloseFor(cause)
	c.mu.Lock()
	current := c.subs[s]
	c.dropLocked(s)
	left := s.left
	ending := c.stopping != nil
	c.mu.Unlock()
	if !current {
		return // replaced by a new connection of the same session
	}
	e := &wire.EventT{What: wire.HappeningLost, Role: s.role, Rank: s.rank, Pid: s.pid, Text: cause.Error()}
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
