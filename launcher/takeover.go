package launcher

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/applying"
	"dsss/internal/limits"
	"dsss/launcher/fleet"
)

// This file is about what comes after a coordinator, keeper or host that ended before its time.

// onLinkLost: the coordinator hung up, died, or says nothing any more.
func (j *job) onLinkLost(err error) {
	j.control, j.lost = nil, err
	j.coordinatorGone()
	j.checkOver()
}

// coordinatorGone is called when the coordinator's connection or its process has ended. The two come in any order, and
// each may have more to say than the other, so it acts once both are gone, and sees to it that they are.
func (j *job) coordinatorGone() {
	c := j.coordinator
	switch {
	case j.phase >= leaving:
	case c.exit == nil:
		j.endCoordinator(c)
	case j.lost == nil && j.control == nil: // nobody was connected, so nothing more is said
		j.link.close()
		j.lost = errNotReady
		j.coordinatorGone()
	case j.lost == nil: // its last words are on their way
		j.after(limits.Settle, func() {
			if j.coordinator == c && j.lost == nil {
				j.link.close()
				j.onLinkLost(errors.New("its connection outlived it"))
			}
		})
	case j.phase == starting:
		j.refuse(nil) // its stderr says why
	case j.phase == joining || j.spoken || c.told:
		j.headless = true
		j.fail(observed(c))
	case !j.headless:
		j.takeover()
	}
}

// endCoordinator sees to the end of a coordinator whose connection is lost: at once when it hangs, else after a while
// in which most end by themselves.
func (j *job) endCoordinator(c *process) {
	hangs := errors.Is(j.lost, errSilent) && j.phase > joining && !j.spoken
	pause := limits.Settle
	if hangs {
		pause = limits.KillWait
		c.why = fmt.Sprintf("said nothing for %v and was killed", j.cfg.Silence)
		j.fleet.Signal(c.incarnation, syscall.SIGKILL)
	}
	lost := j.lost
	j.after(pause, func() {
		switch {
		case j.coordinator != c || c.exit != nil || j.phase >= leaving:
		case j.phase == starting:
			j.refuse(lost)
		case j.phase == joining || j.spoken || hangs: // it cannot even be killed
			j.headless = true
			j.fail(observation{what: lostLink, text: lost.Error()})
		default:
			c.why = fmt.Sprintf("hung up (%s) and was killed", firstLine(lost.Error()))
			j.fleet.Signal(c.incarnation, syscall.SIGKILL)
		}
	})
}

// takeover starts another coordinator in the place of one that is gone. Nothing in it waits: the job stands still
// until the new one has recovered the order.
func (j *job) takeover() {
	old := j.coordinator
	o := observed(old)
	if o.text = j.takeovers.spend(time.Now(), "recovering the order"); o.text != "" {
		j.headless = true
		j.fail(o)
		return
	}
	j.link.close()
	j.expected = nil
	for _, p := range j.members() {
		if p.exit == nil && p.joined {
			j.expected = append(j.expected, p)
		}
		p.unsure = true
	}
	j.lost, j.since, j.recovered = nil, time.Now(), false
	j.retire(old)
	if err := j.startCoordinator(); err != nil {
		j.headless = true
		j.fail(observation{what: notStarted, who: fleet.Coordinator, text: err.Error()})
		return
	}
	c := j.coordinator
	j.say("%v; pid %d takes over", o, c.pid)
	j.after(limits.Recovery, func() {
		if j.coordinator == c && !j.recovered && c.exit == nil && j.phase < leaving {
			c.why = fmt.Sprintf("had not recovered the order after %v and was killed", limits.Recovery)
			j.fleet.Signal(c.incarnation, syscall.SIGKILL)
		}
	})
}

// takeoverArgs are what a coordinator that takes over is told besides: whom it waits for, and who has ended.
func (j *job) takeoverArgs() []string {
	var ranks, least []string
	for _, p := range j.expected {
		ranks = append(ranks, strconv.Itoa(p.Number()))
	}
	for _, p := range j.members() {
		n := p.incarnation
		if p.exit != nil {
			n++
		}
		least = append(least, fmt.Sprintf("%d:%d", p.Number(), n))
	}
	return []string{"--takeover", "--expect=" + strings.Join(ranks, ","), "--least=" + strings.Join(least, ",")}
}

