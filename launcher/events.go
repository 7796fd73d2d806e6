package launcher

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"syscall"
	"time"

	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/stack"
	"dsss/launcher/fleet"
)

// This file says what follows from what happens; steps.go how the job gets from phase to phase.

func (j *job) onNews(n news) {
	switch {
	case n.connected != nil:
		j.onConnected(n.connected)
	case n.event != nil:
		j.onEvent(n.event)
	default:
		j.onLinkLost(n.lost)
	}
}

func (j *job) onEvent(e *wire.EventT) {
	switch e.What {
	case wire.HappeningJoined:
		j.onJoined(e)
	case wire.HappeningRefused:
		if p := j.subject(e); p != nil && p == j.keeper.process && j.phase == joining {
			j.refuse(usagef("%s", firstLine(e.Text)))
			return
		}
		j.verbose("connection refused: %s", firstLine(e.Text))
	case wire.HappeningPanicked:
		text := e.Detail
		if !j.cfg.Verbose {
			text = stack.Trim(text)
		}
		for line := range strings.Lines(text) {
			j.out.notice("dsss: " + strings.TrimRight(line, "\n"))
		}
		j.spoken = true
		j.fail(observation{what: panicked, text: e.Text})
	case wire.HappeningFailed:
		j.onFailed(e)
	case wire.HappeningDiverged:
		j.onDiverged(e)
	case wire.HappeningLost:
		j.verbose("connection of %v lost: %s", fleet.Member{Role: e.Role, Rank: int(e.Rank)}, firstLine(e.Text))
	case wire.HappeningCheckpointed:
		j.checkpointed, j.unsaved = e.Sequence, false
		j.keeper.budget.succeeded()
		j.lastSave = time.Duration(min(e.Nanos, math.MaxInt64))
		j.awaitDeadline()
		j.verbose("checkpoint at sequence number %d: %d bytes in %v", e.Sequence, e.Bytes, time.Duration(e.Nanos).Round(time.Millisecond))
	case wire.HappeningCheckpointFailed:
		j.unsaved = true
		j.say("checkpoint failed: %s", firstLine(e.Text))
	case wire.HappeningWarned:
		j.say("%s", firstLine(e.Text))
	case wire.HappeningResumed:
		from := fmt.Sprintf("checkpoint at %d", e.Sequence)
		if e.Sequence == 0 {
			from = "no checkpoint"
		}
		j.say("resumed at sequence number %d: %s, %d mutations replayed from the log", e.Sequence+e.Count, from, e.Count)
	case wire.HappeningHosted:
		j.startHost()
	case wire.HappeningGrow:
		j.onGrow(int(min(e.Count, limits.Workers)))
	case wire.HappeningShrink:
		j.onShrink(int(e.Rank))
	case wire.HappeningRecovered:
		j.onRecovered(e)
	case wire.HappeningProgressed:
		if p := j.subject(e); p != nil {
			j.onProgress(p, e.Text)
		}
	case wire.HappeningFinished:
		j.finished, j.lastWord, j.spoken = e, e, true
		if j.phase == finishing {
			j.leave()
		}
	}
}

// subject returns the process that an event of the coordinator is about: the newest of its member, and only if that
// is the incarnation that the event names. It is nil for what is said of an earlier one, which is no news, and of
// what we did not start.
func (j *job) subject(e *wire.EventT) *process {
	var p *process
	switch n := int(e.Rank); {
	case e.Role == wire.RoleWorker && n >= 0 && n < len(j.ranks):
		p = j.ranks[n].process
	case e.Role == wire.RoleKeeper:
		p = j.keeper.process
	case e.Role == wire.RoleHost:
		p = j.host.process
	}
	if p == nil || p.incarnation != e.Incarnation {
		return nil
	}
	return p
}

func (j *job) onProgress(p *process, text string) {
	if p.exit != nil && p.exit.OK() {
		return // its result is out, and says more
	}
	if !j.out.hasStatus() {
		if lines := j.progress.offer(p.Rank, text, time.Now()); len(lines) > 0 {
			j.out.notice(lines...)
		}
	} else if p.Rank == 0 {
		j.text = firstLine(text)
	}
}

func (j *job) onExit(e fleet.Ended) {
	p := j.live[e.Incarnation]
	if p == nil {
		return // none of ours
	}
	p.exit, p.rlimits = &e.Exit, e.Limits
	delete(j.live, e.Incarnation)
	if p.Role != wire.RoleControl && j.control != nil {
		_ = j.control.Gone(p.Number(), p.incarnation) // a broken connection shows as lost news
	}
	if p.Role != wire.RoleControl {
		j.afterExit(p, e)
	}
	switch p.Role {
	case wire.RoleControl:
		j.coordinatorGone()
	case wire.RoleKeeper:
		j.onServiceExit(&j.keeper)
	case wire.RoleHost:
		j.onServiceExit(&j.host)
	case wire.RoleWorker:
		j.onWorkerExit(j.ranks[p.Rank])
	}
	j.checkOver()
}

// onFailed takes the coordinator's last word when the job did not end as we asked.
func (j *job) onFailed(e *wire.EventT) {
	j.lastWord, j.spoken = e, true
	switch {
	case j.coordinator.told: // by us, who have a reason of our own
	case j.phase == joining: // it could not open the state
		j.refuse(usagef("%s", firstLine(e.Text)))
	default:
		j.fail(observation{what: failed, text: e.Text})
	}
}

func (j *job) onSignal(s os.Signal) {
	sig, ok := s.(syscall.Signal)
	switch {
	case !ok || sig == syscall.SIGPIPE:
		return
	case sig == syscall.SIGTSTP:
		j.say("a job cannot be suspended, its processes would lose each other: end it with Ctrl-C, and go on later with --resume")
		return
	case sig == syscall.SIGUSR1:
		j.checkpoint()
		return
	case sig == syscall.SIGQUIT:
		j.printStacks()
		return
	case !ends(sig):
		for _, p := range j.workers() {
			j.fleet.Signal(p.incarnation, sig)
		}
		return
	case j.phase == finishing && j.status == Finished && j.signal == 0:
		j.signal = sig
		j.say("all workers have finished, the last checkpoint is being written: signal again to end at once")
		return
	case j.phase >= stopping:
		j.force()
		return
	}
	j.interrupt(sig)
}

// interrupt asks for a checkpoint at once, since the workers may not take the time that one needs, and ends them.
func (j *job) interrupt(sig syscall.Signal) {
	j.signal = sig
	j.checkpoint()
	to := syscall.SIGTERM
	if sig == syscall.SIGINT {
		to = sig
	}
	j.stop(Interrupted, to)
}

// onOutputLost ends the job as the signal would that a writer to a closed pipe gets.
func (j *job) onOutputLost(err error) {
	switch {
	case j.phase >= stopping:
	case errors.Is(err, syscall.EPIPE):
		j.interrupt(syscall.SIGPIPE)
	default:
		j.fail(observation{what: lostOutput, text: err.Error()})
	}
}

// onPatienceOut is called when a phase has taken as long as it may.
func (j *job) onPatienceOut() {
	j.strikes++
	switch j.phase {
	case joining:
		j.refuse(nil) // the keeper has exited without being refused
	case stopping:
		if j.strikes > 1 {
			j.finish() // the report names those that cannot be killed
			return
		}
		j.kill(j.workers()...)
		j.patience(limits.KillWait)
	case leaving:
		if j.strikes > 1 {
			j.enter(over)
			return
		}
		j.kill(j.all()...)
		j.patience(limits.KillWait)
	}
}
