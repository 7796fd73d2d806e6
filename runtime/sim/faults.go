package sim

import (
	"io"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"

	"dsss/internal/memfs"
	"dsss/internal/vfs"
)

// A fault is a kind of thing that goes wrong.
type fault int

const (
	crashCoord fault = iota
	crashKeeper
	crashWorker
	crashAtDisk // inside an operation of the disk
	stopCoord   // for a while, and perhaps replaced meanwhile
	stopWorker
	cutLink
	dialAnew // a worker leaves its connection and makes another
	outOfReach
	powerFailure
	diskFull
	diskError // a write or a sync fails once
	wrongExpect
	crashSeveral  // coordinator and workers at once
	leaveFurthest // the coordinator dies while the worker that has come furthest is stopped
	blowUp        // a mutator panics
	restless      // power fails again soon after each start
	foreigners    // processes that do not belong to the job say hello
	givenUp       // the launcher says that a process has ended which lives, and starts another in its place
	faults
)

// scheduleFaults has things go wrong until the calm.
func (w *world) scheduleFaults() {
	w.after(w.around(w.mix.every), nil, func() {
		if w.calm {
			return
		}
		w.goWrong(w.mix.oneOf(w.rnd))
		w.scheduleFaults()
	})
}

// oneOf draws one of the faults that the seed has, or none.
func (m *mix) oneOf(r *rand.Rand) fault {
	var has []fault
	for kind, yes := range m.kinds {
		if yes {
			has = append(has, fault(kind))
		}
	}
	if len(has) == 0 {
		return faults
	}
	return has[r.IntN(len(has))]
}

// goWrong has one thing go wrong.
func (w *world) goWrong(kind fault) {
	if w.l.over || len(w.procs) == 0 {
		return
	}
	co := w.l.coord
	k := w.anybody()
	w.note("fault", uint64(kind), 0, 0)
	switch kind {
	case crashCoord:
		w.kill(co.proc)
	case crashKeeper:
		if k := w.l.now[keeperRank]; k != nil {
			w.kill(k.proc)
		}
	case crashWorker:
		if k != nil {
			w.kill(k.proc)
		}
	case crashSeveral:
		w.kill(co.proc)
		for rank := hostRank; rank < int32(w.mix.workers); rank++ {
			if k := w.l.now[rank]; k != nil && w.chance(0.5) {
				w.kill(k.proc)
			}
		}
	case leaveFurthest:
		w.leaveFurthest(co)
	case crashAtDisk:
		w.mixin(func(op memfs.Op) memfs.Fault { panic(crashed{w.running}) })
	case stopCoord:
		w.stopCoord(co)
	case stopWorker:
		if k != nil && k.alive {
			k.stop(w.around(50 * time.Millisecond))
			w.count("worker stopped")
		}
	case cutLink:
		if k != nil && k.alive && k.e != nil {
			w.count("connection cut")
			k.e.l.cut()
		}
	case dialAnew:
		w.dialAnew(k)
	case blowUp:
		if k != nil && k.alive && !k.stopped && !k.over && len(k.ops) > 0 && k.sess.Replica().Object(objectName) != nil {
			w.count("mutator that panics")
			w.made++
			o, object := &op{of: k, id: w.made}, uint32(1)
			if k.hosting && w.chance(0.5) {
				o.hosted, object = true, windowID
				w.count("hosted mutator that panics")
			}
			k.do(func() { k.submit(o, object, blowID, nil) })
		}
	case outOfReach:
		p := w.procs[w.rnd.IntN(len(w.procs))]
		p.apart = w.now + int64(w.around(50*time.Millisecond))
		w.count("process out of reach")
	case powerFailure:
		w.powerFailure()
	case foreigners:
		w.outsider()
	case givenUp:
		w.giveUp(k)
	case diskFull:
		w.count("full disk")
		w.full = true
		w.after(w.around(100*time.Millisecond), nil, func() { w.full = false })
	case diskError:
		short := w.rnd.IntN(200)
		w.mixin(func(op memfs.Op) memfs.Fault {
			w.count("disk error")
			return memfs.Fault{Err: syscall.EIO, Short: short}
		})
	}
}

// anybody draws a process of the program, which may not be there: a worker or, where there are hosted objects, the host or the keeper.
func (w *world) anybody() *worker {
	if w.l.hosted && w.chance(0.5) {
		return w.l.now[hostRank+int32(w.rnd.IntN(2))]
	}
	return w.l.now[int32(w.rnd.IntN(w.mix.workers))]
}

// leaveFurthest stops the worker that has come furthest, and kills the coordinator.
func (w *world) leaveFurthest(co *coord) {
	var furthest *worker
	for rank := range int32(w.mix.workers) {
		if k := w.l.now[rank]; k != nil && k.alive && (furthest == nil || k.ghost.last > furthest.ghost.last) {
			furthest = k
		}
	}
	if furthest != nil && co.alive {
		furthest.stop(w.between(0, 200*time.Millisecond))
		w.kill(co.proc)
	}
}

