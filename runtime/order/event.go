package order

import "dsss/comm/wire"

// A Kind says what an Event or an Effect is.
type Kind uint8

// Events.
const (
	// Hello: a process, the launcher or an operator said Hello on the connection Peer; Message is the *wire.HelloT. It may be
	// a further session on a connection that has some already.
	Hello Kind = iota + 1
	// Lost: the connection Peer has ended, because of Reason; Clean: the other side ended it.
	Lost
	// Batch: Count calls from Request on of the stream Session arrived on Peer.
	Batch
	// Received: the member of Session sent Message, any other than Hello, a batch, or a part of a state or tail, on Peer.
	Received
	// Command: the launcher or an operator sent Message, a *wire.CommandT, on Peer.
	Command
	// Gone: the process of Rank with Incarnation (0: whichever) has ended, says the launcher.
	Gone
	// Persisted: everything up to Sequence is on disk.
	Persisted
	// Committed: the gate has moved by itself.
	Committed
	// Tailed: the session that was recalled on Peer has said what it remembers.
	Tailed
	// Impatient: a takeover has waited long enough for those who have not come.
	Impatient
	// Begun: the state is there, and the order goes on from it; Message is an *Opened.
	Begun
	// NotBegun: the state cannot be used: Reason, and Code for the keeper. Usage: the person who started the job can mend it.
	NotBegun
	// Arrived: the state that Session was asked for is written; Sequence and Reason say where it stands and lies.
	Arrived
	// Noted: the newest checkpoint is recorded, and what it made superfluous is gone.
	Noted
	// Unsaved: the newest checkpoint that can be used is at Sequence, maybe an older one than was thought. Clean: the log holds what
	// follows it.
	Unsaved
	// Behind: the log on disk ends before memory begins, at Held.First. Sequence is the newest checkpoint that verifies.
	Behind
	// Halted: the caller ends, for a reason of its own; nothing more is ordered.
	Halted
	// Short: memory is over three quarters full. Count is how often it still was after what this event led to.
	Short
	// Due: a checkpoint is due if something has changed.
	Due
	// Tick: some time has passed.
	Tick
)

// Effects.
const (
	// Append: give the batch the sequence numbers from Sequence on and append it to the log, behind Previous of the replicated
	// domain. Control, when not nil, is a call of the coordinator's own that is to be made a batch of Session and Request first.
	Append Kind = iota + 64
	// Drop: the batch was ordered before; its effect is in the log.
	Drop
	// Full: memory has no room for the batch; it was not taken.
	Full
	// Release: readers may read the log up to Sequence, the last of the replicated domain being Replicated.
	Release
	// Post: send Message to Session on Peer.
	Post
	// Admit: Peer is identified. Message is its *wire.WelcomeT. A replica reads the log from Sequence on; with State,
	// behind the newest checkpoint, which is sent first. Further: the peer has a cursor already.
	Admit
	// Wait: Session on Peer is neither admitted nor refused yet.
	Wait
	// Refuse: refuse Session on Peer with Code and Reason; Last: nobody else is behind it, and it is closed.
	Refuse
	// Close: close Peer because of Reason.
	Close
	// Tell: tell the launcher and the operators Message, a *wire.EventT.
	Tell
	// Answer: tell the operator on Peer what became of its checkpoint, at Sequence or failed by Reason.
	Answer
	// Recall: ask Session on Peer for what it remembers from Sequence on.
	Recall
	// Open: open the state for the program that Message, a *wire.HelloT, names. Begun or NotBegun follows.
	Open
	// GoOn: go on with the running job: from the tail that was recalled on Peer (Known), and behind it from that of a worker on
	// Second, unless that is 0; or from checkpoint and log alone. Partial: the tail on Peer is a worker's, which knows
	// nothing of hosted calls. Begun or NotBegun follows.
	GoOn
	// Note: record the checkpoint that Message, a *wire.SavedT, reports, and remove what it makes superfluous unless an audit
	// needs it (Keep). Noted follows.
	Note
	// Take: take the state that Session on Peer sends, for an audit (Audit) or to fill a gap. Arrived follows.
	Take
	// Hold: keep the two states of a divergence, at the paths in Message, a *Divergence, then tell.
	Hold
	// Trim: memory may forget everything up to Sequence.
	Trim
	// Spill: write what is in memory to the log on disk, though nobody waits for it. Sync: so that it lasts.
	Spill
	// Renew: the log on disk may begin again where memory begins.
	Renew
	// Stable: replicas may forget everything up to Sequence.
	Stable
	// Stop: the order ends because of Reason; Cause says of what kind.
	Stop
)

// An Event is something that happened. Fields that its Kind does not name are zero.
type Event struct {
	Kind        Kind
	Clean       bool
	Usage       bool
	Code        wire.Refusal
	Rank        int32
	Count       uint32
	Peer        uint64
	Session     uint64
	Request     uint64
	Sequence    uint64
	Incarnation uint64
	Now         int64 // nanoseconds since the Unix epoch; 0: no time has passed
	Reason      string
	Message     any
	Held        Held
}

// Held is what the log holds at the time of an event: facts that the caller looks up.
type Held struct {
	First     uint64 // sequence number of the oldest entry in memory, or the next one
	DiskFirst uint64 // the same on disk
	DiskNext  uint64 // the sequence number that the disk wants next
	Slowest   uint64 // Short: the last sequence number that every cursor has passed
	Full      bool   // Batch: memory has no room
	FullOver  bool   // nor for one whose state is awaited
}

// Has tells whether the log has everything from seq on, in memory or on disk.
func (h Held) Has(seq uint64) bool {
	return seq >= h.First || h.DiskFirst <= seq && h.DiskNext >= h.First
}

// An Effect is something to do. Fields that its Kind does not name are zero.
type Effect struct {
	Kind     Kind
	State    bool
	Further  bool
	Last     bool
	Known    bool
	Partial  bool
	Keep     bool
	Audit    bool
	Sync     bool
	Cause    Cause
	Code     wire.Refusal
	Count    uint32
	Peer     uint64
	Session  uint64
	Request  uint64
	Sequence uint64
	Second   uint64 // a peer
	Reason   string
	Control  *wire.ControlT
	Message  any

	Previous, Replicated uint64
}

// A Cause is the kind of a Stop's reason.
type Cause uint8

// The causes.
const (
	Failed     Cause = iota // something went wrong
	Done                    // the launcher wished for it; Effect.Message is the status, Effect.Last false when a last checkpoint failed
	Superseded              // a coordinator of a later epoch exists
	Usage                   // the person who started the job can mend it
)

// Opened is what a state is, once it is open.
type Opened struct {
	Table     Table // taken over
	Persisted uint64
	Epoch     uint64
	Run       uint64
	Starts    []Start // the epochs of the run, ascending, this coordinator's last. Taken over
	Program   string
	Build     string
	// Durability is recorded, and means nothing here.
	Durability string
	Classes    []*wire.ClassT // what log and checkpoints may hold. Taken over
	Omitted    []uint64       // sequence numbers that replicas leave out. Taken over
	Log        uint64         // number of the job's log
	Saved      uint64         // sequence number of the newest checkpoint
	Sure       uint64         // of the newest that was verified
}

// A Divergence is a member whose replica is not what the keeper's is.
type Divergence struct {
	Event     *wire.EventT // to be told, once the states are kept
	Evidence  string       // the file with the member's state; empty when there is none
	Reference string       // the file with the keeper's, at the same sequence number
}
