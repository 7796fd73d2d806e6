package launcher

import (
	"fmt"
	"strings"
	"testing"

	"dsss/comm/wire"
)

// twins is a running job whose processes all have the process id 7, as those of several nodes may: the keeper, incarnation 1,
// rank 0, incarnation 2, and rank 1, incarnation 4, in whose place incarnation 3 has ended.
func twins(t *testing.T) (j *job, said func() string) {
	t.Helper()
	j, said = stuckJob(t, 2)
	j.cfg.OnFailure, j.socket = Respawn, &socket{}
	old := &process{member: j.ranks[1].member, incarnation: 3, pid: 7, exit: &exit{code: 1}, last: &ring{}}
	j.retire(old)
	for i, p := range []*process{j.keeper, j.ranks[0].process, old, j.ranks[1].process} {
		p.pid, p.incarnation, p.last = 7, uint64(i+1), &ring{}
		p.last.add(fmt.Appendf(nil, "incarnation %d", p.incarnation))
	}
	return j, said
}

// What is said of an earlier incarnation, or of a process that was not started here, changes nothing, whatever process id it
// had; what is said of the one that runs counts.
func TestStaleEventsChangeNothing(t *testing.T) {
	j, said := twins(t)
	for _, incarnation := range []uint64{0, 1, 2, 3, 5} {
		for _, what := range []wire.Happening{wire.HappeningJoined, wire.HappeningProgressed, wire.HappeningDiverged} {
			j.onEvent(&wire.EventT{What: what, Role: wire.RoleWorker, Rank: 1, Pid: 7, Incarnation: incarnation, Text: "rank 1 has diverged"})
		}
	}
	for _, e := range []*wire.EventT{
		{Role: wire.RoleWorker, Rank: 2, Incarnation: 4}, {Role: wire.RoleWorker, Rank: -1, Incarnation: 1},
		{Role: wire.RoleKeeper, Rank: -1, Incarnation: 4}, {Role: wire.RoleOperator, Rank: 1, Incarnation: 4},
	} {
		e.What, e.Pid = wire.HappeningJoined, 7
		j.onEvent(e)
	}
	j.phase = joining // only the keeper's own refusal is the end then
	j.onEvent(&wire.EventT{What: wire.HappeningRefused, Role: wire.RoleKeeper, Rank: -1, Pid: 7, Incarnation: 4, Text: "no"})
	for _, p := range []*process{j.keeper, j.ranks[0].process, j.ranks[1].process, j.past[0]} {
		if p.joined || p.why != "" {
			t.Errorf("incarnation %d: joined %v, why %q", p.incarnation, p.joined, p.why)
		}
	}
	if len(j.seen) > 0 || j.phase != joining {
		t.Errorf("phase %d, seen %v", j.phase, j.seen)
	}
	j.phase = running
	for i, p := range []*process{j.ranks[1].process, j.keeper, j.ranks[0].process} {
		e := &wire.EventT{What: wire.HappeningJoined, Role: p.role, Rank: int32(p.number()), Pid: 7, Incarnation: p.incarnation}
		if j.onEvent(e); !p.joined {
			t.Errorf("%v has not joined", p.member)
		}
		if joined := j.ranks[0].joined; joined != (i == 2) {
			t.Errorf("rank 0 has joined: %v", joined)
		}
	}
	j.unpublish()
	if out := said(); strings.Contains(out, "progress") {
		t.Errorf("said %q", out)
	}
}

// The last words that are reported are those of the process that ended.
func TestCauseOfTwins(t *testing.T) {
	j, said := twins(t)
	defer said()
	for _, p := range append(j.all(), j.past...) {
		p.exit = &exit{code: 1}
		if c := j.causeOf(observed(p)); len(c.Stderr) != 1 || c.Stderr[0] != fmt.Sprintf("incarnation %d", p.incarnation) {
			t.Errorf("incarnation %d: %q", p.incarnation, c.Stderr)
		}
	}
}
