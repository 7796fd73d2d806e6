// Package coordinator is the shell around package order: it turns connections, timers and the disk into events, and carries
// out what follows. It owns the log and the state directory. It never runs user code and never reads arguments; all its work
// is per batch.
//
// # The loop
//
// Core.handle takes an event, steps the order.Machine and carries out its effects, under one mutex that is held for moments
// and never over I/O; whoever brings the event calls it. What takes longer (opening the state, recording a checkpoint) is a
// task: it is done outside and brings an event in the end. Run and the simulation (package sim) use the same Core, and differ
// in who moves bytes: goroutines, or the simulation's clock.
//
// # The log and its cursors
//
// Every ordered batch is an entry of the log (package history). Whoever reads the log is a cursor on it: each peer
// (peer.go), and the disk (disk.go). A cursor takes what gathered while its last write was under way; one that has fallen
// behind the memory reads on from disk. The commit index says how far peers may read.
package coordinator

import (
	"cmp"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/vfs"
	"dsss/runtime/history"
	"dsss/runtime/order"
)

// Ports are what a Core has of the world. The zero value is that of a process.
type Ports struct {
	// FS is the file system; nil: the operating system's.
	FS vfs.FS
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Salts is where log segments get theirs; nil: crypto/rand.
	Salts io.Reader
	// Sure tells whether the state directory is this process's beyond doubt; nil: as the directory's owner file says.
	Sure func() bool
	// Step is the machine's; nil: order.Machine.Step. Tests have others, to see that what they lack is noticed.
	Step func(*order.Machine, order.Event) []order.Effect
}

func (p *Ports) fill(dir *statedir.Dir) {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Sure == nil {
		p.Sure = dir.Sure
	}
	if p.Step == nil {
		p.Step = (*order.Machine).Step
	}
}

// A Core is one coordinator, one epoch, without its goroutines.
type Core struct {
	cfg   Config
	ports Ports
	dir   *statedir.Dir
	log   *wal.Log // on disk; nil until opened
	disk  *Disk    // nil until opened
	hist  *history.Log
	ready remains // of a takeover, until it goes on

	pace      pace
	snapshots snapshots

	// mu guards the machine and everything below it up to the next blank line. It is held for moments, never over I/O; a
	// peer's write side may be held when it is taken, not the other way round.
	mu        sync.Mutex
	machine   *order.Machine
	space     history.Space // of the batch that is being ordered
	clock     int64         // of the last batch ordered; never goes back
	full      bool          // it was not taken: memory has no room
	renew     bool          // the log on disk may begin again
	short     bool          // memory is to be looked at once the effects are carried out
	job       statedir.Job
	peers     map[uint64]*Peer // that said hello, and are not gone
	lastPeer  uint64
	launcher  *Peer          // nil when there is none
	launched  bool           // there was one
	early     []*wire.EventT // for a launcher that has not come yet
	tasks     []func()
	passed    []*Peer    // to which messages of other peers were passed on by the event that is handled
	room      *sync.Cond // on mu: memory has room again, or the job ends
	waiting   int        // readers that wait for room
	unsaved   bool       // the last checkpoint of all could not be written
	moved     bool       // it was said that the state directory is not where it was
	sure      uint64     // the newest checkpoint that was verified before the order went on
	origin    uint64     // the session that the order goes on from; 0: none, but from a checkpoint
	openError error      // why the state cannot be used
	stopping  error      // why the job ends; nil while it runs

	// commit mirrors the machine's commit index, for cursors that ask whether there is something to read; replicated is the last of
	// domain 0 up to there, or already behind.
	commit     atomic.Uint64
	replicated atomic.Uint64
	stable     atomic.Uint64 // what replicas were told that they may forget
	// everyone mirrors the replicas among peers for wake, which is called for every batch.
	everyone atomic.Pointer[[]*Peer]
	host     atomic.Pointer[Peer] // the connection of the host; nil: there is none
	opened   atomic.Bool          // the state is open: log and disk are set
	started  bool                 // the disk's goroutine runs; of the goroutine that does tasks
	end      chan struct{}        // closed when stopping is set
	work     chan struct{}        // room for one word that there is a task
	outcome  error                // why the job ended, nil when it was as the launcher wished; set by Shutdown
	wg       sync.WaitGroup
}

