package sim

import (
	"errors"
	"fmt"
	"time"

	"dsss/checkpoint/snapshot"
	"dsss/comm"
	"dsss/internal/limits"
	"dsss/runtime/coordinator"
)

const stateDir = "/state"

// A coord is a coordinator's process.
type coord struct {
	*proc
	st    *coordinator.Stepper
	peers []*peer
	tip   *node // the end of its order; nil until it goes on

	takeover bool
	expect   []int32
	absent   map[int32]bool // members that it does not wait for (any more)

	openedAt int64
	endAt    int64 // when it ended, or another was started in its place; 0 while it goes on
	idle     int64 // for how long it was stopped
	writing  bool  // the disk's cursor is in a round
	ending   bool
	kept     bool // it brought everything to disk in the end
	broken   bool // the disk failed
	fenced   bool // another was started in its place
}

// A peer is a connection to a coordinator.
type peer struct {
	co      *coord
	e       *end
	conn    *comm.Conn
	m       *coordinator.Member // once it said hello
	k       *worker
	heard   int64
	writing bool // the writer is at work
	waits   bool // there is no room for its batch
	gone    bool
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
		if co.st != nil {
			co.st.Died()
		}
		w.l.coordDied(co)
	}
	co.proc.after = co.afterStep
	w.after(0, co.proc, co.start)
	return co
}

func (co *coord) start() {
	w := co.w
	w.made++
	expect := co.expect
	if w.cfg.Mutant == NoExpect {
		expect = nil
	}
	st, err := coordinator.NewStepper(coordinator.Config{
		Takeover: co.takeover, Expect: expect, Job: jobName, Size: w.mix.workers, StateDir: stateDir, Either: true,
		Durability: w.mix.durability, LogInterval: w.mix.logInterval, CheckpointEvery: -1, Keep: 1 + w.rnd.IntN(2),
		LogMemory: w.mix.logMemory, Segment: w.mix.segment,
	}, coordinator.World{FS: w.files(), Now: w.time, Salts: w.salts(), Session: w.made, Sure: func() bool { return !co.fenced || !w.mix.leased }, Without: w.cfg.Mutant.coordinator()})
	if err != nil {
		w.l.cannotStart(co, err)
		return
	}
	co.st = st
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
				co.st.StopWaiting()
			}
		})
	}
}

// accept takes a connection.
func (co *coord) accept(e *end) {
	p := &peer{co: co, e: e, conn: comm.NewConn(e), heard: co.w.now}
	co.peers = append(co.peers, p)
	e.arrived = p.read
	e.left = func() {
		if p.writing {
			p.pump()
		}
	}
}

// afterStep does what goroutines would do now.
func (co *coord) afterStep() {
	w := co.w
	if co.st == nil {
		return
	}
	if co.st.Stopping() != nil {
		co.end()
	}
	if !co.ending && !co.st.Opened() && co.takeover {
		if err := co.st.Recover(); err != nil {
			co.end()
		}
	}
	if co.tip == nil && co.st.Opened() {
		co.opened()
	}
	co.observe()
	if co.st.Suspects() {
		w.fail("%s finds a replica wrong", co.name)
	}
	if !co.writing && !co.ending && co.st.DiskWoken() {
		co.writing = true
		d := w.between(0, 50*time.Microsecond)
		if w.mix.durability == coordinator.Interval {
			d = w.mix.logInterval
		}
		w.after(d, co.proc, co.diskRound)
	}
	for _, p := range co.peers {
		switch {
		case p.gone || p.m == nil || co.ending && p.m.Waiting():
			continue
		case p.m.Asked() && p.e.readable():
			w.after(0, co.proc, p.read)
		case p.waits && p.m.Room():
			p.waits = false
			w.after(0, co.proc, p.read)
		}
		if p.m.Woken() && !p.writing {
			p.writing = true
			d := w.between(0, 50*time.Microsecond)
			if p.k != nil && p.k.keeper != nil {
				d = limits.Patience
			}
			w.after(d, co.proc, p.pump)
		}
	}
}

