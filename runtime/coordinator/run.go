package coordinator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/order"
)

// Run coordinates one job until the launcher has it finished, ctx ends, or it fails. It returns nil when the job ended as the
// launcher wished. It owns the state directory from beginning to end.
//
// Each connection has a reader and a writer; there is one goroutine each for the disk, the clock and the tasks.
func Run(ctx context.Context, cfg Config) error {
	c, err := NewCore(cfg, cfg.ports)
	if err != nil {
		return err
	}
	return c.run(ctx)
}

func (c *Core) run(ctx context.Context) error {
	cfg := &c.cfg
	listener, err := cfg.Listener, error(nil)
	if listener == nil {
		if listener, err = cfg.Network.Listen(cfg.Listen); err != nil {
			return errors.Join(fmt.Errorf("listening on %s: %w", cfg.Listen, err), c.dir.Abandon())
		}
	}
	if cfg.Ready != nil {
		cfg.Ready(listener.Addr().String())
	}
	c.wg.Go(func() { c.accept(listener) })
	c.wg.Go(c.tick)
	tasks := make(chan struct{})
	go func() {
		defer close(tasks)
		c.doTasks()
	}()
	select {
	case <-ctx.Done():
		if errors.Is(context.Cause(ctx), errKilled) {
			c.Stop(errKilled)
		}
		c.Stop(fmt.Errorf("the coordinator was told to end: %w", context.Cause(ctx)))
	case <-c.end:
	case <-c.dir.Lost():
		c.Stop(statedir.ErrOwnerLost)
	}
	_ = listener.Close() // accept ends by it
	<-tasks
	err = c.shutdown()
	c.wg.Wait()
	return errors.Join(err, c.Close())
}

// doTasks does tasks until the job ends, and those that are left then.
func (c *Core) doTasks() {
	for {
		for task := c.Task(); task != nil; task = c.Task() {
			task()
			c.startDisk()
		}
		select {
		case <-c.work:
		case <-c.end:
			if c.idle() {
				return
			}
		}
	}
}

// idle tells whether there is no task.
func (c *Core) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.tasks) == 0
}

// startDisk starts the disk's goroutine once there is a disk.
func (c *Core) startDisk() {
	if c.opened.Load() && !c.started {
		c.started = true
		c.wg.Go(c.disk.run)
	}
}

// errDone is the reason of an end that was wished for.
var errDone = errors.New("done")

// errSuperseded: a coordinator of a later epoch runs the job.
var errSuperseded = errors.New("another coordinator has taken the job over")

// errKilled, as the cause of Run's context, ends the coordinator as SIGKILL would: for tests.
var errKilled = errors.New("killed")

// abandons tells whether a reason to end leaves job and state directory to others: nothing more is written, and
// replicas look for the next coordinator.
func abandons(reason error) bool {
	return errors.Is(reason, statedir.ErrOwnerLost) || errors.Is(reason, errSuperseded) || errors.Is(reason, errKilled)
}

// Stop ends the job for a reason, once.
func (c *Core) Stop(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopLocked(reason)
	c.step(order.Event{Kind: order.Halted})
}

func (c *Core) stopLocked(reason error) {
	if c.stopping == nil {
		c.stopping = reason
		close(c.end)
		c.room.Broadcast()
	}
}

// Stopping returns why the job ends; nil while it runs.
func (c *Core) Stopping() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopping
}

// fail ends the job because of something of ours: the launcher is told.
func (c *Core) fail(err error) {
	c.cfg.Log.Error("job failed", "cause", err)
	c.tell(&wire.EventT{What: wire.HappeningFailed, Text: err.Error()})
	c.Stop(err)
}

// shutdown brings the log to disk, tells everyone, and lets the connections drain. Nothing is ordered any more when it is called.
func (c *Core) shutdown() error {
	quiet, err := c.Shutdown(false)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.peers {
		if !quiet || p.commands && !errors.Is(c.stopping, errKilled) {
			c.wg.Go(p.drain)
		}
	}
	return err
}