// onConnected: a coordinator listens and is listened to.
func (j *job) onConnected(c *comm.Control) {
	j.control = c
	if j.phase == starting {
		j.startKeeper()
		return
	}
	for _, p := range j.expected { // a broken connection shows as lost news
		if p.exit != nil {
			_ = c.Gone(p.Number(), p.incarnation)
		}
	}
	switch {
	case j.phase == finishing && j.unsavable:
		j.finishUnsaved()
	case j.phase == finishing:
		_ = c.Finish(string(j.status))
	case j.due:
		j.checkpoint()
	}
	j.startAbsent()
}

// onRecovered: the order goes on.
func (j *job) onRecovered(e *wire.EventT) {
	j.takeovers.succeeded()
	j.recovered, j.expected = true, nil
	text := fmt.Sprintf("the order goes on after %v", time.Since(j.since).Round(time.Millisecond))
	if e.Count > 0 {
		text += fmt.Sprintf(", with %d mutations that only replicas still had", e.Count)
	}
	j.say("%s", text)
}

// onServiceExit starts the keeper or the host again as long as the job needs one.
func (j *job) onServiceExit(s *service) {
	p := s.process
	switch {
	case j.phase == joining:
		j.patience(limits.RefusalSettle) // for the coordinator's word that it refused the keeper
	case j.phase >= leaving || j.spoken || j.headless:
	case s == &j.host && j.phase == finishing: // nobody is left to call it
	case j.deadlyTo(p) && j.phase == finishing:
		j.finishUnsaved()
	case j.deadlyTo(p) || p.told:
	case j.phase == finishing && p.exit.OK() && p.during.Phase == applying.Idle: // it was told that all is done
	default:
		o := observed(p)
		if o.text = s.budget.spend(time.Now(), s.success); o.text != "" {
			j.unsavable = j.unsavable || s == &j.keeper
			j.fail(o)
			return
		}
		s.absent = true
		j.startAbsent()
	}
}

// startAbsent starts again those processes that are to be, once there is a coordinator that has heard of their
// predecessors' end.
func (j *job) startAbsent() {
	if j.control == nil {
		return
	}
	for _, s := range j.services() {
		if s.absent {
			s.absent = false
			j.restart(&s.process)
		}
	}
	for _, r := range j.ranks {
		if r.fate == absent && j.phase == running {
			r.fate = present
			j.restart(&r.process)
		}
	}
}

// restart puts a new process in the place of one that has ended.
func (j *job) restart(p **process) {
	old := *p
	fresh, err := j.startMember(old.Member)
	if err != nil {
		j.unsavable = old == j.keeper.process || j.unsavable
		j.fail(observation{what: notStarted, who: old.Member, text: err.Error()})
		return
	}
	j.retire(old)
	*p = fresh
	j.say("%v; started again as pid %d", observed(old), fresh.pid)
	j.publish()
}

// retire keeps a process that was replaced until its output was read.
func (j *job) retire(p *process) {
	read := func(p *process) bool {
		for _, d := range p.drained {
			select {
			case <-d:
			default:
				return false
			}
		}
		return true
	}
	if len(j.past) >= limits.PastProcesses {
		j.past = slices.DeleteFunc(j.past, read)
	}
	j.past = append(j.past, p)
}

// startCoordinator starts a coordinator: the first, or one that takes over.
func (j *job) startCoordinator() error {
	ready, w := io.Pipe()
	p, err := j.start(j.incarnation(), j.coordinatorSpec(readySink{w}), nil, j.out.feed(fleet.Coordinator, stderr), j.phase == starting)
	if err != nil {
		_ = ready.Close() // never fails
		return err
	}
	j.coordinator, j.link = p, follow(ready, j.cfg.Network, j.cfg.Name, j.token, j.cfg.Silence)
	return nil
}