// opened is called when the order goes on, for the first time.
func (co *coord) opened() {
	w := co.w
	head, _ := co.st.Position()
	co.openedAt = w.now
	co.tip = co.begins()
	w.note("order goes on "+co.name, co.st.Epoch(), head, co.tip.last)
	w.count("epoch")
	if co.tip.last != head {
		w.fail("%s goes on from sequence number %d, what it has leads to %d", co.name, head, co.tip.last)
	}
	w.l.opened(co)
	w.judge(co)
	for _, p := range co.peers {
		if p.m != nil && p.m.Waiting() {
			w.after(w.between(0, 200*time.Microsecond), co.proc, p.admit)
		}
	}
}

// begins returns the node from which the order goes on: the replica's that it was taken from, or the checkpoint's, and
// what the log holds behind that.
func (co *coord) begins() *node {
	w := co.w
	log, donor := co.st.Log()
	n := w.hist.root
	if donor != nil {
		for _, p := range co.peers {
			if p.m == donor {
				n = p.k.ghost
			}
		}
		w.count("takeover from a replica")
	} else if r, err := co.st.Store().Newest(nil); err == nil {
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
		if rec.Count == 0 {
			continue // says that a mutation panicked
		}
		b, err := comm.ParseBatch(rec.Data[comm.HeaderSize:])
		if err != nil {
			panic(err)
		}
		n = w.applied(n, b, co.name+"'s log")
	}
}

// saved returns the node that a checkpoint holds, nil when it is none.
func (w *world) saved(r *snapshot.Reader) *node {
	var c chain
	for _, o := range r.Objects() {
		var all []byte
		for piece, err := range r.Chunks(o.ID) {
			if err != nil {
				panic(err)
			}
			all = append(all, piece...)
		}
		c = chainOf(all)
	}
	return w.hist.byState[stateOf(r.Meta().Seq, c, r.Meta().Sessions)]
}

// observe enters what was ordered since the last time in the history.
func (co *coord) observe() {
	if co.tip == nil {
		return
	}
	head, _ := co.st.Position()
	if head == co.tip.last {
		return
	}
	for _, frame := range co.st.Ordered(co.tip.last) {
		b, err := comm.ParseBatch(frame[comm.HeaderSize:])
		if err != nil {
			panic(err)
		}
		co.tip = co.w.ordered(co.tip, b)
		co.w.note("order", b.Sequence, b.Session, b.Request)
	}
	if co.tip.last != head {
		co.w.fail("%s says that it has ordered up to %d, its log ends at %d", co.name, head, co.tip.last)
	}
}

// read handles the next frame of a peer.
func (p *peer) read() {
	co, w := p.co, p.co.w
	if p.gone || co.st == nil || !p.e.readable() {
		return
	}
	p.heard = w.now
	if p.m == nil {
		p.hello()
		return
	}
	if p.m.Waiting() && !p.m.Asked() {
		return // nobody reads from one who waits
	}
	if frameAt(p.e.staged, 0) > 0 && kindAt(p.e.staged, 0) == comm.KindBatch && !p.m.Room() {
		p.waits = true
		w.count("full log")
		return
	}
	if co.fenced && (w.chance(0.1) || frameAt(p.e.staged, 0) > 0 && kindAt(p.e.staged, 0) != comm.KindBatch && kindAt(p.e.staged, 0) != comm.KindHeartbeat) {
		co.st.LoseOwnership() // at the latest before it would touch the directory
		return
	}
	p.e.feed(1)
	err := p.m.Read()
	co.observe()
	if err != nil {
		w.logf("loses %s: %v", p.k.name, err)
		p.forget()
		return
	}
	if p.e.readable() {
		w.after(w.between(0, 5*time.Microsecond), co.proc, p.read)
	}
}

