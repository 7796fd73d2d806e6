package order

// A Gate is what lets the order become visible. The commit index is the last sequence number that readers may see: it
// never falls, and never passes what was proposed.
//
// The disk is one gate (NewDiskGate). A quorum will be another: Propose hands what was ordered to its log, and the Machine
// is stepped with Committed when it has moved. A Gate is the Machine's alone: its methods do not wait.
type Gate interface {
	// Begin sets where the order begins: base is visible, and everything up to persisted is on disk.
	Begin(base, persisted uint64)
	// Propose says that everything up to last has been ordered.
	Propose(last uint64)
	// Persisted says that everything up to last is on this coordinator's disk.
	Persisted(last uint64)
	// Committed returns the commit index.
	Committed() uint64
	// ReadIndex returns the sequence number that a replica must have applied to answer a linearizable read that was asked for
	// before the call (Raft, Ongaro 2014, section 6.4); false while that is not known: Committed says when to ask again.
	ReadIndex() (index uint64, known bool)
}

// open is the gate that stays open: what is ordered is visible.
type open struct{ last uint64 }

func (g *open) Begin(base, _ uint64)      { g.last = base }
func (g *open) Propose(last uint64)       { g.last = last }
func (g *open) Persisted(uint64)          {}
func (g *open) Committed() uint64         { return g.last }
func (g *open) ReadIndex() (uint64, bool) { return g.last, true }

// NewDiskGate returns the gate of durability sync: nobody sees what is not on disk.
func NewDiskGate() Gate { return new(diskGate) }

type diskGate struct{ committed uint64 }

func (g *diskGate) Begin(base, _ uint64)      { g.committed = base }
func (g *diskGate) Propose(uint64)            {}
func (g *diskGate) Persisted(last uint64)     { g.committed = max(g.committed, last) }
func (g *diskGate) Committed() uint64         { return g.committed }
func (g *diskGate) ReadIndex() (uint64, bool) { return g.committed, true }