// NewCore takes the state directory, which it owns from now on. With Config.Takeover it has read what the directory holds
// when it returns.
func NewCore(cfg Config, ports Ports) (*Core, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	dir, err := openDir(&cfg, &ports)
	if err != nil {
		return nil, err
	}
	ports.fill(dir)
	c := &Core{
		cfg: cfg, ports: ports, dir: dir, pace: newPace(&cfg), hist: history.New(cfg.Bounds, 1), peers: map[uint64]*Peer{},
		end: make(chan struct{}), work: make(chan struct{}, 1),
	}
	c.room = sync.NewCond(&c.mu)
	own := order.Config{Job: cfg.Job, Token: cfg.Token, Size: cfg.Size, Lazy: cfg.Durability == Memory, Bounds: cfg.Bounds}
	if cfg.Durability == Sync {
		own.Gate = order.NewDiskGate()
	}
	if cfg.Takeover {
		if c.ready, err = c.remains(); err != nil {
			return nil, errors.Join(err, dir.Abandon())
		}
		own.Takeover = &order.Takeover{Starts: startsOf(c.ready.job), Disk: c.ready.log.Next() - 1, Expect: cfg.Expect, Least: cfg.Least}
	}
	c.machine = order.New(own)
	return c, nil
}

// handle takes an event and carries out what follows.
func (c *Core) handle(ev order.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handleLocked(ev)
}

func (c *Core) handleLocked(ev order.Event) {
	if c.opened.Load() && c.stopping == nil && !c.ports.Sure() {
		c.stopLocked(statedir.ErrOwnerLost) // another coordinator may order by now
		c.step(order.Event{Kind: order.Halted})
	}
	c.step(ev)
	if c.short {
		c.short = false
		c.makeRoom()
	}
}

// step steps the machine once. Effects step it no further: what they lead to comes as an event of its own.
func (c *Core) step(ev order.Event) {
	ev.Now = c.ports.Now().UnixNano()
	c.clock = max(c.clock, ev.Now)
	ordered := false
	for _, e := range c.ports.Step(c.machine, ev) {
		ordered = ordered || e.Kind == order.Append || e.Kind == order.Release
		c.do(&e)
	}
	if ordered && ev.Kind != order.Batch {
		c.wake(nil)
	}
}

// held is what the log holds now. c.log and c.disk do not change once opened is true, and what is read of them and of
// c.hist may be read concurrently: mu need not be held.
func (c *Core) held() order.Held {
	h := order.Held{First: c.hist.First()}
	if c.opened.Load() {
		h.DiskFirst, h.DiskNext = c.log.First(), c.disk.next.Load()
	}
	return h
}

// makeRoom has memory forget what the machine says it may, and lets those go on who wait for that.
func (c *Core) makeRoom() {
	for n := uint32(0); n < 3 && c.opened.Load() && c.hist.Short(); n++ {
		held := c.held()
		held.Slowest = c.machine.Head()
		for _, p := range c.peers {
			if p.cursor != nil {
				held.Slowest = min(held.Slowest, p.reached())
			}
		}
		c.step(order.Event{Kind: order.Short, Count: n, Held: held})
	}
	c.short = false
	if c.waiting > 0 && !c.hist.Full(0, 0) {
		c.room.Broadcast()
	}
}

// later has a task done outside mu.
func (c *Core) later(task func()) {
	c.tasks = append(c.tasks, task)
	select {
	case c.work <- struct{}{}:
	default:
	}
}

// Task returns the next task, nil when there is none. Whoever owns the Core calls it, and does them one after the other.
func (c *Core) Task() func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tasks) == 0 {
		return nil
	}
	task := c.tasks[0]
	c.tasks = c.tasks[1:]
	return task
}

