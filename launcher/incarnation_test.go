package launcher

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dsss/comm/wire"
	"dsss/internal/launchenv"
	"dsss/launcher/fleet"
)

// twins is a running job whose processes all have the process id 7, as those of several nodes may: the keeper,
// incarnation 1, rank 0, incarnation 2, and rank 1, incarnation 4, in whose place incarnation 3 has ended.
func twins(t *testing.T) (j *job, said func() string) {
	t.Helper()
	j, said = stuckJob(t, 2)
	j.cfg.OnFailure = Respawn
	old := &process{Member: j.ranks[1].Member, incarnation: 3, pid: 7, exit: &fleet.Exit{Code: 1}, last: &ring{}}
	j.retire(old)
	for i, p := range []*process{j.keeper.process, j.ranks[0].process, old, j.ranks[1].process} {
		p.pid, p.incarnation, p.last = 7, uint64(i+1), &ring{}
		p.last.add(fmt.Appendf(nil, "incarnation %d", p.incarnation))
	}
	return j, said
}

// What is said of an earlier incarnation, or of a process that was not started here, changes nothing, whatever
// process id it had; what is said of the one that runs counts.
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
	for _, p := range []*process{j.keeper.process, j.ranks[0].process, j.ranks[1].process, j.past[0]} {
		if p.joined || p.why != "" {
			t.Errorf("incarnation %d: joined %v, why %q", p.incarnation, p.joined, p.why)
		}
	}
	if len(j.seen) > 0 || j.phase != joining {
		t.Errorf("phase %d, seen %v", j.phase, j.seen)
	}
	j.phase = running
	for i, p := range []*process{j.ranks[1].process, j.keeper.process, j.ranks[0].process} {
		e := &wire.EventT{What: wire.HappeningJoined, Role: p.Role, Rank: int32(p.Number()), Pid: 7, Incarnation: p.incarnation}
		if j.onEvent(e); !p.joined {
			t.Errorf("%v has not joined", p.Member)
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
		p.exit = &fleet.Exit{Code: 1}
		if c := j.causeOf(observed(p)); len(c.Stderr) != 1 || c.Stderr[0] != fmt.Sprintf("incarnation %d", p.incarnation) {
			t.Errorf("incarnation %d: %q", p.incarnation, c.Stderr)
		}
	}
}

// Every start has a number of its own, whatever comes of it and however many coordinators take over, and finds it
// in its environment.
func TestIncarnationsAreNeverUsedTwice(t *testing.T) {
	j, said := stuckJob(t, 0)
	f := newStubFleet()
	j.fleet, j.keeper, j.incarnations = f, newKeeper(), 0
	j.takeovers, j.cfg.Program = serviceBudget(), []string{"program"}
	end := func(p *process) {
		j.onExit(fleet.Ended{Incarnation: p.incarnation, Exit: fleet.Exit{Code: -1, Signal: syscall.SIGKILL}})
	}
	if err := j.startCoordinator(); err != nil {
		t.Fatal(err)
	}
	j.startKeeper()
	j.phase = running
	for n := range 2 {
		if err := j.startRank(n); err != nil {
			t.Fatal(err)
		}
	}
	j.lost = errNotReady // so that the coordinator's exit is all that is left to come
	end(j.coordinator)
	f.broken = true
	if err := j.startRank(2); err == nil {
		t.Error("a broken fleet started a process")
	}
	f.broken = false
	j.ranks[1].exit = &fleet.Exit{Code: 1}
	j.restart(&j.ranks[1].process)
	if err := j.startRank(2); err != nil {
		t.Error(err)
	}
	j.link.close()
	j.unpublish()
	said()
	var roles []string
	for i, s := range f.started {
		roles = append(roles, s.Member.String())
		if s.incarnation != uint64(i+1) {
			t.Errorf("start %d is incarnation %d", i+1, s.incarnation)
		}
		if has := slices.Contains(s.Env, fmt.Sprintf("%s=%d", launchenv.VarIncarnation, s.incarnation)); has != (s.Role != wire.RoleControl) {
			t.Errorf("%v, incarnation %d, has %q", s.Member, s.incarnation, s.Env)
		}
	}
	if want := "[the coordinator the keeper rank 0 rank 1 the coordinator rank 2 rank 1 rank 2]"; fmt.Sprint(roles) != want {
		t.Errorf("started %v, want %s", roles, want)
	}
}

// The first word that a hosted object is used starts a host, and only that. It is among those that a coordinator that takes
// over hears of. At the end, one that has not joined is not waited for.
func TestHostIsStartedOnce(t *testing.T) {
	j, said := stuckJob(t, 2)
	defer said()
	f := j.fleet.(*stubFleet)
	f.broken = true
	wanted := &wire.EventT{What: wire.HappeningHosted, Role: wire.RoleHost, Rank: -2}
	j.onEvent(wanted)
	if len(j.seen) != 1 || j.seen[0].String() != "the host could not be started: broken" || j.status != Failed {
		t.Errorf("seen %v, %s", j.seen, j.status)
	}
	f.broken, f.started, j.phase = false, nil, running
	j.onEvent(wanted)
	j.onEvent(wanted)
	if len(f.started) != 1 || f.started[0].Member != fleet.Host || !slices.Contains(f.started[0].Env, launchenv.VarRank+"=-2") {
		t.Fatalf("started %v", f.started)
	}
	j.onEvent(&wire.EventT{What: wire.HappeningJoined, Role: wire.RoleHost, Rank: -2, Incarnation: j.host.incarnation})
	j.expected = []*process{j.host.process}
	if got, want := fmt.Sprint(j.takeoverArgs()), fmt.Sprintf("[--takeover --expect=-2 --least=-1:1,-2:%d,0:2,1:3]", j.host.incarnation); got != want || !j.host.joined {
		t.Errorf("%s, want %s; joined: %v", got, want, j.host.joined)
	}
	j.keeper.joined, j.host.joined, j.finished, f.told = true, false, wanted, nil
	if j.leave(); fmt.Sprint(f.told) != fmt.Sprintf("[%d killed]", j.host.incarnation) {
		t.Errorf("at the end, told %v", f.told)
	}
}

// Of two processes with one process id the one that is meant gets the signal, and the end of one is not that of the
// other.
func TestTwinsAreToldApart(t *testing.T) {
	j, said := twins(t)
	for _, p := range j.all() {
		j.live[p.incarnation] = p
	}
	j.cfg.Grace = time.Hour
	j.onEvent(&wire.EventT{What: wire.HappeningDiverged, Role: wire.RoleWorker, Rank: 1, Pid: 7, Incarnation: 4, Text: "rank 1 has diverged"})
	j.onShrink(0)
	if told := fmt.Sprint(j.fleet.(*stubFleet).told); told != "[4 killed 2 terminated]" {
		t.Errorf("told %s", told)
	}
	j.onExit(fleet.Ended{Incarnation: 3}) // it was taken already
	j.onExit(fleet.Ended{Incarnation: 2})
	if j.ranks[0].exit == nil || j.ranks[0].fate != left || j.ranks[1].exit != nil || j.keeper.exit != nil || len(j.live) != 2 {
		t.Errorf("rank 0: %v, rank 1: %v, %d live", j.ranks[0].exit, j.ranks[1].exit, len(j.live))
	}
	j.unpublish()
	said()
}
