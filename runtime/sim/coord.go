package sim

import (
	"errors"
	"fmt"
	"time"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/coordinator"
	"dsss/runtime/order"
)

const stateDir = "/state"

// A coord is a coordinator's process.
type coord struct {
	*proc
	core  *coordinator.Core
	peers []*peer
	tip   *node // the end of its order; nil until it goes on

	takeover bool
	expect   []int32
	least    map[int32]uint64
	absent   map[int32]bool // ranks that it does not wait for (any more)

	openedAt int64
	endAt    int64 // when it ended, or another was started in its place; 0 while it goes on
	idle     int64 // for how long it was stopped
	tasking  bool  // a task is under way
	writing  bool  // the disk's cursor is in a round
	ending   bool
	kept     bool // it brought everything to disk in the end
	broken   bool // the disk failed
	fenced   bool // another was started in its place
}

// newCoord starts a coordinator. Its process may end at once, when it cannot.
func (w *world) newCoord(takeover bool, expect []int32) *coord {
	w.made++
	co := &coord{proc: w.newProc(fmt.Sprintf("coord.%d", w.made)), takeover: takeover, expect: expect, absent: map[int32]bool{}}
	co.proc.died = func() {
		if co.endAt == 0 {
			co.endAt = w.now
		}
		if !co.fenced {
			w.disk.Kill()
		}
		if co.core != nil {
			co.core.Died()
		}
		w.l.coordDied(co)
	}
	co.proc.after = co.afterStep
	w.after(0, co.proc, co.start)
	return co
}

func (co *coord) start() {
	w := co.w
	expect := co.expect
	if w.cfg.Mutant == NoExpect {
		expect = nil
	}
	bounds := w.mix.bounds
	bounds.LogMemory = w.mix.logMemory
	core, err := coordinator.NewCore(coordinator.Config{
		Takeover: co.takeover, Expect: expect, Least: co.least, Job: jobName, Token: []byte(jobToken), Size: w.mix.workers, StateDir: stateDir, Either: true,
		Durability: w.mix.durability, LogInterval: w.mix.logInterval, CheckpointEvery: -1, Keep: 1 + w.rnd.IntN(2),
		Bounds: bounds, Segment: w.mix.segment,
	}, coordinator.Ports{FS: w.files(), Now: w.time, Salts: w.salts(), Sure: func() bool { return !co.fenced || !w.mix.leased }, Step: co.step()})
	if err != nil {
		w.l.cannotStart(co, err)
		return
	}
	co.core = core
	w.after(w.mix.beat, co.proc, co.beat)
	if w.mix.saveEvery > 0 {
		w.after(w.around(w.mix.saveEvery), co.proc, co.save)
	}
	if co.takeover {
		w.after(limits.Rejoin, co.proc, func() {
			if co.tip == nil {
				for _, m := range co.expect {
					co.absent[m] = true
				}
				w.count("takeover that did not wait longer")
				co.core.Impatient()
			}
		})
	}
}

// step is the machine's Step, as the mutant has it, and lets the launcher know when a host is wanted.
func (co *coord) step() func(*order.Machine, order.Event) []order.Effect {
	step := co.w.cfg.Mutant.step(co.w)
	return func(m *order.Machine, ev order.Event) []order.Effect {
		out := step(m, ev)
		for _, e := range out {
			if told, ok := e.Message.(*wire.EventT); ok && e.Kind == order.Tell && told.What == wire.HappeningHosted {
				co.w.after(co.w.between(0, time.Millisecond), co.proc, func() { co.w.l.wantHost(co) })
			}
		}
		return out
	}
}

// afterStep does what goroutines would do now.
func (co *coord) afterStep() {
	w := co.w
	if co.core == nil {
		return
	}
	if co.core.Stopping() != nil {
		co.end()
	}
	co.nextTask()
	if co.tip == nil && co.core.Opened() {
		co.opened()
	}
	co.observe()
	if co.core.Suspects() {
		w.fail("%s finds a replica wrong", co.name)
	}
	if co.core.Opened() && !co.writing && !co.ending && !co.broken && woken(co.core.Disk().Woken()) {
		co.writing = true
		d := w.between(0, 50*time.Microsecond)
		if w.mix.durability == coordinator.Interval {
			d = w.mix.logInterval
		}
		w.after(d, co.proc, co.diskRound)
	}
	for _, p := range co.peers {
		if p.gone {
			continue
		}
		if p.full && p.p.Room() {
			w.after(0, co.proc, p.read)
		}
		if !p.writing && woken(p.p.Woken()) {
			p.writing = true
			d := w.between(0, 50*time.Microsecond)
			if p.k != nil && p.k.keeper != nil {
				d = limits.Patience
			}
			w.after(d, co.proc, p.pump)
		}
	}
}

