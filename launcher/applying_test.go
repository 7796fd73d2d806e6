package launcher

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"dsss/checkpoint/statedir"
	"dsss/internal/applying"
	"dsss/launcher/fleet"
)

// stuckJob is a running job of n workers and a keeper, none of which are processes, that says what it does in said.
func stuckJob(t *testing.T, n int) (j *job, said func() string) {
	t.Helper()
	var errs bytes.Buffer
	j = &job{fleet: newStubFleet(), live: map[uint64]*process{}, cfg: Config{Stdout: io.Discard, Stderr: &errs, StateDir: "d.dsss", Grace: 5 * time.Second}, stateDir: t.TempDir(), phase: running,
		keeper: newKeeper(), host: newHost()}
	var err error
	if j.out, err = openOutputs(&j.cfg); err != nil {
		t.Fatal(err)
	}
	j.keeper.process = &process{Member: fleet.Keeper, incarnation: j.incarnation(), pid: 900}
	for i := range n {
		j.ranks = append(j.ranks, &rank{process: &process{Member: fleet.Worker(i), incarnation: j.incarnation(), pid: 1000 + i}})
	}
	return j, func() string {
		j.out.close(nil)
		return errs.String()
	}
}

func (j *job) looks(n int) {
	for range n {
		j.onLook()
	}
}

// shows has p show that it is in a phase of the mutation at seq.
func (j *job) shows(p *process, phase applying.Phase, seq uint64) {
	j.fleet.(*stubFleet).applying[p.incarnation] = in(phase, seq)
}

func in(phase applying.Phase, seq uint64) applying.Call {
	c := applying.Call{Phase: phase, Sequence: seq}
	if phase == applying.Applying {
		c.Object, c.Class, c.Method = "pool", "main.Pool", "Take"
	}
	return c
}

// What does not end is said after 10 s and at doubling intervals: once, however many are in it.
func TestSaysWhatDoesNotEnd(t *testing.T) {
	j, said := stuckJob(t, 4)
	j.shows(j.ranks[2].process, applying.Applying, 17)
	j.looks(3)
	j.shows(j.ranks[1].process, applying.Applying, 17)
	j.shows(j.keeper.process, applying.Applying, 17)
	j.looks(8) // rank 2 has been in it for 10 s
	j.shows(j.ranks[2].process, applying.Idle, 0)
	j.looks(3) // the others too
	j.shows(j.ranks[0].process, applying.Waiting, 18)
	j.looks(10)
	quit := fmt.Sprintf("; 'kill -QUIT %d' prints where\n", os.Getpid())
	want := `dsss: ranks 1, 2 and the keeper (pid 900) have been applying main.Pool.Take on object "pool" (sequence number 17) for 10s` + quit +
		`dsss: rank 1 (pid 1001) and the keeper (pid 900) have been applying main.Pool.Take on object "pool" (sequence number 17) for 20s` + quit
	j.looks(1)
	want += `dsss: rank 0 (pid 1000) cannot apply mutations: one of its own getters, Views or Await conditions has held its copy for 10s` + quit
	if got := said(); got != want {
		t.Errorf("said\n%swant\n%s", got, want)
	}
}

// Which ends of processes speak against the mutation that they were applying.
func TestAfterExit(t *testing.T) {
	type end struct {
		who  int // -1 is the keeper, -2 the host
		seq  uint64
		code int
		told bool
	}
	for name, c := range map[string]struct {
		ends []end
		want uint64 // the mutation that ends the job
	}{
		"one":                   {[]end{{0, 7, 1, false}}, 0},
		"two":                   {[]end{{0, 7, 1, false}, {1, 7, 1, false}}, 7},
		"keeper twice":          {[]end{{-1, 7, 0, false}, {-1, 7, 0, false}}, 7},
		"keeper and host":       {[]end{{-1, 7, 0, false}, {-2, 7, 0, false}}, 7},
		"two mutations":         {[]end{{0, 7, 1, false}, {1, 8, 1, false}}, 0},
		"told to":               {[]end{{0, 7, 1, false}, {1, 7, -1, true}, {2, 7, -1, true}}, 0},
		"workers that are done": {[]end{{0, 7, 0, false}, {1, 7, 0, false}}, 0},
		"idle":                  {[]end{{0, 0, 1, false}, {1, 0, 1, false}}, 0},
		"not in a row":          {[]end{{0, 7, 1, false}, {1, 9, 1, false}, {-1, 7, 1, false}}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			j, said := stuckJob(t, 3)
			j.phase = leaving // what follows is not the subject
			for _, e := range c.ends {
				p := j.keeper.process
				switch {
				case e.who >= 0:
					p = j.ranks[e.who].process
				case e.who == -2:
					p = &process{Member: fleet.Host}
				}
				ended := fleet.Ended{Exit: fleet.Exit{Code: e.code}}
				if p.told = e.told; e.seq > 0 {
					ended.During = in(applying.Applying, e.seq)
				}
				p.exit = &ended.Exit
				j.afterExit(p, ended)
			}
			if j.culprit != c.want {
				t.Errorf("the culprit is %d, want %d", j.culprit, c.want)
			}
			if c.want != 0 && (len(j.seen) != 1 || !strings.Contains(j.seen[0].String(), `2 processes ended while they were applying main.Pool.Take on object "pool" (sequence number 7), the last of them `)) {
				t.Errorf("seen %v", j.seen)
			}
			said()
		})
	}
}