// giveUp has the launcher take a process for ended that it can not reach, as one on a node that is cut off.
func (w *world) giveUp(k *worker) {
	if k == nil || !k.alive || k.over || k.leaving || k.keeper != nil || w.l.coord.core == nil || w.l.coord.ending {
		return
	}
	w.count("process given up alive")
	if k.full() {
		w.count("host given up alive")
	}
	k.abandoned = true
	if k.e != nil && w.chance(0.5) {
		k.e.l.cut()
	}
	w.l.workerDied(k)
}

func (w *world) kill(p *proc) {
	if p.alive {
		w.count("process killed")
		p.die("by a fault")
	}
}

// stopCoord stops the coordinator, and perhaps has it replaced before it goes on.
func (w *world) stopCoord(co *coord) {
	if !co.alive || co.stopped || co.ending {
		return
	}
	d := w.around(50 * time.Millisecond)
	w.count("coordinator stopped")
	co.idle += int64(d)
	co.stop(d)
	if w.chance(w.mix.eager) {
		w.after(w.between(0, d), nil, func() {
			if co.stopped {
				w.l.replace(co)
			}
		})
	}
}

// dialAnew has a worker take its connection for broken: what it sent still arrives.
func (w *world) dialAnew(k *worker) {
	if k == nil || !k.alive || k.stopped || !k.joined {
		return
	}
	w.count("connected anew")
	k.do(func() { k.broken(io.ErrUnexpectedEOF) })
}

// powerFailure ends everything at once, and leaves of the disk what was synced, and of the rest what chance leaves.
func (w *world) powerFailure() {
	w.count("power failure")
	w.note("power failure", 0, 0, 0)
	w.l.power = append(w.l.power, w.now)
	w.l.over = true
	for _, p := range w.procs {
		p.die("of the power failure")
	}
	w.procs = w.procs[:0]
	keep := w.leave()
	w.disk = w.disk.Crash(w.disk.Ops(), keep, nil)
	w.armed, w.full = nil, false
	w.disk.Inject(w.fault)
	w.after(w.between(0, 10*time.Millisecond), nil, w.l.startJob)
	if w.mix.kinds[restless] && w.chance(0.9) {
		w.after(w.around(20*time.Millisecond), nil, func() {
			if !w.calm && !w.l.over {
				w.powerFailure()
			}
		})
	}
}

// leave draws what a power failure leaves of what the disk had not synced: any sectors and any names, or all up to a torn
// write.
func (w *world) leave() memfs.Keep {
	any := w.rnd.Float64()
	if units := len(w.disk.Units(w.disk.Ops())); units > 0 && w.chance(0.5) {
		torn := w.rnd.IntN(units)
		return func(i int, u memfs.Unit) int {
			switch {
			case i < torn:
				return u.Len
			case i > torn:
				return 0
			}
			return w.rnd.IntN(u.Len + 1)
		}
	}
	return func(i int, u memfs.Unit) int {
		if w.rnd.Float64() < any {
			return u.Len
		}
		return 0
	}
}

// mixin has the disk do something else at one of its next operations.
func (w *world) mixin(f func(memfs.Op) memfs.Fault) {
	w.armed, w.fuse = f, w.rnd.IntN(20)
}

// fault is what the disk asks before each operation.
func (w *world) fault(op memfs.Op) memfs.Fault {
	if w.running == nil || op.Kind == memfs.Read {
		return memfs.Fault{}
	}
	for _, co := range w.l.coords {
		if co.proc == w.running && co.fenced {
			panic(crashed{w.running}) // the directory is another's: this one is killed
		}
	}
	if w.full && (op.Kind == memfs.Write || op.Kind == memfs.Create) {
		return memfs.Fault{Err: syscall.ENOSPC, Short: w.rnd.IntN(op.Len + 1)}
	}
	if w.armed != nil && op.Kind != memfs.SyncDir {
		if w.fuse--; w.fuse < 0 {
			f := w.armed
			w.armed = nil
			w.note("at the disk", uint64(op.Kind), 0, 0)
			return f(op)
		}
	}
	return memfs.Fault{}
}

// files is the disk as processes see it.
func (w *world) files() vfs.FS {
	if w.cfg.Mutant == NoCut {
		return uncut{w.disk}
	}
	return w.disk
}

// uncut is a disk on which the log's torn tail cannot be cut off.
type uncut struct{ vfs.FS }

func (u uncut) OpenFile(path string, flag int) (vfs.File, error) {
	f, err := u.FS.OpenFile(path, flag)
	if err == nil && strings.HasSuffix(path, ".seg") {
		f = uncutFile{f}
	}
	return f, err
}

type uncutFile struct{ vfs.File }

func (uncutFile) Truncate(int64) error { return nil }

// time is the clock.
func (w *world) time() time.Time { return time.Unix(0, w.now) }

// salts draws the salts of log segments.
func (w *world) salts() io.Reader { return chanceReader{w.rnd} }

type chanceReader struct{ r *rand.Rand }

func (c chanceReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c.r.Uint32())
	}
	return len(p), nil
}
