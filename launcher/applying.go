package launcher

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"dsss/checkpoint/statedir"
	"dsss/comm/wire"
	"dsss/internal/applying"
	"dsss/internal/limits"
	"dsss/launcher/fleet"
)

// This file is about mutators that end processes, or never end. The fleet knows of each process which mutation it is
// applying: it says so when the process has ended, and is asked now and then while it lives.

// onLook looks at what the living processes are applying, says what goes on and on, and ends what holds up the job's end.
func (j *job) onLook() {
	for _, p := range j.members() {
		if p.exit != nil {
			continue
		}
		p.during = j.fleet.Applying(p.incarnation)
		since, say := p.watch.Look(p.during)
		p.stuck = since
		if say {
			j.sayStuck(p)
		}
	}
	for _, s := range j.services() {
		if s.exit == nil {
			j.lookStopped(s)
		}
	}
	if k := j.keeper.process; k != nil && k.exit == nil && j.holdsUpTheEnd(k) {
		if k.still > 0 {
			j.say("the keeper (pid %d) has been stopped for %v: the job ends without a last checkpoint", k.pid, k.still)
		} else {
			j.suspect(k.during).Endless = true
		}
		j.kill(k)
		j.finishUnsaved()
	}
}

// lookStopped looks whether somebody has stopped keeper or host, and says so when it stays that way: nothing else shows it.
func (j *job) lookStopped(s *service) {
	if !j.fleet.Stopped(s.incarnation) {
		s.still = 0
		return
	}
	s.still += limits.StuckLook
	if s.still == limits.Stuck {
		j.say("%v (pid %d) has been stopped for %v, by a signal or a debugger; %s wait until 'kill -CONT %d'", s.Member, s.pid, s.still, s.work, s.pid)
	}
}

// holdsUpTheEnd tells whether the last checkpoint of a job that is to end soon waits for a keeper that is stuck, or stopped.
func (j *job) holdsUpTheEnd(k *process) bool {
	soon := j.status != Finished || j.signal != 0
	stuck := k.still
	if k.during.Phase == applying.Applying {
		stuck = max(stuck, k.stuck)
	}
	return j.phase == finishing && soon && !k.told && stuck >= max(j.cfg.Grace, limits.StuckLeast)
}

// sayStuck says what p has been in for long. Of a mutator that does not end anywhere only the first to be stuck says it.
func (j *job) sayStuck(p *process) {
	if p.during.Phase == applying.Waiting {
		j.say("%v (pid %d) cannot apply mutations: one of its own getters, Views or Await conditions has held its copy for %v; 'kill -QUIT %d' prints where", p.Member, p.pid, p.stuck, os.Getpid())
		return
	}
	if seq, since := p.during.Sequence, p.stuck; seq != j.told.seq || since > j.told.since {
		j.told.seq, j.told.since = seq, since
		who, verb := j.in(seq)
		j.say("%s %s been applying %v for %v; 'kill -QUIT %d' prints where", who, verb, p.during, since, os.Getpid())
	}
}

// in names the processes that are applying the mutation at seq.
func (j *job) in(seq uint64) (who, verb string) {
	var ranks []int
	var names, services []string
	for _, p := range j.members() {
		if p.exit != nil || p.during.Phase != applying.Applying || p.during.Sequence != seq {
			continue
		}
		if p.Role == wire.RoleWorker {
			ranks = append(ranks, p.Rank)
		} else {
			services = append(services, fmt.Sprintf("%v (pid %d)", p.Member, p.pid))
		}
	}
	switch len(ranks) {
	case 0:
	case 1:
		names = append(names, fmt.Sprintf("rank %d (pid %d)", ranks[0], j.ranks[ranks[0]].pid))
	default:
		names = append(names, ranksText(ranks))
	}
	names = append(names, services...)
	verb = "has"
	if len(ranks) > 1 || len(names) > 1 {
		verb = "have"
	}
	return strings.Join(names, " and "), verb
}

// printStacks has all processes print where they are.
func (j *job) printStacks() {
	j.say("the processes of the program print where they are")
	for _, p := range j.members() {
		j.fleet.PrintStacks(p.incarnation)
	}
}

