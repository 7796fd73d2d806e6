package fleet

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"dsss/comm/wire"
	"dsss/internal/applying"
	"dsss/internal/build"
	"dsss/internal/limits"
	"dsss/internal/machine"
)

// LocalConfig says what a Local is made of.
type LocalConfig struct {
	// Program is what keeper, host and workers run, DSSS what coordinators run. They stay the caller's, who closes them
	// after the fleet. Required.
	Program, DSSS *build.File
	// Guard is the command that runs Guard. Required.
	Guard []string
	// Warn gets one line when this machine does not let the fleet keep all its promises, before NewLocal returns.
	// Nil: nobody.
	Warn func(line string)
}

// Local is the fleet of this machine. All descendants of this process are taken for its own, so a process has one
// at a time.
type Local struct {
	cfg    LocalConfig
	ties   *ties
	socket *socket
	table  *applying.Table
	ended  chan Ended
	quit   chan struct{}

	mu       sync.Mutex
	children map[uint64]*child     // that have not ended
	streams  map[uint64][]*os.File // our ends, until they were read to theirs
	closed   bool
}

var _ Fleet = (*Local)(nil)

// A child is one process that was started. It does not change.
type child struct {
	cmd  *exec.Cmd
	slot *applying.Slot // where it shows what it is applying; nil for a coordinator
}

// NewLocal prepares to start processes; the caller closes it.
func NewLocal(cfg LocalConfig) (*Local, error) {
	l := &Local{cfg: cfg, ended: make(chan Ended), quit: make(chan struct{}), children: map[uint64]*child{}, streams: map[uint64][]*os.File{}}
	var err error
	if l.socket, err = openSocket(); err != nil {
		return nil, err
	}
	if l.table, err = applying.NewTable(limits.Workers + 2); err != nil {
		l.socket.close()
		return nil, err
	}
	if l.ties, err = newTies(cfg.Guard); err != nil {
		l.socket.close()
		_ = l.table.Close() // nobody has it
		return nil, err
	}
	if !machine.OwnProc() && cfg.Warn != nil {
		cfg.Warn("/proc shows another process namespace than the one that this job is in: what leaves its process group cannot be found and may outlive the job; give the namespace its own (unshare --mount-proc)")
	}
	return l, nil
}

// Start implements Fleet. The process is bound to this one; see the package comment.
func (l *Local) Start(incarnation uint64, s Spec) (pid int, err error) {
	c := &child{cmd: &exec.Cmd{Args: s.Args, Env: append(os.Environ(), s.Env...)}}
	ends, err := l.attach(incarnation, s.Out, s.Err, s.Ready)
	for _, f := range ends {
		if f != nil {
			defer f.Close()
		}
	}
	if err != nil {
		return 0, err
	}
	if ends[0] != nil { // in an interface it would not be nil
		c.cmd.Stdout = ends[0]
	}
	if ends[1] != nil {
		c.cmd.Stderr = ends[1]
	}
	program, err := l.equip(c, s.Member, ends[2])
	if err != nil {
		return 0, err
	}
	err = l.ties.start(c.cmd, func() error {
		return program.Start(func(path string) error {
			c.cmd.Path = path
			return c.cmd.Start()
		})
	})
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	l.children[incarnation] = c
	l.mu.Unlock()
	go l.wait(incarnation, c) // until the process has ended and that is taken, or Close
	return c.cmd.Process.Pid, nil
}

// attach makes a pipe for each sink that is not nil and returns the process's ends, for the caller to close.
func (l *Local) attach(incarnation uint64, sinks ...Sink) (ends []*os.File, err error) {
	ends = make([]*os.File, len(sinks))
	for i, sink := range sinks {
		if sink == nil {
			continue
		}
		var r *os.File
		if err == nil {
			r, ends[i], err = os.Pipe()
		}
		if err != nil {
			sink.End()
			continue
		}
		l.mu.Lock()
		l.streams[incarnation] = append(l.streams[incarnation], r)
		l.mu.Unlock()
		go func() { // until the stream ends, which its sink learns
			pump(r, sink)
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.streams[incarnation] = slices.DeleteFunc(l.streams[incarnation], func(f *os.File) bool { return f == r }); len(l.streams[incarnation]) == 0 {
				delete(l.streams, incarnation)
			}
		}()
	}
	return ends, err
}