// What is noted lasts from run to run, until a checkpoint lies behind it.
func TestNotesSuspects(t *testing.T) {
	j, said := stuckJob(t, 2)
	j.status = Failed
	defer said()
	dir, err := statedir.Open(j.stateDir, statedir.Config{})
	if err == nil {
		err = dir.PutJob(statedir.Job{Name: "job", Status: statedir.Running, Suspects: []statedir.Suspect{
			{Sequence: 3, Object: "pool", Class: "main.Pool", Method: "Take", Count: 1},
			{Sequence: 7, Object: "pool", Class: "main.Pool", Method: "Take", Count: 1},
			{Sequence: 8, Object: "another", Class: "main.Pool", Method: "Take", Count: 1}}})
	}
	if err == nil {
		err = dir.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	j.phase, j.checkpointed = leaving, 5
	for rank, seq := range []uint64{7, 8} {
		j.ranks[rank].exit = &fleet.Exit{Code: 1}
		j.afterExit(j.ranks[rank].process, fleet.Ended{During: in(applying.Applying, seq), Reached: seq - 1})
	}
	if err := j.noteSuspects(); err != nil || j.culprit != 7 {
		t.Fatalf("culprit %d, %v", j.culprit, err)
	}
	job, _, err := statedir.Peek(j.stateDir)
	want := []statedir.Suspect{
		{Sequence: 7, Object: "pool", Class: "main.Pool", Method: "Take", Count: 2, Applied: true}, // by rank 1
		{Sequence: 8, Object: "pool", Class: "main.Pool", Method: "Take", Count: 1},
	}
	if fmt.Sprint(job.Suspects) != fmt.Sprint(want) || job.Suspects[0].Applied != true || job.Suspects[1].Applied || job.Status != statedir.Failed || err != nil {
		t.Errorf("noted %+v, status %s, %v", job.Suspects, job.Status, err)
	}
	if r := mutationOf(j.blamed()); r == nil || *r != (Mutation{Sequence: 7, Object: "pool", Class: "main.Pool", Method: "Take", Processes: 2, Applied: true}) {
		t.Errorf("reported %+v", r)
	}
}

// A keeper that somebody has stopped is said to be, and does not hold up the end of a job that is to end soon for longer than
// --grace.
func TestStoppedKeeper(t *testing.T) {
	for _, soon := range []bool{true, false} {
		j, said := stuckJob(t, 1)
		j.status, j.phase = Finished, finishing
		if soon {
			j.status = Interrupted
		}
		j.looks(3)
		if j.keeper.still != 0 {
			t.Error("it is not stopped")
		}
		j.fleet.(*stubFleet).stopped[j.keeper.incarnation] = true
		for range 4 {
			j.onLook()
			if j.unsavable {
				t.Fatalf("given up after %v of %v", j.keeper.still, j.cfg.Grace)
			}
		}
		j.looks(12)
		want := fmt.Sprintf("the keeper (pid %d) has been stopped for 10s, by a signal or a debugger; checkpoints wait until 'kill -CONT", j.keeper.pid)
		if soon {
			want = fmt.Sprintf("the keeper (pid %d) has been stopped for 5s: the job ends without a last checkpoint", j.keeper.pid)
		}
		if text := said(); j.unsavable != soon || strings.Count(text, want) != 1 {
			t.Errorf("soon %v: given up %v, said %q", soon, j.unsavable, text)
		}
	}
}