// afterExit takes note of what keeper, host or worker p was in when it ended, and reports whether that ends the job: it
// is the second process that ended in the middle of this mutation. Processes that were told to end, and workers
// that exited with 0 without having left, as their program may have them do at any moment, say nothing about it;
// keeper and host never do so by themselves.
func (j *job) afterExit(p *process, e fleet.Ended) {
	p.during, j.reached = e.During, max(j.reached, e.Reached)
	if p.during.Phase != applying.Applying {
		return
	}
	switch {
	case p.told || p.why != "":
		if p.stuck >= limits.Stuck {
			j.suspect(p.during).Endless = true
		}
	case p.Role == wire.RoleWorker && p.exit.OK():
	default:
		s := j.suspect(p.during)
		if s.Count++; s.Count >= statedir.SuspectAt && j.culprit == 0 {
			j.culprit = s.Sequence
			o := observed(p)
			o.joined = true // it applied, though the coordinator's word may come later
			o.text = fmt.Sprintf("%d processes ended while they were applying %v, the last of them %v", s.Count, p.during, o)
			o.what = deadly
			j.fail(o)
		}
	}
}

// suspect returns what is noted of a mutation, by this run and those before.
func (j *job) suspect(c applying.Call) *statedir.Suspect {
	for i := range j.suspects {
		if j.suspects[i].Sequence == c.Sequence {
			return &j.suspects[i]
		}
	}
	s := statedir.Suspect{Sequence: c.Sequence, Object: c.Object, Class: c.Class, Method: c.Method}
	if record, exists, err := statedir.Peek(j.stateDir); err == nil && exists { // unreadable: its owner says so
		for _, old := range record.Suspects {
			if old.Sequence == s.Sequence && old.Object == s.Object && old.Class == s.Class && old.Method == s.Method {
				s = old
			}
		}
	}
	j.suspects = append(j.suspects, s)
	return &j.suspects[len(j.suspects)-1]
}

// deadlyTo tells whether p ended in the middle of the mutation that ends the job: another in its place would, too.
func (j *job) deadlyTo(p *process) bool {
	return j.culprit != 0 && p.exit != nil && p.during.Phase == applying.Applying && p.during.Sequence == j.culprit
}

// finishUnsaved has the coordinator end the job without a last checkpoint, because no keeper can write one.
func (j *job) finishUnsaved() {
	j.unsavable = true
	if j.control != nil {
		_ = j.control.FinishUnsaved(string(j.status)) // a broken connection shows as lost news
	}
}

// noteSuspects writes into the job's record what this run has learned about mutations, once nobody else owns it.
func (j *job) noteSuspects() error {
	if j.status == Refused && len(j.suspects) == 0 {
		return nil
	}
	record, exists, err := statedir.Peek(j.stateDir)
	if err != nil || !exists || len(j.suspects) == 0 && len(newest(record.Suspects, j.checkpointed)) == len(record.Suspects) {
		return err
	}
	dir, err := statedir.Open(j.stateDir, statedir.Config{Job: j.cfg.Name})
	if err != nil {
		return err
	}
	defer dir.Close()
	record, _ = dir.Job()
	if record.Status == statedir.Running && j.status != Refused {
		record.Status = statedir.Status(j.status) // no coordinator was left to say so
	}
	for i := range j.suspects {
		j.suspects[i].Applied = j.suspects[i].Applied || j.reached >= j.suspects[i].Sequence
	}
	record.Suspects = newest(append(slices.Clone(record.Suspects), j.suspects...), j.checkpointed)
	return dir.PutJob(record)
}

// newest keeps, of those beyond the newest checkpoint, what was noted last of each, and of all the last limits.Suspects.
func newest(all []statedir.Suspect, checkpointed uint64) []statedir.Suspect {
	var kept []statedir.Suspect
	for i, s := range all {
		if s.Sequence > checkpointed && !slices.ContainsFunc(all[i+1:], func(later statedir.Suspect) bool { return later.Sequence == s.Sequence }) {
			kept = append(kept, s)
		}
	}
	return kept[max(0, len(kept)-limits.Suspects):]
}

// blamed returns the mutation that a resumed job would meet again, and end or hang in; nil when there is none.
func (j *job) blamed() *statedir.Suspect {
	for i := range j.suspects {
		if s := &j.suspects[i]; s.Noted() && s.Sequence > j.checkpointed {
			return s
		}
	}
	return nil
}
