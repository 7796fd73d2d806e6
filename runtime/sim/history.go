package sim

import (
	"encoding/binary"
	"slices"

	"dsss/class"
	"dsss/comm"
	"dsss/internal/stream"
	"dsss/runtime/order"
)

// A history is every order that any coordinator of the job made: a tree, whose paths from the root are the orders. They
// part where a coordinator went on without what another had ordered.
type history struct {
	root     *node
	nodes    []*node
	byState  map[state]*node   // by what keeper and host hold
	byWorker map[state]*node   // by what a worker holds that is caught up from a state
	byShared map[state]*node   // those of the replicated domain alone
	byWindow map[chain]place   // where the hosted object came to hold what it does
	most     map[uint64]uint64 // by stream, the last request that any coordinator ordered
}

// A place is a call in the history.
type place struct {
	n *node
	i int
}

// A node is a batch behind all those before it.
type node struct {
	parent           *node
	first, last      uint64 // its sequence numbers
	session, request uint64
	at               int64 // when it was ordered
	epoch            uint64
	ops              []uint64   // what each call adds first; 0 for a call that makes the object
	merged           []merged   // what they add behind that
	plain            []uint64   // what calls add that cannot merge
	hashes           []uint64   // the chain's after each of them
	windows          []chain    // the window's, of a batch of hosted calls
	chain            chain      // after it
	window           chain      // after it
	results          []retained // after it
	created, opened  bool       // the object, and the hosted one, exist after it
	sessions         map[uint64]uint64
	kids             map[batchKey]*node
	shared           *node // the last of the replicated domain, up to this
	sharedKids       map[batchKey]*node
	seen, lost       bool
}

// merged is what a call adds behind its first.
type merged struct {
	call int
	id   uint64
}

// holds tells whether call i adds id.
func (n *node) holds(i int, id uint64) bool {
	return n.ops[i] == id || slices.Contains(n.merged, merged{i, id})
}

// ids yields all that the batch adds.
func (n *node) ids(yield func(uint64) bool) {
	for _, id := range n.ops {
		if !yield(id) {
			return
		}
	}
	for _, m := range n.merged {
		if !yield(m.id) {
			return
		}
	}
}

// batchKey tells apart the batches that may follow a node.
type batchKey struct {
	first, session, request, epoch uint64
	nanos                          int64
}

// state tells apart what replicas may hold. Two orders that differ only in which of two calls that change nothing came
// first lead to one state, and count as one.
type state struct {
	seq, count, hash, sessions uint64
	window                     chain
	results                    uint64 // a hash
}

func (h *history) init() {
	h.root = &node{kids: map[batchKey]*node{}, sharedKids: map[batchKey]*node{}}
	h.root.shared = h.root
	h.byState = map[state]*node{h.root.state(): h.root}
	h.byWorker = map[state]*node{h.root.worker(): h.root}
	h.byShared, h.byWindow, h.most = map[state]*node{}, map[chain]place{}, map[uint64]uint64{}
}

// state is what keeper and host hold.
func (n *node) state() state { return fullState(n.worker(), n.window, n.resultsHash()) }

func fullState(s state, window chain, results uint64) state {
	s.window, s.results = window, results
	return s
}

func stateOf(seq uint64, c chain, sessions map[uint64]uint64) state {
	s := state{seq: seq, count: c.count, hash: c.hash}
	for id, request := range sessions {
		s.sessions ^= (id*0x9e3779b97f4a7c15 ^ request) * 0xff51afd7ed558ccd
	}
	return s
}

// has tells whether other is n or comes before it.
func (n *node) has(other *node) bool {
	for n != nil && n.last > other.last {
		n = n.parent
	}
	return n == other
}

// at returns the node of n's order that holds seq.
func (n *node) holding(seq uint64) *node {
	for n != nil && n.first > seq {
		n = n.parent
	}
	return n
}

func keyOf(b comm.Batch) batchKey {
	return batchKey{first: b.Sequence, session: b.Stream, request: b.Request, epoch: b.Epoch, nanos: b.Nanos}
}