// Tick is the clock, every limits.Heartbeat or so.
func (c *Core) Tick() {
	c.handle(order.Event{Kind: order.Tick, Held: c.held()})
	c.mu.Lock()
	c.later(c.recordFull)
	c.mu.Unlock()
	if c.opened.Load() && c.disk.spilled.Load() {
		c.disk.poke() // it may have waited for a checkpoint
	}
}

// SaveIfChanged asks for a checkpoint when something has changed since the last one.
func (c *Core) SaveIfChanged() { c.handle(order.Event{Kind: order.Due}) }

// Impatient ends the waiting of a takeover for those who have not come.
func (c *Core) Impatient() { c.handle(order.Event{Kind: order.Impatient}) }

// Gone says that the process of a rank, -1 being the keeper, has ended.
func (c *Core) Gone(rank int32, incarnation uint64) {
	c.handle(order.Event{Kind: order.Gone, Rank: rank, Incarnation: incarnation})
}

// replicas lists the peers with replicas behind them, in order of arrival. mu is held.
func (c *Core) replicas() []*Peer {
	var all []*Peer
	for _, id := range slices.SortedFunc(maps.Keys(c.peers), cmp.Compare) {
		if p := c.peers[id]; p.cursor != nil {
			all = append(all, p)
		}
	}
	return all
}

// publish renews what wake reads. mu is held.
func (c *Core) publish() {
	all := c.replicas()
	c.everyone.Store(&all)
}

// wake tells every cursor but one that there is more to read.
func (c *Core) wake(but *Peer) {
	if all := c.everyone.Load(); all != nil {
		for _, p := range *all {
			if p != but {
				p.poke()
			}
		}
	}
	if c.opened.Load() {
		c.disk.poke()
	}
}

// wakeFull tells the cursors that read every domain that there is more to read.
func (c *Core) wakeFull() {
	if all := c.everyone.Load(); all != nil {
		for _, p := range *all {
			if p.all && p.role != wire.RoleHost {
				p.poke()
			}
		}
	}
	if c.opened.Load() {
		c.disk.poke()
	}
}

// tell tells the launcher and operators, or keeps it for when there is a launcher.
func (c *Core) tell(e *wire.EventT) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tellLocked(e)
}

func (c *Core) tellLocked(e *wire.EventT) {
	if !c.launched && len(c.early) < limits.EarlyEvents {
		c.early = append(c.early, e)
	}
	for _, id := range slices.SortedFunc(maps.Keys(c.peers), cmp.Compare) {
		if p := c.peers[id]; p.commands {
			p.tell(e)
		}
	}
}

// warn tells of something that a person should look at.
func (c *Core) warn(text string) { c.tell(&wire.EventT{What: wire.HappeningWarned, Text: text}) }

// frameOf encodes a message.
func frameOf(message any) []byte {
	return comm.Frame(kinds[reflect.TypeOf(message)], message.(comm.Message))
}

var kinds = map[reflect.Type]comm.Kind{
	reflect.TypeFor[*wire.WelcomeT](): comm.KindWelcome, reflect.TypeFor[*wire.RefuseT](): comm.KindRefuse, reflect.TypeFor[*wire.SyncedT](): comm.KindSynced,
	reflect.TypeFor[*wire.StatsT](): comm.KindStats, reflect.TypeFor[*wire.SaveT](): comm.KindSave, reflect.TypeFor[*wire.SavedT](): comm.KindSaved,
	reflect.TypeFor[*wire.MembersT](): comm.KindMembers, reflect.TypeFor[*wire.StopT](): comm.KindStop, reflect.TypeFor[*wire.RecallT](): comm.KindRecall,
	reflect.TypeFor[*wire.HeartbeatT](): comm.KindHeartbeat, reflect.TypeFor[*wire.EventT](): comm.KindEvent,
	reflect.TypeFor[*wire.QueryT]():   comm.KindQuery,
	reflect.TypeFor[*wire.HostingT](): comm.KindHosting, reflect.TypeFor[*wire.ResendT](): comm.KindResend,
}
