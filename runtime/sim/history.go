package sim

import (
	"slices"

	"dsss/class"
	"dsss/comm"
	"dsss/runtime/order"
)

// A history is every order that any coordinator of the job made: a tree, whose paths from the root are the orders. They
// part where a coordinator went on without what another had ordered.
type history struct {
	root    *node
	nodes   []*node
	byState map[state]*node
}

// A node is a batch behind all those before it.
type node struct {
	parent           *node
	first, last      uint64 // its sequence numbers
	session, request uint64
	at               int64 // when it was ordered
	epoch            uint64
	ops              []uint64 // what each call adds first; 0 for a call that makes the object
	merged           []merged // what they add behind that
	hashes           []uint64 // the chain's after each of them
	chain            chain    // after it
	created          bool     // the object exists after it
	sessions         map[uint64]uint64
	kids             map[batchKey]*node
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
}

func (h *history) init() {
	h.root = &node{kids: map[batchKey]*node{}}
	h.byState = map[state]*node{h.root.state(): h.root}
}

func (n *node) state() state { return stateOf(n.last, n.chain, n.sessions) }

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
	return batchKey{first: b.Sequence, session: b.Session, request: b.Request, epoch: b.Epoch, nanos: b.Nanos}
}

// ordered enters a batch that a coordinator ordered behind tip, and returns its node.
func (w *world) ordered(tip *node, b comm.Batch) *node {
	if b.Sequence != tip.last+1 || b.Count == 0 {
		w.fail("the order goes from sequence number %d to %d", tip.last, b.Sequence)
	}
	if b.Request != tip.sessions[b.Session]+1 {
		w.fail("requests %d to %d of session %d are ordered at sequence number %d, behind its request %d",
			b.Request, b.Request+uint64(b.Count)-1, b.Session, b.Sequence, tip.sessions[b.Session])
	}
	n := &node{
		parent: tip, first: b.Sequence, last: b.Sequence + uint64(b.Count) - 1, session: b.Session, request: b.Request,
		at: w.now, epoch: b.Epoch, chain: tip.chain, created: tip.created, sessions: make(map[uint64]uint64, len(tip.sessions)+1),
		kids: map[batchKey]*node{},
	}
	for id, request := range tip.sessions {
		n.sessions[id] = request
	}
	n.sessions[b.Session] = b.Request + uint64(b.Count) - 1
	if control, err := comm.ControlOf(b); err != nil {
		w.fail("%v", err)
	} else if control != nil {
		ended := map[int32]uint64{}
		order.Fold(control, n.sessions, &ended)
	}
	o := class.Order{Session: b.Session, Nanos: b.Nanos}
	for i := range int(b.Count) {
		o.Seq = b.Sequence + uint64(i)
		object, method, args, ok := b.Calls.Next()
		var what uint64
		switch {
		case !ok:
			w.fail("a call is missing in the batch at sequence number %d", b.Sequence)
		case object == comm.CatalogID:
			n.created = n.created || method == comm.CreateID
		case method == blowID: // left out, if anybody goes on behind it
		case n.created:
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
	if same := w.hist.byState[n.state()]; same != nil && same.first == n.first && same.created == n.created {
		n = same
	} else {
		w.hist.nodes = append(w.hist.nodes, n)
		w.hist.byState[n.state()] = n
	}
	tip.kids[keyOf(b)] = n
	return n
}

// applied returns the node of a batch that somebody takes for the one behind n.
func (w *world) applied(n *node, b comm.Batch, who string) *node {
	kid := n.kids[keyOf(b)]
	if kid == nil {
		w.fail("%s stands at sequence number %d of epoch %d and takes a batch of epoch %d at %d, which nobody ordered behind that",
			who, n.last, n.epoch, b.Epoch, b.Sequence)
	}
	return kid
}
