package launcher

import (
	"cmp"
	"errors"
	"fmt"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"dsss/comm/wire"
	"dsss/internal/build"
	"dsss/internal/limits"
	"dsss/internal/machine"
	"dsss/launcher/fleet"
)

// end collects what is left of processes and output, and reports. It also takes back what a failed begin did.
func (j *job) end() (Report, error) {
	var left []string
	if j.fleet != nil {
		left = j.fleet.Close()
	}
	close(j.done)
	if j.link != nil {
		j.link.close()
	}
	for _, f := range []*build.File{j.program, j.dsss} {
		if f != nil {
			f.Close()
		}
	}
	j.unpublish()
	if j.out != nil {
		if err := j.noteSuspects(); err != nil {
			j.say("what is known of mutations that end processes cannot be noted in %s: %v", j.cfg.StateDir, err)
		}
	}
	drained := make(chan struct{})
	abandon := j.abandoned(drained)
	unread := j.drain(abandon)
	report, err := j.report()
	if j.out != nil {
		if unread != "" {
			report.Unread, report.ExitCode = true, cmp.Or(report.ExitCode, 128+int(syscall.SIGTERM))
			j.say("nobody reads %s: the rest of the output is given up", unread)
		}
		j.lastNotices(left)
		j.out.close(abandon)
		j.out.closeFiles()
	}
	close(drained)
	signal.Stop(j.signals)
	return report, err
}

// drain waits until the output of all processes has been read and shown, or until abandon is closed: then it names the
// stream that takes nothing.
func (j *job) drain(abandon <-chan struct{}) (unread string) {
	soon := time.After(limits.Unread)
	for _, p := range append(j.all(), j.past...) {
		j.fleet.CutOff(p.incarnation)
		for _, d := range p.drained {
			for waiting := true; waiting; {
				select {
				case <-d:
					waiting = false
				case <-soon:
					if unread = j.out.unread(); unread != "" {
						how := "Ctrl-C or SIGTERM gives it"
						if j.signal != 0 {
							how = "signal again to end at once, else it has"
						}
						j.say("all processes have ended; waiting for whoever reads %s: %s %v", unread, how, j.unreadGrace())
					}
				case <-abandon:
					return cmp.Or(j.out.unread(), "stdout or stderr")
				}
			}
		}
	}
	return ""
}

// unreadGrace is how long a reader of the output may take nothing in a job that was told to end.
func (j *job) unreadGrace() time.Duration {
	if j.forced {
		return limits.Settle
	}
	return max(j.cfg.Grace, limits.Settle)
}

// abandoned returns a channel that is closed when output need not be waited for any longer: the job was told to end, and
// nothing of it was taken for as long as workers may take; or it was told again. It ends with drained.
func (j *job) abandoned(drained <-chan struct{}) <-chan struct{} {
	abandon := make(chan struct{})
	if j.out == nil {
		return abandon
	}
	told, patience := j.signal != 0, j.unreadGrace()
	go func() {
		tick := time.NewTicker(limits.StatusEvery)
		defer tick.Stop()
		taken, since := j.out.taken.Load(), time.Now()
		for !told || time.Since(since) < patience {
			select {
			case <-drained:
				return
			case <-tick.C:
			case s := <-j.signals:
				if !ends(s) {
					continue
				}
				if told {
					close(abandon)
					return
				}
				told, since = true, time.Now()
			}
			if now := j.out.taken.Load(); now != taken {
				taken, since = now, time.Now()
			}
		}
		close(abandon)
	}()
	return abandon
}

// lastNotices writes what was held back.
func (j *job) lastNotices(left []string) {
	if lines := j.progress.rest(time.Now()); len(lines) > 0 {
		j.out.notice(lines...)
	}
	for _, p := range []*process{j.coordinator, j.keeper.process} {
		if p == nil || p.hold == nil {
			continue // never started, or started when output was shown already
		}
		lines := p.hold.take()
		if j.status == Refused && j.refusal != nil && !j.cfg.Verbose {
			continue // one line says it
		}
		if j.status != Refused || p == j.coordinator {
			lines = tagged("["+strings.TrimPrefix(p.String(), "the ")+"] ", lines)
		}
		if len(lines) > 0 {
			j.out.notice(shown(lines)...)
		}
	}
	if len(left) > 0 {
		j.say("processes %s cannot be killed, the kernel holds them: look at them with ps -l", strings.Join(left, " "))
	}
	if j.blamed() != nil || j.status == Failed && len(j.ranks) > 0 {
		if j.access == nil || inodeOf(j.stateDir) == j.access.inode { // else the cause has said where it went
			j.say("%s", j.advice())
		}
	}
}

// advice says how to go on after a failure.
func (j *job) advice() string {
	if s := j.blamed(); s != nil {
		what := "end there again"
		if s.Endless {
			what = "hang there again"
		}
		return fmt.Sprintf("state kept in %s: 'dsss skip %s %d' leaves out %v, and --resume then goes on without it; before that, --resume would %s", j.cfg.StateDir, j.cfg.StateDir, s.Sequence, *s, what)
	}
	if o := firstCause(j.seen); o.what == exited && o.who.Role == wire.RoleWorker {
		if p := j.ranks[o.who.Rank].process; p.incarnation == o.incarnation && p.refused() {
			return fmt.Sprintf("exit code 2 says that the program did not like its arguments, and the same ones would fail again: state kept in %s, go on from it with --resume and those that it began with", j.cfg.StateDir)
		}
	}
	return fmt.Sprintf("state kept in %s: the same command with --resume goes on from there", j.cfg.StateDir)
}