func woken(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// nextTask has the next task done, a moment later.
func (co *coord) nextTask() {
	if co.tasking || co.ending {
		return
	}
	task := co.core.Task()
	if task == nil {
		return
	}
	co.tasking = true
	co.w.after(co.w.between(0, 100*time.Microsecond), co.proc, func() {
		co.tasking = false
		if co.fenced {
			co.core.Stop(statedir.ErrOwnerLost) // at the latest before it would touch the directory
			return
		}
		task()
	})
}

// opened is called when the order goes on, for the first time.
func (co *coord) opened() {
	w := co.w
	co.openedAt = w.now
	co.tip = co.begins()
	co.observe() // what workers remembered behind that, with hosted calls in between that are void
	w.note("order goes on "+co.name, co.core.Epoch(), co.tip.last, 0)
	w.count("epoch")
	w.l.opened(co)
	w.judge(co)
}

// begins returns the node from which the order goes on: the replica's that it was taken from, or the checkpoint's, and
// what the log holds behind that.
func (co *coord) begins() *node {
	w := co.w
	log, origin := co.core.Log(), co.core.Origin()
	n := w.hist.root
	if origin != 0 {
		for _, k := range w.l.workers {
			if k.sess.ID() == origin {
				n = k.ghost
			}
		}
		w.count("takeover from a replica")
	} else if r, err := co.core.Store().Newest(nil); err == nil {
		if n = w.saved(r); n == nil {
			w.fail("the checkpoint at sequence number %d is of no order", r.Meta().Seq)
		}
		_ = r.Close() // it was only read
	} else if !errors.Is(err, snapshot.ErrNone) {
		panic(err)
	}
	if log.Next() <= n.last+1 {
		return n
	}
	r, err := log.Read(n.last + 1)
	if err != nil {
		panic(err)
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if err != nil {
			return n
		}
		b, err := comm.ParseBatch(rec.Data[comm.HeaderSize:])
		if err != nil {
			panic(err)
		}
		n = w.applied(n, b, false, co.name+"'s log")
	}
}

// saved returns the node that a checkpoint holds, nil when it is none.
func (w *world) saved(r *snapshot.Reader) *node {
	h := &holding{}
	for _, o := range r.Objects() {
		h.object = o.Name
		for piece, err := range r.Chunks(o.ID) {
			if err != nil {
				panic(err)
			}
			_ = h.Piece(piece) // never fails
		}
	}
	return w.hist.byState[fullState(stateOf(r.Meta().Seq, h.chain, r.Meta().Sessions), h.window, hashOf(h.results))]
}

// observe enters what was ordered since the last time in the history.
func (co *coord) observe() {
	if co.tip == nil {
		return
	}
	head := co.core.Head()
	if head == co.tip.last {
		return
	}
	for _, frame := range co.core.Since(co.tip.last) {
		b, err := comm.ParseBatch(frame[comm.HeaderSize:])
		if err != nil {
			panic(err)
		}
		co.tip = co.w.ordered(co.tip, b)
		co.w.note("order", b.Sequence, b.Stream, b.Request)
	}
	if co.tip.last != head {
		co.w.fail("%s says that it has ordered up to %d, its log ends at %d", co.name, head, co.tip.last)
	}
}

// diskRound writes what gathered, group by group.
func (co *coord) diskRound() {
	if co.ending {
		return
	}
	if co.fenced {
		co.core.Stop(statedir.ErrOwnerLost)
		return
	}
	if err := co.core.Disk().Begin(); err != nil {
		co.broken = true
		return
	}
	co.checkLog()
	co.diskPut()
}

// checkLog fails when nothing on disk leads to the beginning of the log: if all processes died now, the job could not go on.
func (co *coord) checkLog() {
	log := co.core.Log()
	saved := uint64(0)
	infos, err := co.core.Store().List()
	if err == nil && len(infos) > 0 {
		saved = infos[0].Seq
	}
	if err == nil && log.First() > saved+1 {
		co.w.fail("the log on disk begins at sequence number %d, and the newest checkpoint is at %d", log.First(), saved)
	}
}

func (co *coord) diskPut() {
	if co.ending {
		return
	}
	if co.fenced {
		co.core.Stop(statedir.ErrOwnerLost)
		return
	}
	more, err := co.core.Disk().Put()
	if err != nil {
		co.broken = true
		return
	}
	if !more {
		co.writing = false
		return
	}
	co.w.after(co.w.between(0, co.w.mix.diskSlow), co.proc, func() {
		if co.ending {
			return
		}
		co.core.Disk().Wrote()
		co.diskPut()
	})
}

// beat is the clock, and the connections' watches.
func (co *coord) beat() {
	w := co.w
	if co.ending {
		return
	}
	w.after(w.mix.beat, co.proc, co.beat)
	co.core.Tick()
	for _, p := range append([]*peer(nil), co.peers...) {
		switch {
		case !p.p.Welcomed():
		case w.now-p.heard > int64(limits.Silence):
			p.lost(errors.New("it said nothing"))
		case len(p.e.under) < w.mix.window:
			if p.conn.TryLock() { // as comm.Conn.Watch does
				if frame := p.p.Heartbeat(); frame != nil {
					_ = p.conn.WriteLocked(frame) // a broken connection shows to the reader
				}
				p.conn.Unlock()
			}
		}
	}
}

// save asks for a checkpoint now and then.
func (co *coord) save() {
	w := co.w
	if co.ending {
		return
	}
	w.after(w.around(w.mix.saveEvery), co.proc, co.save)
	co.core.SaveIfChanged()
}

// end shuts the coordinator down. Its process ends a moment later, when its members have read what is left for them.
func (co *coord) end() {
	w := co.w
	if co.ending {
		return
	}
	co.ending = true
	w.note("end "+co.name, 0, 0, 0)
	w.logf("ends: %v", co.core.Stopping())
	if co.endAt == 0 {
		co.endAt = w.now
	}
	w.count("coordinator that ended")
	quiet, err := co.core.Shutdown(true)
	co.kept = !quiet && err == nil && !co.broken
	if !quiet && !co.fenced {
		w.l.jobFailed(co, co.core.Stopping())
	}
	w.after(w.between(0, 100*time.Millisecond), co.proc, func() {
		if !co.fenced {
			co.core.Close()
		}
		co.exit()
	})
}
