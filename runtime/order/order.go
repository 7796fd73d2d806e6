// Package order decides everything that a coordinator decides: which sequence numbers a batch gets and which batch has
// been ordered before, who may join and from where on, how far the order may be seen, when a checkpoint is written, whose
// state is compared, what memory may forget, and how a coordinator that takes a job over goes on.
//
// It is a step machine in the manner of etcd's raft: events go in, effects come out, and the caller carries them out.
// There is no I/O, no clock, no goroutine, no lock and no randomness in it, so a whole cluster is simulated from a seed by the
// code that runs jobs, and a transcript is a test.
//
// # One mutation
//
// A batch comes as an event with its session and requests. Step gives it its sequence numbers (Append) unless it was
// ordered before (Drop), and says how far readers may read (Release): at once, or, behind a gate, when what carries the
// gate says so (Persisted). The caller writes the numbers into the frame, appends it to the log, and wakes the cursors.
//
// # State
//
// What must survive a coordinator is in the order itself: batches and controls. The Table is a fold over them, and over
// nothing else. The rest of the Machine (connections, checkpoints under way, audits) is of one coordinator and is lost
// with it.
package order

import (
	"maps"
	"slices"

	"dsss/comm/wire"
	"dsss/internal/limits"
)

// Keeper is the rank that stands for the keeper.
const Keeper int32 = -1

// Host is the rank that stands for the host.
const Host int32 = -2

// Config says what a Machine decides about.
type Config struct {
	// Job and Token are what a Hello has to name.
	Job   string
	Token []byte
	// Size is the number of worker ranks.
	Size int
	// Gate says how far the order may be seen; nil: all of it, at once. It belongs to the Machine.
	Gate Gate
	// Lazy: the log is written to disk only when memory runs short (durability memory).
	Lazy bool
	// Takeover, when not nil, goes on with a running job.
	Takeover *Takeover
	// Bounds are those of the job; zero: limits.Default().
	Bounds limits.Bounds
}

// A Takeover is what a coordinator that goes on with a running job knows before it hears from the processes.
type Takeover struct {
	Starts []Start // the epochs of the run so far
	Disk   uint64  // last sequence number on disk
	Expect []int32 // the ranks whose processes live, Keeper among them
	// Least is for each rank the least incarnation whose process may live: those before it have ended.
	Least map[int32]uint64
}

// A phase is how far a coordinator has come.
type phase uint8

const (
	closed     phase = iota // no keeper has said which program this is
	opening                 // the state is being read
	recovering              // a takeover: processes say what they know
	going                   // the order goes on
)

// A Machine is one coordinator's decisions. One owner steps it.
type Machine struct {
	cfg   Config
	phase phase
	now   int64    // of the event that is handled
	out   []Effect // of the event that is handled

	table  Table
	gate   Gate
	record Opened // what Opened said; its Table is not used
	epochs []Start

	peers   map[uint64]*peer
	members map[uint64]*member // by session, connected
	ranks   map[int32]*member  // by rank, connected
	present map[int32]presence // the ranks that the job has, connected or not
	waiting []waiter           // those who wait for the order to go on, in order of arrival

	recovery  *recovery
	goneEarly map[int32]uint64 // rank -> incarnation, of processes that ended before the order went on
	least     map[int32]uint64 // rank -> the least incarnation whose process may live

	saves       saves
	audit       audit
	source      uint64          // the session that was asked for its state, to fill a gap; 0: none
	quarantined map[uint64]bool // sessions whose replica has diverged: they may not return
	stable      uint64          // what replicas were told that they may forget
	stableTold  int64           // when
	changed     uint64          // sequence number of the last batch: controls behind it change no state
	shared      uint64          // last sequence number of the replicated domain in this epoch; 0: none yet
	proposed    []uint64        // those of the replicated domain that are not committed, ascending
	hosted      bool            // there are hosted objects
	wanted      bool            // the launcher was told that a host is wanted
	lacking     map[int32]bool  // of keeper and host, those that found neither log nor checkpoint to begin from
	released    uint64          // the commit index as it was said last
	replicated  uint64          // the last sequence number of the replicated domain that is committed
	reads       []read          // Syncs whose read index is not known yet

	controlled bool   // the launcher is connected
	operators  int    // connected
	finishing  bool   // the launcher has asked for the end
	wished     string // the same, before the order goes on; empty: it has not
	panicked   uint64 // sequence number of the mutation that panicked in this run; 0: none
	stopped    bool   // a Stop came out
	done       bool   // and it was as the launcher wished
}

// A peer is a connection with members behind it. Their cursor on the log is one, the caller's.
type peer struct {
	role    wire.Role
	members []*member // in order of joining
}

// A member is one session of one process.
type member struct {
	peer        uint64
	session     uint64
	role        wire.Role
	rank        int32
	pid         int32 // for people
	incarnation uint64
	applied     uint64 // last sequence number in its replica, as it said
	leaving     bool   // it wants to, and its state is taken first
	left        bool   // it said that it leaves for good
	gone        bool   // its process has ended, says the launcher
	asked       bool   // its state is awaited
	// rivals are other sessions that want its rank, and since when; at most Bounds.Rivals.
	rivals map[uint64]int64
}

