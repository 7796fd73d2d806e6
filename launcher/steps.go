package launcher

import (
	"syscall"
	"time"

	"dsss/comm/wire"
	"dsss/internal/limits"
)

// enter begins a phase. Its patience is without end until patience says otherwise.
func (j *job) enter(p phase) {
	j.phase, j.strikes = p, 0
	j.timer.Stop()
}

// patience bounds how long the phase may take from now.
func (j *job) patience(d time.Duration) { j.timer.Reset(d) }

// all lists the processes that were started.
func (j *job) all() []*process {
	var out []*process
	for _, p := range append([]*process{j.coordinator, j.keeper}, j.workers...) {
		if p != nil {
			out = append(out, p)
		}
	}
	return out
}

// tell sends sig to those of ps that live. Their exits are no news then.
func (j *job) tell(sig syscall.Signal, ps ...*process) {
	for _, p := range ps {
		if p != nil && p.exit == nil {
			p.told = true
			j.kids.signal(p, sig)
		}
	}
}

func (j *job) kill(ps ...*process) { j.tell(syscall.SIGKILL, ps...) }

func (j *job) startKeeper() {
	j.enter(joining)
	p, err := j.startMember(keeperMember)
	if err != nil {
		j.refuse(j.unstartable(err))
		return
	}
	j.keeper = p
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
	j.passHeld(j.keeper)
	if k := j.keeper; k.exit != nil { // it joined, and was gone before we heard of it
		j.fail(observation{what: exited, who: k.member, pid: k.pid, exit: *k.exit, joined: true})
		return
	}
	for rank := range j.cfg.Workers {
		m := member{wire.RoleWorker, rank}
		p, err := j.startMember(m)
		if err != nil {
			j.fail(observation{what: notStarted, who: m, text: err.Error()})
			return
		}
		j.workers = append(j.workers, p)
	}
}

// workersDone goes on when no worker is left to wait for.
func (j *job) workersDone() {
	if j.phase != running && j.phase != stopping || len(j.workers) == 0 && j.phase == running {
		return
	}
	for _, p := range j.workers {
		if p.exit == nil || j.phase == running && !(p.exit.ok() && p.joined) {
			return
		}
	}
	if j.phase == running {
		j.status = Finished
	}
	j.finish()
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
	j.tell(sig, j.workers...)
	j.workersDone()
}

// finish has the coordinator end the job, if there is one left.
func (j *job) finish() {
	j.enter(finishing)
	if j.lost != nil || j.coordinator.exit != nil {
		j.coordinatorGone()
		return
	}
	_ = j.control.Finish(string(j.status)) // a broken connection shows as lost news
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
	j.checkOver()
}

// checkOver ends the loop when nothing more can come: no process lives, and the coordinator's last word was read.
func (j *job) checkOver() {
	if j.phase == leaving && j.alive == 0 && j.lost != nil {
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
