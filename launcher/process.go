package launcher

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"dsss/comm/wire"
	"dsss/internal/applying"
	"dsss/internal/build"
	"dsss/internal/limits"
	"dsss/internal/machine"
)

// A member names a process of the job.
type member struct {
	role wire.Role // RoleControl is the coordinator's process here
	rank int       // of a worker
}

var (
	coordinatorMember = member{role: wire.RoleControl}
	keeperMember      = member{role: wire.RoleKeeper}
)

func (m member) String() string {
	switch m.role {
	case wire.RoleWorker:
		return fmt.Sprintf("rank %d", m.rank)
	case wire.RoleKeeper:
		return "the keeper"
	}
	return "the coordinator"
}

// A process is one child. What is not marked otherwise belongs to the job's goroutine.
type process struct {
	member
	incarnation uint64 // which start of a process in this job it is, from 1; what is said of a process says which is meant
	pid         int    // for people, and for signals
	joined      bool   // the coordinator said so
	unsure      bool   // it may have joined a coordinator that died before it could say so
	why         string // what is said of its end instead of exit; may be empty
	told        bool   // it was told to end: its exit is no news
	exit        *exit  // how it ended; nil while it lives

	slot   *applying.Slot // where it shows what it is applying; nil for the coordinator
	during applying.Call  // what it was applying at the last look, or when it ended
	watch  applying.Watch
	stuck  time.Duration // how long it had been in that at the last look
	still  time.Duration // how long it had been stopped; the keeper's

	cmd     *exec.Cmd
	rlimits machine.Limits // that it had when it ended
	gone    bool           // reaped: pid may belong to another; guarded by children.mu
	last    *ring
	hold    *hold
	show    func([]byte) // shows lines of its stderr

	drained []chan struct{} // each closed when one stream was read to its end
	pipes   []*os.File      // our ends of the streams
}

// An exit says how a child ended.
type exit struct {
	code   int            // -1 when a signal ended it
	signal syscall.Signal // 0 when it exited
}

// number is the rank on the wire: -1 for the keeper.
func (p *process) number() int {
	if p.role == wire.RoleKeeper {
		return -1
	}
	return p.rank
}

func exitOf(state *os.ProcessState) exit {
	ws, ok := state.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return exit{code: -1, signal: ws.Signal()}
	}
	return exit{code: state.ExitCode()}
}

func (e exit) ok() bool { return e.code == 0 }

// status is the exit code that a shell would show.
func (e exit) status() int {
	if e.signal != 0 {
		return 128 + int(e.signal)
	}
	return e.code
}

func (e exit) String() string {
	if e.signal != 0 {
		return fmt.Sprintf("killed by signal %d (%v)", int(e.signal), e.signal)
	}
	return fmt.Sprintf("exited with code %d", e.code)
}

// A spec says how to start a child.
type spec struct {
	member
	incarnation uint64
	build       *build.File // what to run
	args        []string    // args[0] included
	env         []string
	extra       []*os.File // its descriptors from 3 on
	out         *feed      // nil: discarded
	err         *feed
	onHold      bool // stderr waits until released
}

// attach makes a pipe for one stream, which f will read, and returns the child's end. The caller closes that.
func (p *process) attach(f *feed) (child *os.File, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	p.drained, p.pipes = append(p.drained, done), append(p.pipes, r)
	go func() {
		defer close(done)
		f.run(r)
	}()
	return w, nil
}

// cutOff ends the readers of a process that is gone once they have what is in the pipes, should something that we
// cannot find hold the other ends.
func (p *process) cutOff() {
	for _, r := range p.pipes {
		_ = r.SetReadDeadline(time.Now().Add(limits.Settle)) // closed already: all the better
	}
}