// report says how the job ended. Output has been read by now.
func (j *job) report() (Report, error) {
	if j.status == Finished && j.finished == nil {
		j.status = Failed // the coordinator went without a last word
		if len(j.seen) == 0 {
			j.seen = append(j.seen, observation{what: lostLink, text: fmt.Sprint(j.lost)})
		}
	}
	r := Report{Job: j.cfg.Name, Status: j.status, Workers: max(j.cfg.Workers, len(j.ranks)), Seconds: time.Since(j.began).Seconds(),
		Checkpointed: j.checkpointed, StateDir: j.cfg.StateDir}
	r.Mutation = mutationOf(j.blamed())
	for _, o := range j.losses {
		r.Lost = append(r.Lost, *j.causeOf(o))
	}
	if j.lastWord != nil {
		r.Mutations, r.Checkpoints = j.lastWord.Sequence, j.lastWord.Count
	}
	switch j.status {
	case Finished:
	case Interrupted:
		r.ExitCode = 128 + int(j.signal)
		r.Cause = &Cause{Text: fmt.Sprintf("signal %d (%v)", int(j.signal), j.signal), Signal: int(j.signal)}
		switch {
		case j.unsaved:
			r.saved = "its last checkpoint could not be written, but the log stands"
		case r.Checkpointed > 0:
			r.saved = fmt.Sprintf("checkpointed at sequence number %d", r.Checkpointed)
		case j.finished != nil:
			r.saved = "nothing new to checkpoint"
		default:
			r.saved = "no checkpoint was written"
		}
	case Refused:
		return j.reportRefusal()
	case Failed:
		if j.finished != nil { // it ended because we asked, maybe before we heard of it
			j.seen = slices.DeleteFunc(j.seen, func(o observation) bool { return o.what == exited && o.who == fleet.Coordinator })
		}
		o := firstCause(j.seen)
		if o.what == exited && o.who.Role == wire.RoleWorker {
			if p := j.ranks[o.who.Rank].process; p.incarnation == o.incarnation {
				o.joined = p.joined // the word may have come after the exit
			}
		}
		r.ExitCode = o.status()
		r.Cause = j.causeOf(o)
	}
	return r, nil
}

func (j *job) causeOf(o observation) *Cause {
	c := &Cause{Text: o.String(), PID: o.pid}
	if o.what == diverged {
		c.Rank = &o.who.Rank
	}
	if o.what != exited && o.what != deadly {
		if r := shortageIn(c.Text); r != noResource {
			c.Text += ": " + r.reached(machine.LimitsOf(0))
		}
		return c
	}
	c.Signal = int(o.exit.Signal)
	if c.Signal == 0 {
		c.Code = o.exit.Code
	}
	if o.who.Role == wire.RoleWorker {
		c.Rank = &o.who.Rank
	}
	for _, p := range append(j.all(), j.past...) {
		if p.incarnation != o.incarnation || p.last == nil {
			continue
		}
		if text := j.shortage(p); text != "" {
			c.Text += ": " + text
			continue
		}
		c.Stderr = p.last.last()
		if n := len(c.Stderr); n > 0 && shortageIn(c.Stderr[n-1]) != noResource {
			c.Text += ": " + shortageIn(c.Stderr[n-1]).reached(p.rlimits)
		}
	}
	return c
}

// reportRefusal says why no worker was started.
func (j *job) reportRefusal() (Report, error) {
	err, quiet := j.refusal, false
	switch {
	case err != nil:
	case j.keeper.process == nil:
		err = j.coordinatorRefusal()
	default:
		err, quiet = j.keeperRefusal()
	}
	err = named(err)
	r := refused(j.cfg, j.began, err)
	if j.keeper.process == nil || j.refusal != nil {
		return r, err
	}
	// The program refused by itself: its exit code is ours.
	r.quiet = quiet
	r.Cause = j.causeOf(observation{what: exited, who: fleet.Keeper, incarnation: j.keeper.incarnation, pid: j.keeper.pid, exit: *j.keeper.exit})
	r.Cause.Text = err.Error()
	if !j.keeper.exit.OK() {
		r.ExitCode = j.keeper.exit.Status()
	}
	return r, nil
}

func (j *job) coordinatorRefusal() error {
	e := *j.coordinator.exit
	if short := j.shortage(j.coordinator); short != "" {
		return fmt.Errorf("the coordinator (pid %d) %v before it was ready: %s", j.coordinator.pid, e, short)
	}
	line := strings.TrimPrefix(j.coordinator.hold.last(), "dsss: ")
	switch {
	case e.Signal != 0 || line == "":
		return fmt.Errorf("the coordinator (pid %d) %v before it was ready", j.coordinator.pid, e)
	case e.Code == 2:
		return usageError(line)
	}
	return errors.New(line)
}

// keeperRefusal says how the program ended before it joined; quiet when its own words on stderr are enough.
func (j *job) keeperRefusal() (err error, quiet bool) {
	e, program, spoke := *j.keeper.exit, j.cfg.Program[0], len(j.keeper.last.last()) > 0
	short := j.shortage(j.keeper.process)
	switch {
	case short != "":
		return fmt.Errorf("%s (pid %d) %v before dsss.Join: %s", program, j.keeper.pid, e, short), false
	case e.OK():
		return usagef("%s ended before dsss.Join: is it a DSSS program?", program), false
	case e.Signal != 0:
		return fmt.Errorf("%s (pid %d) %v before dsss.Join", program, j.keeper.pid, e), false
	}
	return fmt.Errorf("%s (pid %d) %v before dsss.Join and said nothing", program, j.keeper.pid, e), spoke
}
