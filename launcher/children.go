package launcher

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
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

// children are the processes that the launcher started and those that it inherited from them. There is one in a
// process at a time: it takes every descendant for its own.
type children struct {
	exits chan ended // each process once, until close
	quit  chan struct{}

	spawn    chan func() // run on the locked thread
	lifeline *os.File    // read end, for children
	held     *os.File    // write end: only this process has it
	guard    *guard
	mark     string // in the environment of all of them

	mu   sync.Mutex // orders start, reaping and signals, so that no signal meets a reused process id
	live map[int]*process
}

// An ended process and how it ended.
type ended struct {
	*process
	exit exit
}

// newChildren prepares to start processes, and starts the guard. The caller calls sweep and then close.
func newChildren(guardCommand []string) (*children, error) {
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
	c := &children{exits: make(chan ended), quit: make(chan struct{}), spawn: make(chan func()), lifeline: r, held: w, guard: g, mark: mark, live: map[int]*process{}}
	go func() {
		// The parent-death signal comes when the thread that forked ends, so one thread forks and stays.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for f := range c.spawn {
			f()
		}
	}()
	return c, nil
}

// start starts one process in a process group of its own, which dies with this process.
func (c *children) start(s spec) (*process, error) {
	p := &process{member: s.member, incarnation: s.incarnation, cmd: &exec.Cmd{
		Args: s.args, Env: append(s.env, launchenv.VarMark+"="+c.mark), ExtraFiles: s.extra,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}}
	if s.err != nil {
		p.last = &ring{}
		s.err.last, p.show = p.last, s.err.show
		if s.onHold {
			p.hold = &hold{}
			s.err.hold = p.hold
		}
	}
	for _, a := range []struct {
		f  *feed
		to *io.Writer
	}{{s.out, &p.cmd.Stdout}, {s.err, &p.cmd.Stderr}} {
		if a.f == nil {
			continue
		}
		w, err := p.attach(a.f)
		if err != nil {
			return nil, err
		}
		defer w.Close()
		*a.to = w
	}
	started := make(chan error, 1)
	c.spawn <- func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		err := s.build.Start(func(path string) error {
			p.cmd.Path = path
			return p.cmd.Start()
		})
		if err == nil {
			p.pid = p.cmd.Process.Pid
			c.live[p.pid] = p
			c.guard.tell('+', p.pid)
		}
		started <- err
	}
	if err := <-started; err != nil {
		return nil, err
	}
	go c.wait(p)
	return p, nil
}

// wait waits for the end of p and kills what is left of its group before it reaps it: until then no other process can
// have its id.
func (c *children) wait(p *process) {
	for {
		err := unix.Waitid(unix.P_PID, p.pid, &unix.Siginfo{}, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	c.mu.Lock()
	p.rlimits = machine.LimitsOf(p.pid)
	_ = syscall.Kill(-p.pid, syscall.SIGKILL) // nobody left is what we hope for
	_ = p.cmd.Wait()                          // its error is the exit code, which the state has too
	p.gone = true
	delete(c.live, p.pid)
	c.guard.tell('-', p.pid)
	c.mu.Unlock()
	select {
	case c.exits <- ended{p, exitOf(p.cmd.ProcessState)}:
	case <-c.quit: // nobody asks any more
	}
}

// signal sends sig to p and what it started in its process group.
func (c *children) signal(p *process, sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !p.gone {
		_ = syscall.Kill(-p.pid, sig) // there is nobody else to tell
	}
}

// reapAdopted collects inherited processes that have ended.
func (c *children) reapAdopted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range machine.Processes() {
		if s.Parent == os.Getpid() && s.Zombie && c.live[s.PID] == nil && s.PID != c.guard.pid() {
			_, _ = syscall.Wait4(s.PID, nil, syscall.WNOHANG, nil)
		}
	}
}

// sweep kills every descendant that is left, once all started processes have ended, and returns the ids of those that
// would not die within limits.KillWait.
func (c *children) sweep() []int {
	deadline := time.Now().Add(limits.KillWait)
	pause := time.NewTicker(2 * time.Millisecond)
	defer pause.Stop()
	for {
		c.reapAdopted()
		left := slices.DeleteFunc(descendants(os.Getpid(), machine.Processes()), func(pid int) bool { return pid == c.guard.pid() })
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL) // gone already: all the better
		}
		<-pause.C
	}
}

// lifelineVar is the lifeline's variable for a child that has it as descriptor fd.
func (c *children) lifelineVar(fd int) (string, error) { return launchenv.LifelineVar(fd, c.lifeline) }

// close lets go of the lifeline and of the guard.
func (c *children) close() {
	close(c.quit)
	close(c.spawn)
	c.held.Close()
	c.lifeline.Close()
	c.guard.close()
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
