package launcher

import (
	"syscall"
	"time"

	"dsss/internal/limits"
	"dsss/launcher/fleet"
)

// enter begins a phase. Its patience is without end until patience says otherwise.
func (j *job) enter(p phase) {
	j.phase, j.strikes = p, 0
	j.turn++
}

// patience bounds how long the phase may take from now.
func (j *job) patience(d time.Duration) {
	j.turn++
	turn := j.turn
	j.after(d, func() {
		if turn == j.turn {
			j.onPatienceOut()
		}
	})
}

// services lists keeper and host, as far as they were started.
func (j *job) services() []*service {
	var out []*service
	for _, s := range []*service{&j.keeper, &j.host} {
		if s.process != nil {
			out = append(out, s)
		}
	}
	return out
}

// members lists the newest processes of keeper, host and workers.
func (j *job) members() []*process {
	var out []*process
	for _, s := range j.services() {
		out = append(out, s.process)
	}
	return append(out, j.workers()...)
}

// workers lists the newest process of each rank.
func (j *job) workers() []*process {
	var out []*process
	for _, r := range j.ranks {
		if r.process != nil {
			out = append(out, r.process)
		}
	}
	return out
}

// working counts the workers that have not ended.
func (j *job) working() int {
	n := 0
	for _, p := range j.workers() {
		if p.exit == nil {
			n++
		}
	}
	return n
}

// all lists the newest processes of all.
func (j *job) all() []*process {
	out := j.members()
	if j.coordinator != nil {
		out = append(out, j.coordinator)
	}
	return out
}

// tell sends sig to those of ps that live. Their exits are no news then.
func (j *job) tell(sig syscall.Signal, ps ...*process) {
	for _, p := range ps {
		if p != nil && p.exit == nil {
			p.told = true
			j.fleet.Signal(p.incarnation, sig)
		}
	}
}

func (j *job) kill(ps ...*process) { j.tell(syscall.SIGKILL, ps...) }

func (j *job) startKeeper() {
	j.enter(joining)
	p, err := j.startMember(fleet.Keeper)
	if err != nil {
		j.refuse(j.unstartable(err))
		return
	}
	j.keeper.process = p
}

// startHost starts the first host: the coordinator says that a hosted object is used. One that ends is replaced like the
// keeper.
func (j *job) startHost() {
	if j.host.process != nil || j.phase != running && j.phase != stopping {
		return
	}
	p, err := j.startMember(fleet.Host)
	if err != nil {
		j.fail(observation{what: notStarted, who: fleet.Host, text: err.Error()})
		return
	}
	j.host.process = p
	j.verbose("a hosted object is used: the host started as pid %d", p.pid)
}

// passHeld lets the stderr of p through. It waits for the console, so it does so aside.
func (j *job) passHeld(p *process) {
	done := make(chan struct{})
	p.drained = append(p.drained, done)
	go func() {
		defer close(done)
		p.hold.release(p.show)
	}()
}

func (j *job) startWorkers() {
	j.enter(running)
	j.keeper.joined = true
	j.passHeld(j.coordinator)
	j.passHeld(j.keeper.process)
	for n := range j.cfg.Workers {
		if err := j.startRank(n); err != nil {
			j.fail(observation{what: notStarted, who: fleet.Worker(n), text: err.Error()})
			return
		}
	}
	if j.keeper.exit != nil { // it joined, and was gone before we heard of it
		j.onServiceExit(&j.keeper)
	}
	j.publish()
	j.awaitDeadline()
}

// refuse ends a job before a worker was started. err is nil when a process has said on stderr why.
func (j *job) refuse(err error) {
	j.status, j.refusal = Refused, err
	j.leave()
}

// fail notes o and ends the job if it is not ending already.
func (j *job) fail(o observation) {
	j.seen = append(j.seen, o)
	j.failing()
}

func (j *job) failing() {
	switch {
	case j.phase < stopping:
		j.stop(Failed, syscall.SIGTERM)
	case j.phase == finishing:
		j.leave()
	}
}

// stop tells the workers to end.
func (j *job) stop(status Status, sig syscall.Signal) {
	j.status = status
	if j.phase < running {
		j.leave()
		return
	}
	j.enter(stopping)
	j.patience(j.cfg.Grace)
	j.tell(sig, j.workers()...)
	j.workersDone()
}

// finish has the coordinator end the job, if there is one left.
func (j *job) finish() {
	j.enter(finishing)
	switch {
	case j.headless:
		j.leave()
	case j.unsavable || j.deadlyTo(j.keeper.process):
		j.finishUnsaved()
	case j.control != nil:
		_ = j.control.Finish(string(j.status)) // a broken connection shows as lost news
	}
	// Else another coordinator takes over, and hears of it once it is connected.
}

// leave waits for all processes to end. Without the coordinator's Finished they are told to.
func (j *job) leave() {
	if j.phase == leaving {
		return
	}
	j.enter(leaving)
	j.patience(limits.Farewell)
	if j.finished == nil {
		j.tell(syscall.SIGTERM, j.all()...)
	}
	for _, s := range j.services() {
		if j.finished != nil && !s.joined { // nobody is left to admit it
			j.kill(s.process)
		}
	}
	j.checkOver()
}

// checkOver ends the loop when nothing more can come: no process lives, and the coordinator's last word was read.
func (j *job) checkOver() {
	if j.phase == leaving && len(j.live) == 0 && j.lost != nil {
		j.enter(over)
	}
}

// force ends everything at once.
func (j *job) force() {
	j.forced = true
	j.enter(leaving)
	j.strikes = 1 // nothing is left to try after this
	j.patience(limits.KillWait)
	j.kill(j.all()...)
	j.checkOver()
}
