package chaos

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// limit is how long a job may take to be well again after a fault: more than any fault lasts, and than a coordinator
// waits for those who are stopped.
const limit = 60 * time.Second

// look is how often we look whether something has come true.
const look = 10 * time.Millisecond

// A run is one launcher and what is done to it. It is for one goroutine.
type run struct {
	job    *job
	plan   RunPlan
	number uint64 // as Job.Run says
	cmd    *exec.Cmd
	errs   *output
	exited chan struct{} // closed when the launcher has ended

	undo     sync.WaitGroup // faults that last
	cancel   chan struct{}  // ends them early
	injected []injection
	ended    int64  // when the run was ended from outside; 0: it was not
	last     []proc // those that lived then: one that is being killed cannot be found any more
	safe     uint64 // sequence number of the last checkpoint that was reported before that
}

// An injection is a fault that was injected.
type injection struct {
	Fault
	at int64
}

// output is what a process says, while it runs.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// start starts the launcher.
func (j *job) start(number uint64, plan RunPlan) (*run, error) {
	r := &run{job: j, plan: plan, number: number, errs: &output{}, exited: make(chan struct{}), cancel: make(chan struct{})}
	args := []string{"run", "-n", strconv.Itoa(plan.Workers), "--name", "chaos", "--state-dir", j.stateDir,
		"--durability", j.plan.Durability, "--on-failure", "respawn", "--control-silence", silence.String(),
		"--checkpoint-every", "2s", "--verbose", "--output", "plain"}
	if number > 1 {
		args = append(args, "--resume")
	}
	r.cmd = exec.Command(j.cfg.Command, append(append(args, "--"), j.cfg.Program...)...)
	r.cmd.Env = j.env
	r.cmd.Stdout, r.cmd.Stderr = r.errs, r.errs
	// Its descendants hold the pipes of its output, and may be slow to end when it is killed.
	r.cmd.WaitDelay = limit
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(r.exited)
		_ = r.cmd.Wait() // ProcessState tells
	}()
	return r, nil
}

// failf is an error with what the launcher said.
func (r *run) failf(format string, args ...any) error {
	said := r.errs.String()
	const most = 8 << 10
	if len(said) > most {
		said = "[...]" + said[len(said)-most:]
	}
	return fmt.Errorf("run %d (%d workers): %s; it said:\n%s", r.number, r.plan.Workers, fmt.Sprintf(format, args...), said)
}

// until waits until ready, or the launcher has ended.
func (r *run) until(what string, ready func() (bool, error)) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	late := time.After(limit)
	for {
		ok, err := ready()
		if err != nil {
			return r.failf("%s: %v", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-tick.C:
		case <-r.exited:
			return r.failf("the launcher ended (%v) while we waited for %s", r.cmd.ProcessState, what)
		case <-late:
			return r.failf("waited for %s for %v", what, limit)
		}
	}
}

// well waits until every worker that the launcher counts on has been acknowledged what it asked for from now on.
func (r *run) well() error {
	since := now()
	var missing []int
	err := r.until("every worker to be acknowledged", func() (bool, error) {
		if err := r.job.watch.look(); err != nil {
			return false, err
		}
		ranks, err := ranksOf(r.job.stateDir)
		if err != nil || len(ranks) == 0 {
			return false, nil // it is written when there are workers
		}
		missing = slices.DeleteFunc(ranks, func(rank int) bool { return r.job.watch.well(r.number, rank) > since })
		return len(missing) == 0, nil
	})
	if err != nil {
		return fmt.Errorf("%w\nranks %v are not acknowledged; after %v", err, missing, r.lastFaults())
	}
	return nil
}

func (r *run) lastFaults() string {
	var b strings.Builder
	for _, f := range r.injected[max(0, len(r.injected)-4):] {
		fmt.Fprintf(&b, "%s (%v) %.3f s ago; ", f.Name(), f.For, float64(now()-f.at)/1e9)
	}
	return b.String()
}

// find waits for a process of the role.
func (r *run) find(role Role, nth int) (pid, rank int, err error) {
	if role == Launcher {
		return r.cmd.Process.Pid, -1, nil
	}
	err = r.until("the "+string(role), func() (bool, error) {
		all, err := procsOf(r.job.dir)
		if err != nil {
			return false, err
		}
		all = slices.DeleteFunc(all, func(p proc) bool {
			return p.role != role || p.parent != r.cmd.Process.Pid
		})
		if len(all) == 0 {
			return false, nil
		}
		slices.SortFunc(all, func(a, b proc) int { return a.rank - b.rank })
		pid, rank = all[nth%len(all)].pid, all[nth%len(all)].rank
		return true, nil
	})
	return pid, rank, err
}

