package fleet

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"dsss/internal/launchenv"
	"dsss/internal/limits"
	"dsss/internal/machine"
)

// ties bind to this process all that it starts, and what those start: the one place that knows how nothing outlives
// it (see the package comment). A process has ties once at a time: they take every descendant of it for their own.
type ties struct {
	lifeline *os.File // read end, for children
	held     *os.File // write end: only this process has it
	guard    *guard
	mark     string // in the environment of all of them

	forks chan func()    // run on the locked thread
	quit  chan struct{}  // ends the goroutines
	wg    sync.WaitGroup // of them

	mu   sync.Mutex // orders start, reaping and signals, so that no signal meets a reused process id
	live map[*exec.Cmd]bool
}

// newTies starts the guard. The caller calls sweep and then cut.
func newTies(guardCommand []string) (*ties, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making the lifeline: %w", err)
	}
	// An old kernel without it loses only the sweep of processes that left their group.
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	mark := rand.Text()
	g, err := startGuard(guardCommand, mark)
	if err != nil {
		r.Close()
		w.Close()
		return nil, err
	}
	t := &ties{lifeline: r, held: w, guard: g, mark: mark, forks: make(chan func()), quit: make(chan struct{}), live: map[*exec.Cmd]bool{}}
	t.wg.Go(func() {
		// The parent-death signal comes when the thread that forked ends, so one thread forks and stays.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for f := range t.forks {
			f()
		}
	})
	t.wg.Go(t.collect)
	return t, nil
}

// vars are the variables of a child that has the lifeline as descriptor fd.
func (t *ties) vars(fd int) ([]string, error) {
	v, err := launchenv.LifelineVar(fd, t.lifeline)
	return []string{v, launchenv.VarMark + "=" + t.mark}, err
}

// start has start start cmd, in a process group of its own.
func (t *ties) start(cmd *exec.Cmd, start func() error) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	t.forks <- func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		err := start()
		if err == nil {
			t.live[cmd] = true
			t.guard.tell('+', cmd.Process.Pid)
		}
		started <- err
	}
	return <-started
}

// wait waits for the end of a child and returns the limits that it had. It kills what is left of its group before
// it reaps it: until then no other process can have its id.
func (t *ties) wait(cmd *exec.Cmd) machine.Limits {
	pid := cmd.Process.Pid
	for {
		err := unix.Waitid(unix.P_PID, pid, &unix.Siginfo{}, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	had := machine.LimitsOf(pid)
	_ = syscall.Kill(-pid, syscall.SIGKILL) // nobody left is what we hope for
	_ = cmd.Wait()                          // its error is the exit code, which the state has too
	delete(t.live, cmd)
	t.guard.tell('-', pid)
	return had
}

// signal sends sig to a child and what it started in its process group.
func (t *ties) signal(cmd *exec.Cmd, sig syscall.Signal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live[cmd] {
		_ = syscall.Kill(-cmd.Process.Pid, sig) // there is nobody else to tell
	}
}

// stopped tells whether a child is stopped, by a signal or a debugger.
func (t *ties) stopped(cmd *exec.Cmd) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, _ := machine.Find(cmd.Process.Pid)
	return t.live[cmd] && p.Stopped
}

// collect reaps inherited processes now and then.
func (t *ties) collect() {
	every := time.NewTicker(limits.AdoptedEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			t.reap()
		case <-t.quit:
			return
		}
	}
}

// reap collects inherited processes that have ended, and returns the ids of all other descendants but the guard.
// more says that some were collected, whose own children may have been listed before they became ours.
func (t *ties) reap() (left []int, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ours := map[int]bool{t.guard.pid(): true}
	for cmd := range t.live {
		ours[cmd.Process.Pid] = true // wait reaps it
	}
	all, reaped := machine.Processes(), map[int]bool{t.guard.pid(): true}
	for _, p := range all {
		if p.Parent == os.Getpid() && p.Zombie && !ours[p.PID] {
			_, _ = syscall.Wait4(p.PID, nil, syscall.WNOHANG, nil)
			reaped[p.PID], more = true, true
		}
	}
	return slices.DeleteFunc(descendants(os.Getpid(), all), func(pid int) bool { return reaped[pid] }), more
}

// sweep kills every descendant that is left, and returns the ids of those that would not die within limits.KillWait.
func (t *ties) sweep() []int {
	deadline := time.Now().Add(limits.KillWait)
	pause := time.NewTicker(2 * time.Millisecond)
	defer pause.Stop()
	for {
		left, more := t.reap()
		if len(left) == 0 && !more || time.Now().After(deadline) {
			return left
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL) // gone already: all the better
		}
		<-pause.C
	}
}

// cut lets go of the lifeline and of the guard.
func (t *ties) cut() {
	close(t.quit)
	close(t.forks)
	t.wg.Wait()
	t.held.Close()
	t.lifeline.Close()
	t.guard.close()
}

// descendants returns the ids of all below root.
func descendants(root int, all []machine.Process) []int {
	byParent := map[int][]int{}
	for _, s := range all {
		byParent[s.Parent] = append(byParent[s.Parent], s.PID)
	}
	var out []int
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		below := byParent[queue[0]]
		out, queue = append(out, below...), append(queue, below...)
	}
	return out
}