// New returns a machine that has heard from nobody.
func New(cfg Config) *Machine {
	if cfg.Bounds == (limits.Bounds{}) {
		cfg.Bounds = limits.Default()
	}
	if cfg.Gate == nil {
		cfg.Gate = new(open)
	}
	m := &Machine{
		cfg: cfg, gate: cfg.Gate, peers: map[uint64]*peer{}, members: map[uint64]*member{}, ranks: map[int32]*member{},
		present: map[int32]presence{}, goneEarly: map[int32]uint64{}, least: map[int32]uint64{}, lacking: map[int32]bool{}, quarantined: map[uint64]bool{},
	}
	if t := cfg.Takeover; t != nil {
		m.phase, m.recovery = recovering, newRecovery(t.Starts, t.Disk, t.Expect)
		maps.Copy(m.least, t.Least)
		for _, rank := range t.Expect {
			if rank >= 0 {
				m.present[rank] = presence{}
			}
		}
	}
	return m
}

// Head returns the last sequence number given.
func (m *Machine) Head() uint64 { return m.table.Head }

// Commit returns the commit index: the last sequence number that readers may see.
func (m *Machine) Commit() uint64 { return m.gate.Committed() }

// Saved returns the sequence number of the newest checkpoint.
func (m *Machine) Saved() uint64 { return m.saves.last }

// Sure returns the sequence number of the newest checkpoint that was verified in this epoch; 0: none was.
func (m *Machine) Sure() uint64 { return m.saves.sure }

// Panicked returns the sequence number of the mutation that panicked in this run; 0: none did.
func (m *Machine) Panicked() uint64 { return m.panicked }

// Written returns how many checkpoints have been written in this run.
func (m *Machine) Written() uint64 { return m.saves.written }

// Ordered returns the last request of a stream that has been ordered; 0 when none was, or its session has ended.
func (m *Machine) Ordered(stream uint64) uint64 { return m.table.Sessions[stream] }

// Epoch returns the coordinator's epoch once the order goes on.
func (m *Machine) Epoch() uint64 { return m.record.Epoch }

// Going tells whether the order goes on.
func (m *Machine) Going() bool { return m.phase == going }

// Suspects tells whether a replica was found to differ from the keeper's.
func (m *Machine) Suspects() bool { return m.audit.suspect != nil || len(m.quarantined) > 0 }

// Step takes one event and returns its effects in the order in which they are to be carried out. They are valid until the
// next Step.
func (m *Machine) Step(ev Event) []Effect {
	clear(m.out)
	m.out = m.out[:0]
	if ev.Now != 0 {
		m.now = ev.Now
	}
	switch ev.Kind {
	case Batch:
		m.batch(ev)
	case Persisted:
		m.persisted(ev.Sequence)
	case Committed:
		m.release()
	case Hello:
		m.hello(ev)
	case Lost:
		m.lost(ev)
	case Received:
		m.received(ev)
	case Gone:
		m.processGone(ev.Rank, ev.Incarnation)
	case Command:
		m.command(ev)
	case Tailed:
		m.tailed(ev)
	case Impatient:
		m.impatient()
	case Begun:
		m.begun(ev)
	case NotBegun:
		m.notBegun(ev)
	case Noted:
		m.noted()
	case Arrived:
		m.arrived(ev)
	case Unsaved:
		m.unsaved(ev)
	case Behind:
		m.behind(ev)
	case Halted:
		m.stopped = true
	case Short:
		m.short(ev)
	case Due:
		m.due()
	case Tick:
		m.tick(ev)
	}
	return m.out
}

// Stats fills in what the machine knows of a job's figures: all but what the log knows. The cursors of peers are in order of
// arrival, without next, bytes and disk.
func (m *Machine) Stats(s *wire.StatsT) (peers []uint64) {
	s.Epoch, s.Run, s.Head, s.Commit = m.record.Epoch, m.record.Run, m.Head(), m.Commit()
	s.Checkpoints, s.Saved, s.SavedBytes, s.SavedNanos = m.saves.written, m.saves.last, m.saves.newest.Bytes, m.saves.newest.Nanos
	for _, id := range slices.Sorted(maps.Keys(m.peers)) {
		p := m.peers[id]
		if len(p.members) == 0 {
			continue
		}
		first := p.members[0]
		c := &wire.CursorT{Rank: first.rank, Incarnation: first.incarnation, Member: first.session, Members: uint32(len(p.members)), Applied: first.applied}
		for _, mem := range p.members {
			c.Applied = min(c.Applied, mem.applied)
		}
		s.Cursors = append(s.Cursors, c)
		peers = append(peers, id)
	}
	return peers
}

func (m *Machine) emit(e Effect) { m.out = append(m.out, e) }

// post has a message sent to a member.
func (m *Machine) post(to *member, message any) {
	m.emit(Effect{Kind: Post, Peer: to.peer, Session: to.session, Message: message})
}

// tell has the launcher and operators told what happened.
func (m *Machine) tell(e *wire.EventT) { m.emit(Effect{Kind: Tell, Message: e}) }

// about is an event about a member.
func (mem *member) about(what wire.Happening) *wire.EventT {
	return &wire.EventT{What: what, Role: mem.role, Rank: mem.rank, Pid: mem.pid, Incarnation: mem.incarnation}
}