// ordered enters a batch that a coordinator ordered behind tip, and returns its node.
func (w *world) ordered(tip *node, b comm.Batch) *node {
	w.follows(tip, b)
	n := &node{
		parent: tip, first: b.Sequence, last: b.Sequence + uint64(b.Count) - 1, session: b.Stream, request: b.Request,
		at: w.now, epoch: b.Epoch, chain: tip.chain, window: tip.window, results: tip.results, created: tip.created, opened: tip.opened,
		sessions: make(map[uint64]uint64, len(tip.sessions)+1), kids: map[batchKey]*node{}, sharedKids: map[batchKey]*node{},
	}
	for id, request := range tip.sessions {
		n.sessions[id] = request
	}
	n.sessions[b.Stream] = b.Request + uint64(b.Count) - 1
	w.hist.most[b.Stream] = max(w.hist.most[b.Stream], n.sessions[b.Stream])
	if n.domain() == stream.Hosted {
		n.host(b)
	} else {
		w.fold(n, b)
	}
	w.project(n, b)
	if same := w.hist.byState[n.state()]; same != nil && same.first == n.first && same.created == n.created {
		n = same
	} else {
		w.hist.nodes = append(w.hist.nodes, n)
		w.hist.byState[n.state()], w.hist.byWorker[n.worker()] = n, n
		for i, window := range n.windows {
			if _, known := w.hist.byWindow[window]; !known {
				w.hist.byWindow[window] = place{n, i}
			}
		}
	}
	tip.kids[keyOf(b)] = n
	return n
}

// follows fails unless b is the batch that comes next behind tip.
func (w *world) follows(tip *node, b comm.Batch) {
	if b.Sequence != tip.last+1 || b.Count == 0 {
		w.fail("the order goes from sequence number %d to %d", tip.last, b.Sequence)
	}
	if b.Request != tip.sessions[b.Stream]+1 {
		w.fail("requests %d to %d of session %d are ordered at sequence number %d, behind its request %d",
			b.Request, b.Request+uint64(b.Count)-1, b.Stream, b.Sequence, tip.sessions[b.Stream])
	}
}

// fold applies a batch of the replicated domain to what the order says.
func (w *world) fold(n *node, b comm.Batch) {
	if control, err := comm.ControlOf(b); err != nil {
		w.fail("%v", err)
	} else if control != nil {
		ended := map[int32]uint64{}
		order.Fold(control, n.sessions, &ended)
		n.forget()
	}
	o := class.Order{Session: stream.Session(b.Stream), Nanos: b.Nanos}
	for i := range int(b.Count) {
		o.Seq = b.Sequence + uint64(i)
		object, method, args, ok := b.Calls.Next()
		var what uint64
		switch {
		case !ok:
			w.fail("a call is missing in the batch at sequence number %d", b.Sequence)
		case object == comm.CatalogID:
			if method != comm.CreateID {
				break
			}
			if want, err := comm.ParseStateObject(args); err == nil {
				n.created, n.opened = n.created || !want.Hosted, n.opened || want.Hosted
			}
		case method == blowID: // left out, if anybody goes on behind it
		case n.created:
			if method == addID {
				n.plain = append(n.plain, binary.LittleEndian.Uint64(args))
			}
			for j, id := range idsOf(args) {
				n.chain = n.chain.next(o, id)
				if j == 0 {
					what = id
				} else {
					n.merged = append(n.merged, merged{i, id})
				}
			}
		}
		n.ops, n.hashes = append(n.ops, what), append(n.hashes, n.chain.hash)
	}
}

// applied returns the node of a batch that somebody takes for the one behind n: who holds all objects, or (worker) the
// replicated ones.
func (w *world) applied(n *node, b comm.Batch, worker bool, who string) *node {
	kid := n.kids[keyOf(b)]
	if worker && kid == nil {
		kid = n.sharedKids[keyOf(b)]
	}
	switch {
	case worker && kid != nil:
		kid = kid.shared
	case kid == nil:
		w.fail("%s stands at sequence number %d of epoch %d and takes a batch of epoch %d at %d, which nobody ordered behind that",
			who, n.last, n.epoch, b.Epoch, b.Sequence)
	}
	return kid
}
