package launcher

import (
	"time"

	"dsss/internal/applying"
	"dsss/internal/machine"
	"dsss/launcher/fleet"
)

// A process is one start of a member. What is not marked otherwise belongs to the job's goroutine.
type process struct {
	fleet.Member
	incarnation uint64      // which start of a process in this job it is, from 1; what is said of a process says which is meant
	pid         int         // for people
	joined      bool        // the coordinator said so
	unsure      bool        // it may have joined a coordinator that died before it could say so
	why         string      // what is said of its end instead of exit; may be empty
	told        bool        // it was told to end: its exit is no news
	exit        *fleet.Exit // how it ended; nil while it lives

	during applying.Call // what it was applying at the last look, or when it ended
	watch  applying.Watch
	stuck  time.Duration // how long it had been in that at the last look
	still  time.Duration // how long it had been stopped; of keeper and host

	rlimits machine.Limits // that it had when it ended
	last    *ring
	hold    *hold
	show    func([]byte) // shows lines of its stderr

	drained []chan struct{} // each closed when one stream was read to its end
}

// A service is the keeper's or the host's place in the job, and the process that fills it.
type service struct {
	*process        // the newest; nil while none was started
	budget   budget // of processes that take the place of others
	absent   bool   // its process has ended, another is to be started
	success  string // what shows that a process works
	work     string // what waits while it is stopped
}

func newKeeper() service {
	return service{budget: serviceBudget(), success: "a checkpoint", work: "checkpoints"}
}

func newHost() service {
	return service{budget: serviceBudget(), success: "joining", work: "calls of hosted objects"}
}
