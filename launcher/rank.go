package launcher

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/launcher/fleet"
)

// A rank is one worker's place in the job, and the process that fills it.
type rank struct {
	*process // the newest; nil while none was started
	fate     fate
	budget   budget
	added    int  // job.grown when it was added; 0: from the beginning
	joiner   bool // it was added while the job ran, and has not joined yet
}

// A fate is what became of a rank.
type fate int

const (
	present   fate = iota // its process runs, or has ended and what that means is not clear yet
	absent                // its process has ended, another is to be started
	departing             // it was told to leave
	finished              // it exited with 0
	left                  // it is gone, as it was told
	lost                  // it is gone, and the job goes on without it
)

func (f fate) over() bool { return f >= finished }

// A Policy says what follows from the failure of a worker: that it exits with another code than 0, is killed by a
// signal, or ends before it joined.
type Policy string

// The policies.
const (
	// Abort ends the job.
	Abort Policy = "abort"
	// Continue goes on without the rank. The job has failed when no worker is left that finished.
	Continue Policy = "continue"
	// Respawn starts the rank again while the others run on. A rank that ended before it joined, that refused its
	// arguments (exit code 2 without a Go stack), or that was started again limits.Respawns times within
	// limits.RespawnWindow ends the job.
	Respawn Policy = "respawn"
)

// onWorkerExit says what follows from a worker's end.
func (j *job) onWorkerExit(r *rank) {
	p := r.process
	if p.exit.OK() {
		j.progress.forget(p.Rank)
	}
	switch {
	case j.phase != running:
		if !p.exit.OK() {
			j.fail(observed(p))
		}
	case r.fate == departing:
		r.fate = left
		j.say("rank %d (pid %d) has left, as dsss leave asked", r.Rank, p.pid)
		j.publish()
	case p.exit.OK() && (p.joined || p.unsure):
		r.fate = finished
		j.publish()
	case p.exit.OK():
		j.decide(r, limits.Settle) // the coordinator's word that it joined may be on its way
	case j.cfg.OnFailure == Abort || p.exit.Signal != 0 && p.joined:
		j.workerFailed(r)
	default: // the coordinator may know that it had joined, or have a better reason and end the job
		j.decide(r, limits.RefusalSettle)
	}
	j.workersDone()
}

// onDiverged: the coordinator has put a worker, or the host, out whose replica is not what the others have. Only a new process can
// have a right one. The policy is for workers; the host is replaced.
func (j *job) onDiverged(e *wire.EventT) {
	if worker, keeper, kept := strings.Cut(e.Detail, "\n"); kept && j.cfg.Difference != nil {
		e.Text = strings.Replace(e.Text, fmt.Sprintf("object %d differs", e.Count), j.cfg.Difference(worker, keeper), 1)
	}
	p := j.subject(e)
	if p != nil && p.Role == wire.RoleWorker && (j.cfg.OnFailure == Abort || j.phase != running) {
		j.fail(observation{what: diverged, who: p.Member, incarnation: p.incarnation, pid: p.pid, text: e.Text})
		return
	}
	j.say("%s", firstLine(e.Text))
	if p != nil && p.exit == nil {
		p.why = "has diverged and was killed"
		j.fleet.Signal(p.incarnation, syscall.SIGKILL)
	}
}

// decide lets the rank's process count as failed unless that is settled otherwise in time.
func (j *job) decide(r *rank, pause time.Duration) {
	p := r.process
	j.after(pause, func() {
		if j.phase == running && r.process == p && r.fate == present {
			j.workerFailed(r)
			j.workersDone()
		}
	})
}

// workerFailed does what the policy says.
func (j *job) workerFailed(r *rank) {
	o := observed(r.process)
	switch {
	case j.cfg.OnFailure == Continue || r.joiner: // one that was added is not missed before it has joined
		r.fate = lost
		j.losses = append(j.losses, o)
		j.say("%v; the job goes on without it", o)
		j.publish()
		return
	case j.cfg.OnFailure == Respawn && r.joined && !r.refused():
		if o.text = r.budget.spend(time.Now(), ""); o.text == "" {
			r.fate = absent
			j.startAbsent()
			return
		}
	}
	j.fail(o)
}

// refused tells whether the process ended as programs do that do not like their arguments: with exit code 2, which is
// also what the Go runtime exits with, but not without saying why.
func (p *process) refused() bool {
	return p.exit != nil && p.exit.Code == 2 && (p.last == nil || !p.last.crashed())
}

// workersDone goes on when no worker is left to wait for.
func (j *job) workersDone() {
	switch j.phase {
	case stopping:
		for _, r := range j.ranks {
			if r.process != nil && r.exit == nil {
				return
			}
		}
		j.finish()
	case running:
		well := false
		for _, r := range j.ranks {
			if !r.fate.over() {
				return
			}
			well = well || r.fate != lost
		}
		switch {
		case len(j.ranks) == 0: // none was started yet
		case well:
			j.status = Finished
			j.finish()
		default:
			j.fail(j.losses[0])
		}
	}
}

// onJoined takes the coordinator's word that a process has joined, or come back.
func (j *job) onJoined(e *wire.EventT) {
	p := j.subject(e)
	switch {
	case p == nil:
	case p == j.keeper.process:
		if j.phase == joining {
			j.startWorkers()
		}
		p.joined = true
	case p == j.host.process:
		j.host.budget.succeeded()
		p.joined = true
	default:
		r := j.ranks[p.Rank]
		r.joined = true
		if r.joiner {
			r.joiner = false
			j.losses = slices.DeleteFunc(j.losses, func(o observation) bool { return o.who == r.Member })
		}
		j.publish()
		if r.fate == present && r.exit != nil && r.exit.OK() {
			r.fate = finished
		}
		j.workersDone()
	}
}

// startRank starts the first process of rank n, which may be beyond all there are.
func (j *job) startRank(n int) error {
	p, err := j.startMember(fleet.Worker(n))
	if err != nil {
		return err
	}
	for n >= len(j.ranks) {
		j.ranks = append(j.ranks, &rank{fate: left, budget: rankBudget()})
	}
	r := j.ranks[n]
	if r.process != nil {
		j.retire(r.process)
	}
	r.process, r.fate = p, present
	return nil
}