func (p *peer) hello() {
	co, w := p.co, p.co.w
	p.e.feed(1)
	hello, err := p.conn.ReadHello()
	if err != nil {
		p.conn.CloseFor(err)
		p.forget()
		return
	}
	for _, k := range w.l.workers {
		if k.sess.ID() == hello.Session {
			p.k = k
		}
	}
	if p.k == nil {
		p.conn.CloseFor(errors.New("a process of before"))
		p.forget()
		return
	}
	if co.fenced && p.k.keeper != nil && !co.st.Opened() {
		co.st.LoseOwnership() // it would open the state directory
		return
	}
	if p.m, err = co.st.Meet(p.conn, hello); err != nil {
		w.logf("refuses %s: %v", p.k.name, err)
		p.forget()
	}
}

// admit lets a peer in that waited for the end of a takeover.
func (p *peer) admit() {
	if p.gone || !p.m.Waiting() || p.co.ending {
		return
	}
	if err := p.m.Admit(); err != nil {
		p.co.w.logf("refuses %s: %v", p.k.name, err)
		p.forget()
		return
	}
	if p.e.readable() {
		p.co.w.after(0, p.co.proc, p.read)
	}
}

func (p *peer) forget() {
	p.gone = true
	p.e.deaf = true
	peers := p.co.peers[:0:0]
	for _, other := range p.co.peers {
		if other != p {
			peers = append(peers, other)
		}
	}
	p.co.peers = peers
}

// pump writes one gathering to a peer, if the network takes it, and goes on while there is something to write.
func (p *peer) pump() {
	co, w := p.co, p.co.w
	if p.gone || !p.writing {
		return
	}
	if !p.m.Pending() {
		p.writing = false
		return
	}
	if len(p.e.under) >= w.mix.window && !p.e.l.broken {
		return // goes on when something has left
	}
	if err := p.m.Write(); err != nil {
		w.logf("cannot write to %s: %v", p.k.name, err)
		w.count("cursor lost its place")
		p.forget()
		return
	}
	w.after(w.between(0, 20*time.Microsecond), co.proc, p.pump)
}

// diskRound writes what gathered, group by group.
func (co *coord) diskRound() {
	if co.ending {
		return
	}
	if co.fenced {
		co.st.LoseOwnership()
		return
	}
	if err := co.st.DiskBegin(); err != nil {
		co.broken = true
		return
	}
	co.checkLog()
	co.diskPut()
}

// checkLog fails when nothing on disk leads to the beginning of the log: if all processes died now, the job could not go on.
func (co *coord) checkLog() {
	log, _ := co.st.Log()
	saved := uint64(0)
	infos, err := co.st.Store().List()
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
		co.st.LoseOwnership()
		return
	}
	more, err := co.st.DiskPut()
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
		co.st.DiskWrote()
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
	co.st.Tick()
	for _, p := range append([]*peer(nil), co.peers...) {
		switch {
		case p.m == nil || p.m.Waiting():
		case w.now-p.heard > int64(limits.Silence):
			p.m.Lost(errors.New("it said nothing"))
			p.forget()
		case len(p.e.under) < w.mix.window:
			p.m.Heartbeat()
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
	if co.st.Opened() {
		co.st.Save()
	}
}

// end shuts the coordinator down. Its process ends a moment later, when its members have read what is left for them.
func (co *coord) end() {
	w := co.w
	if co.ending {
		return
	}
	co.ending = true
	w.note("end "+co.name, 0, 0, 0)
	w.logf("ends: %v", co.st.Stopping())
	if co.endAt == 0 {
		co.endAt = w.now
	}
	w.count("coordinator that ended")
	quiet, err := co.st.Shutdown()
	co.kept = !quiet && err == nil && !co.broken
	if !quiet && !co.fenced {
		w.l.jobFailed(co, co.st.Stopping())
	}
	w.after(w.between(0, 100*time.Millisecond), co.proc, func() {
		if !co.fenced {
			if err := co.st.Close(); err != nil {
				co.kept = false
			}
		}
		co.exit()
	})
}
