package fleet

import (
	"fmt"
	"syscall"

	"dsss/comm/wire"
	"dsss/internal/applying"
	"dsss/internal/machine"
)

// A Fleet starts the processes of one job, on one node or on several. A process is named by its incarnation, a
// number from 1 that its caller chooses and never uses twice; process ids are text for people. Nothing that goes
// through a Fleet is tied to this machine. Methods may be called concurrently; none waits for a process.
type Fleet interface {
	// Start starts a process. pid is its process id on its node, for people. After an error nothing was started,
	// and all of the Spec's sinks have been told their end, or will be soon.
	Start(incarnation uint64, s Spec) (pid int, err error)
	// Signal sends a signal to a process and to what it has started in its process group, unless it has ended.
	Signal(incarnation uint64, sig syscall.Signal)
	// Applying returns what a process shows that it is applying; nothing when it has ended.
	Applying(incarnation uint64) applying.Call
	// Stopped tells whether a process is stopped, by a signal or a debugger.
	Stopped(incarnation uint64) bool
	// PrintStacks asks a keeper, host or worker to print where its goroutines are.
	PrintStacks(incarnation uint64)
	// CutOff ends the streams of a process that has ended, with what is in them by then: something that nobody can
	// find may hold their other ends.
	CutOff(incarnation uint64)
	// Ended has each process that was started once it has ended, until Close. A process waits there until it is taken.
	Ended() <-chan Ended
	// Address is where the job's coordinators listen, one after the other, as host:port. It stays for the life of
	// the fleet, and whoever connects while no coordinator lives waits.
	Address() string
	// Close kills all that is left of the job, on all nodes, and lets go of everything but streams that have not
	// been read to their ends. It names for people the processes that would not die within limits.KillWait. It is
	// called once, last but for CutOff.
	Close() (left []string)
}

// A Spec says what to start. The coordinator runs dsss, all others the user's program, which the fleet knows.
type Spec struct {
	Member
	Args []string // Args[0] included
	Env  []string // NAME=value, besides what the fleet adds and what its own process has
	// Out and Err take stdout and stderr. Nil: discarded.
	Out, Err Sink
	// Ready takes what a coordinator writes on ReadyFD: the line that says where it listens. Nil for others.
	Ready Sink
}

// The descriptors of a coordinator. The lifeline is between them.
const (
	ReadyFD  = 3 // what it writes there goes to Spec.Ready
	ListenFD = 5 // the socket on which it listens
)

// A Sink takes one stream of a process. Its fleet calls it on one goroutine.
type Sink interface {
	// Take takes what the process wrote. As long as it waits, the process soon waits, too. b is the caller's
	// afterwards. more says that more is there already.
	Take(b []byte, more bool)
	// End is called once, behind all else.
	End()
}

// An Ended says how a process ended.
type Ended struct {
	Incarnation uint64
	Exit        Exit
	During      applying.Call  // what it was applying
	Reached     uint64         // it had applied everything up to this sequence number
	Limits      machine.Limits // that it had
}

// A Member is a place in a job that one process at a time fills.
type Member struct {
	Role wire.Role // RoleControl is the coordinator's process here
	Rank int       // of a worker
}

// The members that there is one of.
var (
	Coordinator = Member{Role: wire.RoleControl}
	Keeper      = Member{Role: wire.RoleKeeper}
	Host        = Member{Role: wire.RoleHost}
)

// Worker is the member of a rank.
func Worker(rank int) Member { return Member{Role: wire.RoleWorker, Rank: rank} }

// Number is the rank on the wire: -1 for the keeper, -2 for the host.
func (m Member) Number() int {
	switch m.Role {
	case wire.RoleKeeper:
		return -1
	case wire.RoleHost:
		return -2
	}
	return m.Rank
}

func (m Member) String() string {
	switch m.Role {
	case wire.RoleWorker:
		return fmt.Sprintf("rank %d", m.Rank)
	case wire.RoleKeeper:
		return "the keeper"
	case wire.RoleHost:
		return "the host"
	}
	return "the coordinator"
}

// An Exit says how a process ended, as the system has it.
type Exit struct {
	Code   int            // -1 when a signal ended it
	Signal syscall.Signal // 0 when it exited
}

// OK tells whether it exited with 0.
func (e Exit) OK() bool { return e.Code == 0 }

// Status is the exit code that a shell would show.
func (e Exit) Status() int {
	if e.Signal != 0 {
		return 128 + int(e.Signal)
	}
	return e.Code
}

func (e Exit) String() string {
	if e.Signal != 0 {
		return fmt.Sprintf("killed by signal %d (%v)", int(e.Signal), e.Signal)
	}
	return fmt.Sprintf("exited with code %d", e.Code)
}