// Shutdown does what is left once Stopping is set: it brings the log to disk, and posts the end to those who are to hear it.
// quiet: to nobody but the launcher, the replicas' connections are closed. stepped: the disk's cursor has no goroutine.
func (c *Core) Shutdown(stepped bool) (quiet bool, err error) {
	if c.opened.Load() {
		err = c.persist(stepped)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	reason := c.stopping
	quiet = abandons(reason)
	text := reason.Error()
	if errors.Is(reason, errDone) {
		text = ""
	}
	stop, last := frameOf(&wire.StopT{Reason: text}), c.finished(err)
	for _, id := range slices.Sorted(maps.Keys(c.peers)) {
		p := c.peers[id]
		switch {
		case errors.Is(reason, errKilled) || quiet && !p.commands:
			p.close(reason)
		case p.commands:
			p.post(frameOf(last))
		case p.cursor != nil:
			p.post(stop)
		case !p.refused(): // else that is on its way
			p.close(errEnding)
		}
	}
	return quiet, err
}

// finished is the last event. mu is held.
func (c *Core) finished(err error) *wire.EventT {
	e := &wire.EventT{What: wire.HappeningFinished, Count: c.machine.Written(), Text: string(c.job.Status), Sequence: c.machine.Head()}
	switch {
	case err != nil:
		e.What, e.Text = wire.HappeningFailed, err.Error()
	case !errors.Is(c.stopping, errDone):
		e.What, e.Text = wire.HappeningFailed, c.stopping.Error()
	}
	c.outcome = c.stopping
	if errors.Is(c.stopping, errDone) {
		c.outcome = nil
	}
	return e
}

// Close gives the state directory back, and returns why the job ended if it was not as the launcher wished.
func (c *Core) Close() error {
	err := c.snapshots.forget()
	if c.opened.Load() {
		err = errors.Join(err, c.log.Close(), c.dir.Close())
	} else {
		err = errors.Join(err, c.dir.Abandon())
	}
	if c.outcome != nil {
		err = errors.Join(c.outcome, err)
	}
	return err
}

// Died gives back what the operating system takes from a process that dies.
func (c *Core) Died() { _ = c.snapshots.forget() } // it was only read

// drain waits until the writer has written all that there is, or the peer is gone or too slow, and closes. The peer reads to the
// end and hangs up itself if it can: what lies here unread when a socket is closed makes the kernel reset the connection, and the
// last word might be lost with it.
func (p *Peer) drain() {
	late, cancel := comm.WithPatience(context.Background(), limits.Drain)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for p.Pending() {
		p.poke()
		select {
		case <-tick.C:
		case <-p.conn.Closed():
			return
		case <-late.Done():
			p.conn.CloseFor(errEnded)
			return
		}
	}
	p.settle()
	if !p.commands || p.conn.CloseWrite() {
		select {
		case <-p.conn.Closed():
		case <-late.Done():
		}
	}
	p.conn.CloseFor(errEnded)
}

// settle returns when what was taken last has been written.
func (p *Peer) settle() {
	p.conn.Lock()
	defer p.conn.Unlock()
}

var errEnded = errors.New("the job ended")

// tick is the clock: checkpoints by interval, and all that takes its time.
func (c *Core) tick() {
	every := time.NewTicker(limits.Heartbeat)
	defer every.Stop()
	save := c.pace.first()
	defer save.Stop()
	var patience comm.Patience
	patience.Reset(time.Now())
	for {
		select {
		case <-c.end:
			return
		case <-save.C:
			c.SaveIfChanged()
			c.pace.fired(save)
		case cost := <-c.pace.measured:
			c.pace.written(save, cost)
		case now := <-every.C:
			if c.cfg.Takeover && !c.opened.Load() && patience.Waited(now) >= limits.Rejoin {
				c.Impatient()
			}
			c.Tick()
			c.checkPlace()
		}
	}
}

// serve runs one connection from its first frame to its last. known is called once the peer is identified, or gone.
func (c *Core) serve(conn *comm.Conn, known func()) {
	p := c.Accept(conn)
	c.wg.Go(p.write)
	conn.SetReadDeadline(time.Now().Add(limits.Handshake))
	err := p.read(known)
	p.Lost(err)
}

// read handles what the peer sends until the connection ends, burst by burst.
func (p *Peer) read(known func()) error {
	first, raised := true, false
	for {
		kind, body, err := p.conn.Next()
		if first { // before it is handled, which may set another
			p.conn.SetReadDeadline(time.Time{})
		}
		if err == nil {
			err = p.Receive(kind, body)
		}
		for errors.Is(err, ErrFull) {
			p.Burst()
			p.waitRoom()
			err = p.Receive(kind, body)
		}
		if first {
			known()
			first = false
		}
		if err == nil && p.conn.Ready() {
			continue
		}
		p.Burst()
		if err != nil {
			return err
		}
		if !raised && p.known.Load() {
			p.conn.Raise()
			raised = true
		}
	}
}

// write writes what gathers, until the connection is closed. Once the peer is known it is watched, too: a connection ends whose
// peer says nothing, or takes nothing, for too long.
func (p *Peer) write() {
	defer p.Release()
	watched := false
	for {
		select {
		case <-p.wake:
		case <-p.conn.Closed():
			return
		}
		if p.patient && !p.posted.Load() {
			time.Sleep(limits.Patience)
		}
		for p.Pending() {
			if p.Write() != nil {
				break
			}
			if p.known.Load() && !watched {
				watched = true
				p.c.wg.Go(p.watch)
			}
		}
	}
}

// watch is the connection's watch.
func (p *Peer) watch() {
	stuck, beat := limits.Silence, p.Heartbeat
	switch {
	case p.commands:
		beat = func() []byte {
			if p.held.Load() {
				return nil
			}
			return frameOf(&wire.HeartbeatT{})
		}
	case p.role == wire.RoleKeeper:
		stuck = limits.KeeperStuck
	}
	p.conn.Watch(limits.Silence, stuck, beat)
}
