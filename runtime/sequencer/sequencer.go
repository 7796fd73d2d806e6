// Package sequencer decides the one order: which sequence numbers a batch gets, which batch has been ordered before,
// and how far the log may be read. It is a step machine: inputs go in, effects come out, and the caller carries them
// out. There is no I/O, no clock, no goroutine and no randomness in it, so a whole cluster can be simulated from a seed,
// a transcript is a test, and the machine can later stand behind a replicated log.
//
// Its state is a fold over the log: Replay of the batches of a log, from a checkpoint on, gives the machine that wrote
// it. It is not safe for concurrent use; one owner steps it.
package sequencer

import "fmt"

// A Kind says what an Input or an Effect is.
type Kind uint8

// Inputs.
const (
	// Replay: a batch of the log, in order, before anything else.
	Replay Kind = iota + 1
	// Open: a session's worker connected, for the first time or again. Its replica stands at Sequence, and the
	// coordinator of Epoch welcomed it last (0: none has).
	Open
	// Submit: a batch arrived from a session.
	Submit
	// Persisted: everything up to Sequence is on disk.
	Persisted
)

// Effects.
const (
	// None: nothing is to be done.
	None Kind = iota + 16
	// Opened: tell the worker that requests up to Request of its session have been ordered.
	Opened
	// Append: give the batch the sequence numbers from Sequence on and append it to the log.
	Append
	// Drop: the batch was ordered before; its effect is in the log.
	Drop
	// Release: readers may read the log up to Sequence.
	Release
	// Refuse: the input breaks the protocol; its connection ends with Reason.
	Refuse
	// Fork: the replica went another way: it applied what the present order does not hold. It may not join.
	Fork
	// Supersede: a coordinator of a later epoch exists. This one is over.
	Supersede
)

var kindNames = map[Kind]string{Replay: "replay", Open: "open", Submit: "submit", Persisted: "persisted",
	None: "none", Opened: "opened", Append: "append", Drop: "drop", Release: "release", Refuse: "refuse", Fork: "fork", Supersede: "supersede"}

// String names the kind in lower case, as transcripts do.
func (k Kind) String() string { return kindNames[k] }

// An Input is something that happened. Fields that its Kind does not use are zero.
type Input struct {
	Kind     Kind
	Session  uint64
	Request  uint64 // first call of the batch in its session; the first of a session is 1
	Count    uint32 // calls in the batch
	Sequence uint64 // Replay: of the first call. Persisted: the last one on disk. Open: the last one applied
	Epoch    uint64 // Open: of the coordinator that welcomed the session last
}

// An Effect is something to do. At most two follow from one input.
type Effect struct {
	Kind     Kind
	Session  uint64
	Request  uint64
	Count    uint32
	Sequence uint64
	Reason   string
}

// Config says where the order begins and what the gate waits for.
type Config struct {
	// Base is the sequence number that a checkpoint holds; the first batch gets Base+1. Zero: from the beginning.
	Base uint64
	// Sessions are the last requests ordered of each session, as the checkpoint holds them. Taken over.
	Sessions map[uint64]uint64
	// Gated makes readers wait until a batch is on disk (durability sync).
	Gated bool
	// Starts are the epochs of this run, ascending, this sequencer's own last. Empty: nobody else has ever ordered
	// anything in this run. Taken over.
	Starts []Start
	// Persisted is the last sequence number on disk when the order begins behind what is there; Base when zero.
	Persisted uint64
}

// A Start is where an epoch began: its first batch got the sequence number behind Base. What an earlier epoch ordered
// beyond Base was lost with it.
type Start struct {
	Epoch uint64 `json:"epoch"`
	Base  uint64 `json:"base"`
}

// A Sequencer is the state of the order.
type Sequencer struct {
	head      uint64 // last sequence number given; gate ≤ head always
	gate      uint64 // last one that readers may see
	persisted uint64 // last one on disk; may run ahead of nothing
	gated     bool
	// sessions holds the last request ordered of every session that ever ordered one. It grows by one number an
	// incarnation of a worker.
	sessions map[uint64]uint64
	// starts are the epochs of this run, ascending; the last is our own.
	starts []Start
}

// New returns a sequencer that goes on behind cfg.Base.
func New(cfg Config) *Sequencer {
	s := &Sequencer{head: cfg.Base, gate: cfg.Base, persisted: cfg.Base, gated: cfg.Gated, sessions: cfg.Sessions, starts: cfg.Starts}
	if cfg.Persisted != 0 {
		s.persisted = min(cfg.Persisted, cfg.Base)
	}
	if s.sessions == nil {
		s.sessions = map[uint64]uint64{}
	}
	return s
}

