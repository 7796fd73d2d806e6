package coordinator

import (
	"dsss/comm"
	"dsss/runtime/sequencer"
)

// A Mutant is a coordinator that lacks one of its checks. None of them costs the sound one anything: they are looked at
// where a coordinator starts, and where a batch comes that was ordered before.
type Mutant uint8

// The mutants.
const (
	Sound    Mutant = iota
	NoDedupe        // a batch that was ordered before is ordered again
	NoGate          // under durability sync, cursors do not wait for the disk
	NoEpochs        // a replica's past is not compared with the order's
	NoExpect        // a takeover waits for nobody
	NoCover         // the log on disk is given up before a checkpoint holds what replaces it
)

// orderAgainLocked is what NoDedupe does to a batch that was ordered before.
func (c *coordinator) orderAgainLocked(in sequencer.Input, frame []byte) {
	last := c.seq.Step(sequencer.Input{Kind: sequencer.Open, Session: in.Session})[0].Request
	e := c.seq.Step(sequencer.Input{Kind: sequencer.Submit, Session: in.Session, Request: last + 1, Count: in.Count})[0]
	comm.Order(frame, e.Sequence, c.job.Epoch, c.clock)
	c.mem.append(entry{first: e.Sequence, count: e.Count, frame: frame})
	c.gate.Store(c.seq.Gate())
}
