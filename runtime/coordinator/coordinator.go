// Package coordinator puts mutations in order: it accepts the connections of a job, drives the sequencer, owns the
// log and the gate, and broadcasts. It never runs user code and never reads arguments; all its work is per batch.
//
// # The log and its cursors
//
// Every ordered batch is one immutable frame in the in-memory log. Whoever reads the log is a cursor on it, a sequence
// number that it wants next: each connection of a worker or keeper (subscriber.go), and the disk (disk.go). A cursor
// takes what gathered while its last write was under way. One that has fallen behind the memory reads on from disk.
// The gate says how far cursors of connections may read; under durability sync the disk's cursor moves it.
//
// # Who runs
//
// Each connection has a reader and a writer goroutine; there is one for the disk and one for the clock. The state they
// share is guarded by one mutex that is held for moments and never over I/O. The reader of the worker that submitted a
// batch writes it back to that worker itself when it can, because that worker waits.
package coordinator

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/sequencer"
)

// A coordinator is one incarnation: one epoch.
type coordinator struct {
	cfg  Config
	dir  *statedir.Dir
	log  *wal.Log    // on disk; nil until the keeper joined
	sure func() bool // whether the state directory is ours beyond doubt

	pace      pace
	snapshots snapshots
	recording sync.Mutex // held while job is written to the state directory; taken before mu

	// mu guards everything below it up to the next blank line. It is held for moments, never over I/O; a
	// connection's write side may be held when it is taken, not the other way round.
	mu         sync.Mutex
	seq        *sequencer.Sequencer // nil until the keeper joined
	mem        memLog
	room       *sync.Cond // on mu: the memory log has room again, or the job ends
	waiting    int        // submitters that wait for room
	clock      int64      // of the last batch ordered; never goes back
	job        statedir.Job
	subs       map[*subscriber]bool
	ranks      map[int32]*subscriber // connected workers
	control    *control              // nil when there is none
	controlled bool                  // there was one
	early      []*wire.EventT        // for a Control that has not come yet
	operators  map[*control]bool
	saves      saves
	donor      *subscriber     // asked for its state; nil when nobody is
	finishing  bool            // Control has wished for the end
	wished     statedir.Status // the same, before the order goes on; empty: it has not
	unsaved    bool            // the last checkpoint of all could not be written
	session    uint64          // our own, in which marks are ordered
	requests   uint64          // the last of it
	audit      audit
	members    map[int32]bool // the ranks that the job has
	// quarantined are sessions whose replica has diverged: they may not return.
	quarantined map[uint64]bool
	voided      uint64 // sequence number of the mutation that panicked in this run; 0 when none did
	moved       bool   // it was said that the state directory is not where it was
	stopping    error  // why the job ends; nil while it runs

	// gate mirrors seq.Gate() for cursors that ask whether there is something to read.
	gate atomic.Uint64
	// stable is what replicas were told that they may forget; toldStable when, in nanoseconds of the Unix epoch.
	stable     atomic.Uint64
	toldStable atomic.Int64
	// everyone mirrors subs for wake, which is called for every batch.
	everyone atomic.Pointer[[]*subscriber]
	disk     *diskCursor

	takeover *takeover     // nil unless Config.Takeover
	stepped  bool          // a Stepper does what goroutines would
	opening  sync.Mutex    // held while the first keeper opens the state
	opened   atomic.Bool   // the state is open
	end      chan struct{} // closed when the job ends: stopping is set, nothing more is ordered
	wg       sync.WaitGroup
}

// Run coordinates one job until Control has it finished, ctx ends, or it fails. It returns nil when the job ended as
// Control wished. It owns the state directory from beginning to end.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.validate(); err != nil {
		return err
	}
	dir, err := openDir(&cfg)
	if err != nil {
		return err
	}
	listener := cfg.Listener
	if listener == nil {
		if listener, err = cfg.Network.Listen(cfg.Listen); err != nil {
			return errors.Join(fmt.Errorf("listening on %s: %w", cfg.Listen, err), dir.Abandon())
		}
	}
	c := newCoordinator(cfg, dir, newSession())
	if cfg.Takeover {
		c.wg.Add(1)
		go c.takeOver()
	}
	if cfg.Ready != nil {
		cfg.Ready(listener.Addr().String())
	}
	c.wg.Add(2)
	go c.accept(listener)
	go c.tick()
	select {
	case <-ctx.Done():
		if errors.Is(context.Cause(ctx), errKilled) {
			c.stop(errKilled)
		}
		c.stop(fmt.Errorf("the coordinator was told to end: %w", context.Cause(ctx)))
	case <-c.end:
	case <-dir.Lost():
		c.stop(statedir.ErrOwnerLost)
	}
	_ = listener.Close() // accept ends by it
	return c.shutdown()
}