// live injects the faults of the plan.
func (r *run) live() error {
	for _, f := range r.plan.Faults {
		if !f.Overlap {
			r.undo.Wait()
			if err := r.well(); err != nil {
				return err
			}
		}
		r.pause(f.After)
		if err := r.inject(f); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	r.undo.Wait()
	return r.well()
}

var checkpointed = regexp.MustCompile(`(?m)^dsss: checkpoint at sequence number (\d+)`)

// stop ends the run as the plan says, without letting it finish.
func (r *run) stop() error {
	end := r.plan.End
	r.pause(end.After) // the disk may be full before we fill it
	if m := checkpointed.FindAllStringSubmatch(r.errs.String(), -1); len(m) > 0 {
		r.safe, _ = strconv.ParseUint(m[len(m)-1][1], 10, 64) // it is digits
	}
	var err error
	if r.last, err = procsOf(r.job.dir); err != nil {
		return err
	}
	r.ended = now()
	r.injected = append(r.injected, injection{end, r.ended})
	switch end.Kind {
	case Kill:
		err = r.cmd.Process.Kill()
	case Interrupt:
		err = r.cmd.Process.Signal(syscall.SIGINT)
	case Fill:
		err = r.job.disk.Fill(0)
	}
	if err != nil {
		return err
	}
	if err := r.wait(); err != nil {
		return err
	}
	return r.checkEnd()
}

// full tells whether the run has ended already because its disk, which began almost full, is.
func (r *run) full() bool {
	select {
	case <-r.exited:
		return r.plan.End.Kind == Fill && strings.Contains(r.errs.String(), noSpace)
	default:
		return false
	}
}

const noSpace = "no space left; free some and go on with --resume"

// wait waits for the launcher's end, and for that of all others.
func (r *run) wait() error {
	select {
	case <-r.exited:
	case <-time.After(2 * limit):
		return r.failf("the launcher has not ended")
	}
	for late := time.After(limit); ; {
		more, err := procsOf(r.job.dir)
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(append(more, r.last...), proc.gone)
		if len(left) == 0 {
			return r.job.watch.look()
		}
		select {
		case <-late:
			return r.failf("left behind: %+v", left)
		case <-time.After(look):
		}
	}
}

// checkEnd holds the launcher to what it says about an end like this.
func (r *run) checkEnd() error {
	code, said := r.cmd.ProcessState.ExitCode(), r.errs.String()
	switch end := r.plan.End.Kind; {
	case end == Interrupt && (code != 130 || !strings.Contains(said, "dsss: job chaos interrupted: signal 2")):
		return r.failf("interrupted, it ended with exit code %d", code)
	case end == Fill && (code != 1 || !strings.Contains(said, noSpace)):
		return r.failf("its disk full, it ended with exit code %d", code)
	}
	return nil
}

// finish lets the run end by itself and returns the states that its workers have written.
func (r *run) finish() (states map[string]string, err error) {
	if err := r.job.phase(phaseQuiet); err != nil {
		return nil, err
	}
	var ranks []int
	err = r.until("the workers to be quiet", func() (bool, error) {
		var err error
		if ranks, err = ranksOf(r.job.stateDir); err != nil {
			return false, err
		}
		return r.job.watch.count(r.number, quiet) >= len(ranks), r.job.watch.look()
	})
	if err != nil {
		return nil, err
	}
	return r.tell(len(ranks))
}

// tell has the workers write their states down and ends the run.
func (r *run) tell(workers int) (states map[string]string, err error) {
	if err := r.job.phase(phaseEnd); err != nil {
		return nil, err
	}
	if err := r.wait(); err != nil {
		return nil, err
	}
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		return nil, r.failf("it ended with exit code %d", code)
	}
	states = map[string]string{}
	for _, l := range r.job.watch.logs {
		if l.run != r.number || l.last != stated {
			continue
		}
		b, err := os.ReadFile(l.name + stateSuffix)
		if err != nil {
			return nil, err
		}
		states[filepath.Base(l.name)] = string(b)
	}
	if len(states) != workers {
		return nil, r.failf("%d of %d workers have said what their state is", len(states), workers)
	}
	return states, nil
}
