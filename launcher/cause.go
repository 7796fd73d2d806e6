package launcher

import (
	"fmt"
	"strings"

	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/launcher/fleet"
)

// A happening is what an observation is of.
type happening int

const (
	exited     happening = iota // a process ended
	panicked                    // a mutator panicked; text names object, method, sequence number and reason
	deadly                      // processes ended in the middle of one mutation; text says which, who is the last of them
	diverged                    // a worker's replica is not what the others have; text says where it differs
	failed                      // the coordinator says that the job has failed; text says why
	lostLink                    // the connection to the coordinator broke
	lostOutput                  // output cannot be written
	notStarted                  // a process could not be started
)

// An observation is something that ends a job. A job sees several at its end: most follow from the first cause.
type observation struct {
	what        happening
	who         fleet.Member
	incarnation uint64
	pid         int        // for people
	exit        fleet.Exit // of exited
	why         string     // exited: what is said instead of exit; may be empty
	joined      bool       // exited: after it had joined
	told        bool       // exited: after it was told to end
	text        string
}

// observed is the observation that p has exited.
func observed(p *process) observation {
	return observation{what: exited, who: p.Member, incarnation: p.incarnation, pid: p.pid, exit: *p.exit, joined: p.joined, told: p.told, why: p.why}
}

// firstCause picks the observation that the others follow from, out of one or more in the order in which they were
// made. They come by different ways, from the kernel and over TCP, so their order alone does not tell.
func firstCause(seen []observation) observation {
	// Those who know say so: a replica that stopped at a mutation, a coordinator that gave up.
	for _, what := range []happening{panicked, deadly, diverged, failed} {
		for _, o := range seen {
			if o.what == what {
				return o
			}
		}
	}
	first := seen[0]
	for _, o := range seen {
		if !o.told {
			first = o
			break
		}
	}
	// A coordinator does not die of what happens to a worker. But a worker may exit with a code, and the connection
	// must break, because the coordinator is gone. Signals come from elsewhere.
	if first.what == lostLink || first.what == exited && first.exit.Signal == 0 {
		for _, o := range seen {
			if o.what == exited && o.who == fleet.Coordinator && !o.told {
				return o
			}
		}
	}
	return first
}

// String says what happened, without the stderr lines.
func (o observation) String() string {
	switch o.what {
	case panicked:
		return firstLine(o.text) + "; --resume goes on without it"
	case deadly, diverged, failed, lostOutput:
		return firstLine(o.text)
	case lostLink:
		return "the connection to the coordinator broke: " + firstLine(o.text)
	case notStarted:
		return fmt.Sprintf("%v could not be started: %s", o.who, firstLine(o.text))
	}
	end := o.why
	if end == "" {
		end = o.exit.String()
	}
	s := fmt.Sprintf("%v (pid %d) %s", o.who, o.pid, end)
	if o.who.Role == wire.RoleWorker && !o.joined {
		s += " before dsss.Join"
	}
	if o.text != "" {
		s += ", " + o.text
	}
	return s
}

// status is the launcher's exit code for a job that ended by o.
func (o observation) status() int {
	if o.what == exited && o.who.Role == wire.RoleWorker && !o.exit.OK() {
		return o.exit.Status()
	}
	return 1
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return printable(s[:min(len(s), limits.ReportLine)])
}
