// Package sim runs a whole cluster in one goroutine, under one seed: a coordinator with its log and checkpoints on a
// disk in memory, a keeper, a host where there are hosted objects, workers and a launcher, over a network that delays, stalls and breaks. Everything that they
// decide is decided by the code that a job runs (coordinator.Stepper, session.Session, keeper.Keeper); the simulation is
// the time, the chance and the faults. One seed is one history, so that a seed that fails can be looked at again and
// again. The manner is that of FoundationDB (Zhou et al., "FoundationDB: A Distributed Unbundled Transactional Key Value
// Store", SIGMOD 2021) and of TigerBeetle's VOPR.
//
// # Faults
//
// Each seed draws which of the faults it has, and how often (swarm testing: Groce et al., "Swarm Testing", ISSTA 2012):
// processes of every role die, between two steps or inside an operation of the disk; they stop for a while and go on;
// connections break with any part of what was under way, noticed by either side when it may; workers connect again while
// their old connection still delivers; processes are out of reach; the machine loses power, with what the disk had not
// synced left or lost sector by sector; the disk is full, or a write or an fsync fails; a coordinator that stopped is
// replaced, and wakes up; the launcher believes that a process has ended that has not.
//
// # What is checked
//
// While it runs, the history (history.go) knows every batch that any coordinator ordered, behind which others. A replica
// that applies what was not ordered behind what it holds, or that then holds something else than the fold of it, is
// wrong; so is an order in which a session's requests are not each once and in order. When a coordinator begins, what
// was seen of the orders before and is not in its own is lost, and there has to be a reason that the durability allows
// (loss.go). In the end the faults stop, and everybody has to catch up, and every future to have its result; each has to
// have been told the truth.
//
// About half of the seeds have a hosted object. Keeper and host hold the whole order (its state and the results that are retained,
// byte for byte), workers what of it is replicated (shared.go). Each answer is what the order says at that place, an answered
// call that a takeover lost ends its worker's session, and a query sees all that had been answered to anybody and all that its own
// session had begun (answer.go). In the end nothing is retained that has come, and the job is ended and resumed with all of it.
package sim

import (
	"fmt"
	"io"
)

// A Mutant is a cluster that lacks one of the things that keep its promises.
type Mutant string

// The mutants. Sound is the cluster as it is.
const (
	Sound    Mutant = ""
	NoDedupe Mutant = "dedupe" // what is sent again is ordered again
	NoGate   Mutant = "gate"   // replicas see what is not on disk, under sync
	NoEpochs Mutant = "epochs" // a replica that forked may come back
	NoExpect Mutant = "expect" // a takeover waits for nobody
	NoCut    Mutant = "cut"    // the torn tail of the log stays
	NoResend Mutant = "resend" // what a broken connection lost is not sent again
	NoRecall Mutant = "recall" // replicas do not say what they remember
	NoOmit   Mutant = "omit"   // a mutation that panicked is not left out of a resumed job
	NoEnd    Mutant = "end"    // a session that has ended may come back
	NoRoom   Mutant = "room"   // a worker whose state is awaited finds no more room than others
	NoCover  Mutant = "cover"  // the log on disk is given up before a checkpoint holds what replaces it

	NoStreams Mutant = "streams" // a hosted call that a takeover lost is dropped as a copy
	NoFull    Mutant = "full"    // a takeover asks who has come furthest alone, who may not hold the hosted objects
	NoRetain  Mutant = "retain"  // what hosted calls return is forgotten at once
	NoAck     Mutant = "ack"     // results are kept for ever
	NoCursor  Mutant = "cursor"  // a worker's cursor passes by what is of the replicated domain
	NoHead    Mutant = "head"    // queries are answered without waiting for what was ordered before them
)

// Mutants lists them all, but Sound.
var Mutants = []Mutant{NoDedupe, NoGate, NoEpochs, NoExpect, NoCut, NoResend, NoRecall, NoOmit, NoCover, NoEnd, NoRoom, NoStreams, NoFull, NoRetain, NoAck, NoCursor, NoHead}

// A Config says what to simulate.
type Config struct {
	Seed   uint64
	Mutant Mutant
	// Focus gives every seed the faults against which stands what that mutant lacks. It changes what is drawn, and
	// nothing of the cluster. Sound: of every second seed, on one of the mutants.
	Focus Mutant
	// Trace, when not nil, is told everything that happens, a line each.
	Trace io.Writer
}

// A Result is how a simulation ended.
type Result struct {
	Hash   uint64 // of everything that happened: two runs of one seed have the same
	Steps  int    // events
	Counts Counts
	Err    error // the first promise that did not hold, nil when all did
}

// Counts says what happened in one or more simulations.
type Counts map[string]int

// Add adds up.
func (c Counts) Add(other Counts) {
	for what, n := range other {
		c[what] += n
	}
}

// Run simulates one seed.
func Run(cfg Config) (r Result) {
	w := newWorld(cfg)
	defer func() {
		r.Hash, r.Steps, r.Counts = w.hash, w.steps, w.counts
		if p := recover(); p != nil {
			v, ok := p.(violation)
			if !ok {
				panic(fmt.Sprintf("seed %d: %v", cfg.Seed, p))
			}
			r.Err = fmt.Errorf("seed %d, at %v: %s", cfg.Seed, w.elapsed(), v)
		}
	}()
	w.run()
	return r
}

// A violation is a promise that did not hold; it is panicked with, and ends the simulation.
type violation string