func newCoordinator(cfg Config, dir *statedir.Dir, session uint64) *coordinator {
	c := &coordinator{
		cfg: cfg, dir: dir, sure: dir.Sure, pace: newPace(&cfg), end: make(chan struct{}),
		subs: map[*subscriber]bool{}, ranks: map[int32]*subscriber{}, operators: map[*control]bool{}, members: membersOf(cfg.Expect),
		quarantined: map[uint64]bool{}, session: session,
	}
	c.room = sync.NewCond(&c.mu)
	if cfg.Takeover {
		c.takeover = newTakeover()
	}
	return c
}

// newSession draws a session number as workers do: 64 random bits, never 0.
func newSession() uint64 {
	for {
		if id := rand.Uint64(); id != 0 {
			return id
		}
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

// stop ends the job for a reason, once.
func (c *coordinator) stop(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopLocked(reason)
}

func (c *coordinator) stopLocked(reason error) {
	if c.stopping == nil {
		c.stopping = reason
		close(c.end)
		c.room.Broadcast()
	}
}

// fail ends the job because of something of ours: Control is told.
func (c *coordinator) fail(err error) {
	c.cfg.Log.Error("job failed", "cause", err)
	c.event(&wire.EventT{What: wire.HappeningFailed, Text: err.Error()})
	c.stop(err)
}

// shutdown brings the log to disk, tells everyone, lets the connections drain, and gives the directory back. Nothing
// is ordered any more when it is called.
func (c *coordinator) shutdown() error {
	var err error
	if c.opened.Load() {
		err = c.persist()
	}
	c.mu.Lock()
	reason := c.stopping
	text := reason.Error()
	if errors.Is(reason, errDone) {
		text = ""
	}
	subs := make([]*subscriber, 0, len(c.subs))
	for s := range c.subs {
		subs = append(subs, s)
	}
	controls := c.controlsLocked()
	c.mu.Unlock()
	stop := comm.Frame(comm.KindStop, &wire.StopT{Reason: text})
	for _, s := range subs {
		if abandons(reason) {
			s.conn.CloseFor(reason)
			continue
		}
		s.post(stop)
		s.drain()
	}
	last := c.finished(err)
	for _, k := range controls {
		if errors.Is(reason, errKilled) {
			k.conn.CloseFor(reason)
		}
		k.drain(last)
	}
	c.wg.Wait()
	err = errors.Join(err, c.snapshots.forget())
	if c.opened.Load() {
		err = errors.Join(err, c.log.Close(), c.dir.Close())
	} else {
		err = errors.Join(err, c.dir.Abandon())
	}
	if !errors.Is(reason, errDone) {
		err = errors.Join(reason, err)
	}
	return err
}

// tick is the clock: checkpoints by interval, and what replicas may forget.
func (c *coordinator) tick() {
	defer c.wg.Done()
	every := time.NewTicker(limits.Heartbeat)
	defer every.Stop()
	save := c.pace.first()
	defer save.Stop()
	for {
		select {
		case <-c.end:
			return
		case <-save.C:
			c.saveIfChanged()
			c.pace.fired(save)
		case cost := <-c.pace.measured:
			c.pace.written(save, cost)
		case now := <-every.C:
			c.tellStable()
			c.giveUpSaves(now)
			c.recordFull()
			c.retryDisk()
			c.checkPlace()
		}
	}
}

// event tells Control, or keeps it for when there is one, and Operators.
func (c *coordinator) event(e *wire.EventT) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.control == nil && !c.controlled && len(c.early) < limits.EarlyEvents {
		c.early = append(c.early, e)
	}
	for _, k := range c.controlsLocked() {
		k.post(e)
	}
}