// Head returns the last sequence number given.
func (s *Sequencer) Head() uint64 { return s.head }

// Gate returns the last sequence number that readers may see.
func (s *Sequencer) Gate() uint64 { return s.gate }

// Step takes one input and returns its effects in the order in which they are to be carried out.
func (s *Sequencer) Step(in Input) [2]Effect {
	switch in.Kind {
	case Replay:
		return one(s.replay(in))
	case Open:
		return one(s.open(in))
	case Submit:
		return s.submit(in)
	case Persisted:
		return one(s.persist(in.Sequence))
	}
	return one(refuse(in, "unknown input"))
}

func one(e Effect) [2]Effect { return [2]Effect{e, {Kind: None}} }

func refuse(in Input, format string, args ...any) Effect {
	return Effect{Kind: Refuse, Session: in.Session, Request: in.Request, Count: in.Count, Reason: fmt.Sprintf(format, args...)}
}

// submit orders a batch exactly once. A worker sends its batches in order of their requests and sends them again, cut
// the same way, after a reconnect; so a batch is either all new, all old, or a breach of the protocol.
func (s *Sequencer) submit(in Input) [2]Effect {
	last := s.sessions[in.Session]
	end := in.Request + uint64(in.Count) - 1
	switch {
	case in.Session == 0 || in.Request == 0 || in.Count == 0:
		return one(refuse(in, "batch without session, request or calls"))
	case end < in.Request:
		return one(refuse(in, "request numbers overflow"))
	case end <= last:
		return one(Effect{Kind: Drop, Session: in.Session, Request: in.Request, Count: in.Count})
	case in.Request != last+1:
		return one(refuse(in, "requests %d to %d do not follow request %d", in.Request, end, last))
	}
	s.sessions[in.Session] = end
	effect := Effect{Kind: Append, Session: in.Session, Request: in.Request, Count: in.Count, Sequence: s.head + 1}
	s.head += uint64(in.Count)
	if s.gated {
		return one(effect)
	}
	s.gate = s.head
	return [2]Effect{effect, {Kind: Release, Sequence: s.gate}}
}

// open admits a replica whose past is a beginning of this order.
func (s *Sequencer) open(in Input) Effect {
	e := Effect{Session: in.Session, Request: s.sessions[in.Session]}
	e.Kind, e.Reason = Follows(s.starts, s.head, in.Epoch, in.Sequence)
	return e
}

// Follows tells whether a replica that stands at applied, and was welcomed last by the coordinator of epoch, holds a
// beginning of the order that has come to head through starts: Opened when it does, else Fork, or Supersede when its
// epoch is later than any of starts; and why.
//
// The order of one epoch is one, so only the epochs that came after the replica's can have left it behind: it forked if it
// is beyond where any of them began. Mostly that is the next; but a later one may have lost more, and gone back further.
// This is the leader epoch of Kafka (KIP-101) in other clothes.
func Follows(starts []Start, head, epoch, applied uint64) (Kind, string) {
	end := head
	for i := len(starts) - 1; i >= 0 && starts[i].Epoch > epoch; i-- {
		end = min(end, starts[i].Base)
	}
	switch own := len(starts) - 1; {
	case epoch == 0 && applied != 0:
		return Fork, fmt.Sprintf("replica stands at sequence number %d, but no coordinator has welcomed it", applied)
	case own >= 0 && epoch > starts[own].Epoch:
		return Supersede, fmt.Sprintf("a coordinator of epoch %d exists, this one is of epoch %d", epoch, starts[own].Epoch)
	case applied > end:
		return Fork, fmt.Sprintf("replica stands at sequence number %d of epoch %d, of which the order kept those up to %d", applied, epoch, end)
	}
	return Opened, ""
}

func (s *Sequencer) replay(in Input) Effect {
	if in.Sequence != s.head+1 || in.Count == 0 {
		return refuse(in, "log goes from sequence number %d to %d", s.head, in.Sequence)
	}
	s.head += uint64(in.Count)
	s.gate, s.persisted = s.head, s.head // what is in the log is on disk
	s.sessions[in.Session] = max(s.sessions[in.Session], in.Request+uint64(in.Count)-1)
	return Effect{Kind: None}
}

func (s *Sequencer) persist(seq uint64) Effect {
	if seq > s.head || seq < s.persisted {
		return Effect{Kind: Refuse, Sequence: seq, Reason: fmt.Sprintf("persisted %d of %d to %d", seq, s.persisted, s.head)}
	}
	s.persisted = seq
	if !s.gated || seq == s.gate {
		return Effect{Kind: None}
	}
	s.gate = seq
	return Effect{Kind: Release, Sequence: seq}
}
