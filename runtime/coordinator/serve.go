package coordinator

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"time"

	"dsss/checkpoint"
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
		e.Role, e.Rank, e.Pid = hello.Role, hello.Rank, hello.Pid
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
	if err = s.welcome(welcome); err == nil {
		s.start()
		err = s.read()
	}
	c.unsubscribe(s, err)
	return nil
}

// join makes a replica whose Hello has been checked a subscriber.
func (c *coordinator) join(conn *comm.Conn, hello *wire.HelloT) (*subscriber, *wire.WelcomeT, error) {
	s := &subscriber{
		c: c, conn: conn, role: hello.Role, rank: hello.Rank, pid: hello.Pid, session: hello.Session,
		patient: hello.Role == wire.RoleKeeper, wake: make(chan struct{}, 1),
	}
	start, welcome, err := c.subscribe(s, hello)
	if err != nil {
		return nil, nil, err
	}
	c.event(&wire.EventT{What: wire.HappeningJoined, Role: s.role, Rank: s.rank, Pid: s.pid, Sequence: welcome.Head})
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
func (c *coordinator) subscribe(s *subscriber, hello *wire.HelloT) (uint64, *wire.WelcomeT, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.stopping != nil:
		return 0, nil, refuse(wire.RefusalEnded, "the job is ending")
	case s.role == wire.RoleWorker && (s.rank < 0 || int(s.rank) >= c.cfg.Size):
		return 0, nil, refuse(wire.RefusalRank, "rank %d: this job has ranks 0 to %d", s.rank, c.cfg.Size-1)
	}
	if c.quarantined[s.session] {
		return 0, nil, refuse(wire.RefusalBehind, "evicted: its state has diverged from the job's")
	}
	opened := c.seq.Step(sequencer.Input{Kind: sequencer.Open, Session: s.session, Epoch: hello.Epoch, Sequence: hello.Applied})[0]
	switch opened.Kind {
	case sequencer.Supersede:
		return 0, nil, &supersededError{comm.RefusedError{Code: wire.RefusalBusy, Reason: opened.Reason}}
	case sequencer.Fork:
		return 0, nil, refuse(wire.RefusalBehind, "evicted: %s", opened.Reason)
	}
	start, state, err := c.startForLocked(s.role, hello.Applied)
	if err != nil {
		return 0, nil, err
	}
	key := s.rank
	if s.role == wire.RoleKeeper {
		key = keeperRank
	}
	if other := c.ranks[key]; other != nil {
		if other.session != s.session && !other.gone {
			// Its process may have ended a moment ago: Busy says that it is worth trying again.
			return 0, nil, refuse(wire.RefusalBusy, "rank %d is taken by pid %d", s.rank, other.pid)
		}
		// The same session again, or the successor of a process that ended: the old connection is dead, whether we have
		// seen that or not.
		c.dropLocked(other)
		other.conn.CloseFor(errors.New("its worker connected anew"))
	}
	s.next.Store(start)
	s.applied.Store(hello.Applied)
	c.ranks[key] = s
	c.subs[s] = true
	c.publishLocked()
	if s.role == wire.RoleWorker {
		c.memberLocked(s)
	}
	return start, &wire.WelcomeT{
		Version: comm.Version, Epoch: c.job.Epoch, Run: c.job.Run, Size: int32(c.cfg.Size), Ordered: opened.Request,
		State: state, Head: c.seq.Head(), Voids: c.job.Voids,
		Heartbeat: uint32(limits.Heartbeat / time.Millisecond), Remember: c.cfg.Durability != Disk,
	}, nil
}

// supersededError refuses a replica for now, and tells serve that a later coordinator exists.
type supersededError struct{ comm.RefusedError }

func (e *supersededError) Is(target error) bool { return target == errSuperseded }
func (e *supersededError) Unwrap() error        { return &e.RefusedError }

// startForLocked says where a replica that stands at applied reads on: behind that if the log still has it, else behind
// the newest checkpoint, whose state it then needs.
func (c *coordinator) startForLocked(role wire.Role, applied uint64) (start uint64, state bool, err error) {
	saved := c.saves.last
	switch {
	case applied > 0 && c.holdsLocked(applied+1):
		return applied + 1, false, nil
	case saved == 0 && applied == 0 && c.holdsLocked(1):
		return 1, false, nil
	case saved > applied && c.holdsLocked(saved+1):
		return saved + 1, true, nil
	}
	// The last checkpoint does not help; another one will. Only the keeper itself has to be helped by a worker.
	if role == wire.RoleKeeper {
		c.askForStateLocked()
	} else {
		c.requestLocked(saveRequest{})
	}
	return 0, false, refuse(wire.RefusalBusy, "the log no longer holds what follows sequence number %d, and no checkpoint does yet: try again", max(applied, saved))
}

// holdsLocked tells whether the log has everything from seq on, in memory or on disk.
func (c *coordinator) holdsLocked(seq uint64) bool {
	first := c.mem.first()
	return seq >= first || c.log.First() <= seq && c.log.Next() >= first
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

// start starts the goroutines of the connection, but for the reader.
func (s *subscriber) start() {
	silence := limits.Silence
	if s.role == wire.RoleKeeper {
		silence = limits.KeeperSilence
	}
	s.c.wg.Add(2)
	go s.write()
	go func() {
		defer s.c.wg.Done()
		s.conn.Watch(silence, s.heartbeat)
	}()
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
	return c.orderLocked(frame, sequencer.Input{Kind: sequencer.Submit, Session: b.Session, Request: b.Request, Count: b.Count})
}

// orderLocked steps the sequencer and carries out what follows for the batch in frame, which becomes the log's.
func (c *coordinator) orderLocked(frame []byte, in sequencer.Input) error {
	if !c.sure() {
		c.stopLocked(checkpoint.ErrOwnerLost) // another coordinator may order by now
		return errEnding
	}
	for _, e := range c.seq.Step(in) {
		switch e.Kind {
		case sequencer.Append:
			c.clock = max(c.clock, c.cfg.now().UnixNano())
			comm.Order(frame, e.Sequence, c.job.Epoch, c.clock)
			c.mem.append(entry{first: e.Sequence, count: e.Count, frame: frame})
		case sequencer.Release:
			c.gate.Store(e.Sequence)
		case sequencer.Drop:
			if c.cfg.without == NoDedupe {
				c.orderAgainLocked(in, frame)
			}
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
	c.waiting++
	for c.mem.full() && c.stopping == nil {
		c.wakeAllLocked()
		c.room.Wait()
	}
	c.waiting--
}

// wakeAllLocked is wake for one who holds mu and is about to wait for the cursors.
func (c *coordinator) wakeAllLocked() { c.wake(nil) }

// trimLocked forgets what nobody needs from memory: what every cursor has passed and is on disk, or, where the log is
// not written to disk, is in the newest checkpoint. When that is not enough, cursors that are behind have to go on from
// disk, and where there is no log on disk, one is begun.
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
		kept = max(kept, c.saves.last)
	}
	c.mem.trim(min(slowest, kept))
	if c.mem.over(3, 4) {
		c.mem.trim(c.disk.next.Load() - 1)
	}
	if c.mem.over(3, 4) && c.cfg.Durability == Memory {
		c.disk.spill()
		c.requestLocked(saveRequest{}) // a checkpoint frees more
	}
	if c.waiting > 0 && !c.mem.full() {
		c.room.Broadcast()
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