// equip gives c what its member gets besides the Spec, and returns the program that it runs.
func (l *Local) equip(c *child, m Member, ready *os.File) (*build.File, error) {
	const slotFD = 4
	program, lifelineFD := l.cfg.Program, 3
	if m.Role == wire.RoleControl {
		program, lifelineFD = l.cfg.DSSS, ReadyFD+1
		c.cmd.ExtraFiles = []*os.File{ready, l.ties.lifeline, l.socket.file}
	} else {
		c.cmd.ExtraFiles = []*os.File{l.ties.lifeline, l.table.File()}
		slot := m.Number() + 2
		c.slot = l.table.Slot(slot)
		c.slot.Clear() // who had it before has ended, or the member would not be started again
		c.cmd.Env = append(c.cmd.Env, program.Var(), l.table.Var(slotFD, slot))
	}
	vars, err := l.ties.vars(lifelineFD)
	c.cmd.Env = append(c.cmd.Env, vars...)
	return program, err
}

// wait waits for the end of a process, and for whoever takes the news.
func (l *Local) wait(incarnation uint64, c *child) {
	had := l.ties.wait(c.cmd)
	e := Ended{Incarnation: incarnation, Exit: exitOf(c.cmd.ProcessState), Limits: had}
	l.mu.Lock()
	if c.slot != nil && !l.closed {
		e.During, e.Reached = c.slot.Look(), c.slot.Reached()
	}
	l.mu.Unlock()
	select {
	case l.ended <- e:
	case <-l.quit:
	}
	l.mu.Lock()
	delete(l.children, incarnation) // not before: until then it shows what it was applying
	l.mu.Unlock()
}

func exitOf(state *os.ProcessState) Exit {
	ws, ok := state.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return Exit{Code: -1, Signal: ws.Signal()}
	}
	return Exit{Code: state.ExitCode()}
}

func (l *Local) child(incarnation uint64) *child {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.children[incarnation]
}

// withSlot calls f with the slot of a process, if it has one.
func (l *Local) withSlot(incarnation uint64, f func(*applying.Slot)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.children[incarnation]; c != nil && c.slot != nil && !l.closed {
		f(c.slot)
	}
}

// Signal implements Fleet.
func (l *Local) Signal(incarnation uint64, sig syscall.Signal) {
	if c := l.child(incarnation); c != nil {
		l.ties.signal(c.cmd, sig)
	}
}

// Stopped implements Fleet.
func (l *Local) Stopped(incarnation uint64) bool {
	c := l.child(incarnation)
	return c != nil && l.ties.stopped(c.cmd)
}

// Applying implements Fleet.
func (l *Local) Applying(incarnation uint64) (call applying.Call) {
	l.withSlot(incarnation, func(s *applying.Slot) { call = s.Look() })
	return call
}

// PrintStacks implements Fleet.
func (l *Local) PrintStacks(incarnation uint64) { l.withSlot(incarnation, (*applying.Slot).Ask) }

// CutOff implements Fleet.
func (l *Local) CutOff(incarnation uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.streams[incarnation] {
		cutOff(r)
	}
}

// Ended implements Fleet.
func (l *Local) Ended() <-chan Ended { return l.ended }

// Address implements Fleet.
func (l *Local) Address() string { return l.socket.addr }

// Close implements Fleet.
func (l *Local) Close() (left []string) {
	for _, pid := range l.ties.sweep() {
		left = append(left, strconv.Itoa(pid))
	}
	close(l.quit)
	l.ties.cut()
	l.socket.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	_ = l.table.Close() // the memory goes with this process
	return left
}
