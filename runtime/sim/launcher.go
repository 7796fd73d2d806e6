package sim

import (
	"time"

	"dsss/runtime/coordinator"
)

// A launcher keeps the job's processes running, as far as it knows of them. It never fails itself.
type launcher struct {
	w       *world
	run     int
	workers []*worker // all there ever were
	now     map[int32]*worker
	believe map[int32]bool // whose process it believes to live
	coord   *coord         // the last one started
	coords  []*coord
	hosted  bool // the run has a host, or will have
	over    bool // the run has ended; the next one is on its way
	begun   bool // the run's order has begun
	failed  int  // runs that failed since the faults have stopped
	inVain  int  // runs in a row that could not begin
	power   []int64
}

func (l *launcher) init(w *world) { l.w = w }

// startJob starts a run of the job.
func (l *launcher) startJob() {
	w := l.w
	l.run++
	l.over, l.begun, l.hosted = false, false, false
	l.now, l.believe = map[int32]*worker{}, map[int32]bool{}
	if l.inVain++; l.inVain > 30 {
		w.fail("the job cannot be resumed")
	}
	w.count("run")
	w.note("run", uint64(l.run), 0, 0)
	l.startCoord(false, nil)
	for rank := keeperRank; rank < int32(w.mix.workers); rank++ {
		l.startWorker(rank)
	}
}

func (l *launcher) startCoord(takeover bool, expect []int32) {
	l.coord = l.w.newCoord(takeover, expect)
	l.coords = append(l.coords, l.coord)
}

// wantHost starts the host, once a coordinator has said that there is work for one. Later it is replaced like others.
func (l *launcher) wantHost(co *coord) {
	if l.hosted || l.over || co != l.coord {
		return
	}
	l.w.count("host wanted")
	l.hosted = true
	l.startWorker(hostRank)
}

func (l *launcher) startWorker(rank int32) {
	k := l.w.newWorker(rank)
	l.workers = append(l.workers, k)
	l.now[rank], l.believe[rank] = k, true
}

// reach is the coordinator that a process reaches now, nil when nobody listens.
func (l *launcher) reach() *coord {
	if l.w.chance(0.3) {
		for _, co := range l.coords {
			if co.alive && co.fenced {
				return co
			}
		}
	}
	if l.coord.alive && l.coord.core != nil && !l.coord.ending {
		return l.coord
	}
	return nil
}

// opened notes that the order of a coordinator goes on.
func (l *launcher) opened(co *coord) { l.begun, l.inVain = true, 0 }

func (l *launcher) joined(*worker) {}

// coordDied has another take over, once that is noticed.
func (l *launcher) coordDied(co *coord) {
	if l.over || co != l.coord || co.fenced {
		return
	}
	run := l.run
	l.w.after(l.w.around(l.w.mix.notice), nil, func() {
		if l.run == run && !l.over && co == l.coord {
			l.takeOver()
		}
	})
}

// takeOver starts a coordinator that goes on with the run.
func (l *launcher) takeOver() {
	w := l.w
	var expect []int32
	for rank := hostRank; rank < int32(w.mix.workers); rank++ {
		if k := l.now[rank]; k != nil && l.believe[rank] {
			p := 0.05
			if k.stopped || k.apart > w.now {
				p = 0.8
			}
			if k.alive && w.mix.kinds[wrongExpect] && !w.calm && w.chance(p) {
				w.count("member wrongly given up")
				continue
			}
			expect = append(expect, rank)
		}
	}
	w.note("take over", uint64(len(expect)), 0, 0)
	least := map[int32]uint64{}
	for rank, k := range l.now {
		if least[rank] = k.incarnation; !l.believe[rank] {
			least[rank]++
		}
	}
	l.startCoord(true, expect)
	l.coord.least = least
	for rank := range l.now {
		l.coord.absent[rank] = true
	}
	for _, rank := range expect {
		delete(l.coord.absent, rank)
	}
}

// replace takes the place of a coordinator that was stopped for too long, as far as one can tell.
func (l *launcher) replace(co *coord) {
	if l.over || co != l.coord || !co.alive || !l.begun {
		return
	}
	w := l.w
	w.count("coordinator replaced alive")
	co.fenced, co.endAt = true, w.now
	w.disk.Kill()
	l.takeOver()
}

// cannotStart is called when a coordinator finds that it cannot begin.
func (l *launcher) cannotStart(co *coord, err error) {
	l.w.logf("cannot start: %v", err)
	l.w.count("coordinator that could not start")
	co.ending = true
	l.jobFailed(co, err)
	co.exit()
}

// workerDied has a process replaced, once its end is noticed.
func (l *launcher) workerDied(k *worker) {
	if l.over || l.now[k.rank] != k || k.noticed {
		return
	}
	k.noticed = true // one that was given up may die later
	w, run := l.w, l.run
	w.after(w.around(w.mix.notice), nil, func() {
		if l.run != run || l.over {
			return
		}
		l.believe[k.rank] = false
		co := l.coord
		w.after(w.between(0, time.Millisecond), co.proc, func() {
			if co.core != nil && !co.ending {
				co.absent[k.rank] = true
				co.core.Gone(k.rank, k.incarnation)
			}
		})
		w.after(w.between(time.Millisecond, 20*time.Millisecond), nil, func() {
			if l.run == run && !l.over {
				l.startWorker(k.rank)
			}
		})
	})
}

// jobFailed ends the run because its coordinator says so, and has it resumed after a while.
func (l *launcher) jobFailed(co *coord, reason error) {
	if l.over || co != l.coord {
		return
	}
	l.over = true
	l.w.count("job that failed")
	if l.w.calm {
		if l.failed++; l.failed > 10 {
			l.w.fail("without any fault the job fails again and again: %v", reason)
		}
	}
	l.w.logf("job failed: %v", reason)
	l.w.after(l.w.between(150*time.Millisecond, 300*time.Millisecond), nil, l.resume)
}

// resume ends whatever is left of the run, and starts the next.
func (l *launcher) resume() {
	l.over = true
	for _, p := range l.w.procs {
		p.die("with the run")
	}
	l.w.procs = l.w.procs[:0]
	l.w.after(l.w.between(0, 10*time.Millisecond), nil, l.startJob)
}

// caughtUp tells whether everybody lives, has applied all there is, and has its results; else what is missing.
func (l *launcher) caughtUp() (missing string) {
	switch {
	case l.over || !l.coord.alive || l.coord.tip == nil:
		return "the order does not go on"
	}
	for rank := hostRank; rank < int32(l.w.mix.workers); rank++ {
		k := l.now[rank]
		switch {
		case rank == hostRank && !l.hosted:
		case k == nil || !k.alive || k.over:
			return "a process is missing"
		case !k.joined:
			return k.name + " has not joined"
		case k.flying > 0:
			return k.name + " waits for a result"
		case !k.full() && (k.ghost != l.coord.tip.shared || k.sess.Replica().Applied() != l.coord.tip.last), k.full() && k.ghost != l.coord.tip:
			return k.name + " has not caught up"
		}
	}
	if co := l.coord; l.w.mix.durability != coordinator.Memory && co.core.Log().Next() <= co.tip.last {
		return "what was ordered does not come to disk"
	}
	if missing := l.retained(); missing != "" {
		return missing
	}
	for _, k := range l.workers {
		if k.abandoned && k.alive {
			return k.name + ", whose session is over, goes on"
		}
	}
	return ""
}

// gated tells whether nobody may see what is not on disk.
func (w *world) gated() bool { return w.mix.durability == coordinator.Sync }
