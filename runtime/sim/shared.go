package sim

import (
	"dsss/comm"
	"dsss/internal/stream"
)

// A worker sees of an order what is of the replicated domain. So the history has a second kind of node, behind those of that
// domain alone: each node leads to the last of them (shared). As long as there is no hosted call, they are the same.

// project finds or makes what n is to a worker. b is its batch.
func (w *world) project(n *node, b comm.Batch) {
	before := n.parent.shared
	switch {
	case n.domain() == stream.Hosted:
		n.shared = before
		return
	case before == n.parent:
		n.shared = n
		return
	}
	if n.shared = before.sharedKids[keyOf(b)]; n.shared != nil {
		return
	}
	p := &node{
		parent: before, first: n.first, last: n.last, session: n.session, request: n.request, at: n.at, epoch: n.epoch, ops: n.ops, merged: n.merged, plain: n.plain,
		hashes: n.hashes, chain: n.chain, created: n.created, opened: n.opened, sessions: map[uint64]uint64{},
		kids: map[batchKey]*node{}, sharedKids: map[batchKey]*node{},
	}
	for id, request := range n.sessions {
		if stream.Domain(id) == stream.Replicated {
			p.sessions[id] = request
		}
	}
	p.shared = p
	if same := w.hist.byShared[p.worker()]; same != nil && same.first == p.first && same.created == p.created {
		p = same
	} else {
		w.hist.nodes = append(w.hist.nodes, p)
		w.hist.byShared[p.worker()] = p
	}
	before.sharedKids[keyOf(b)] = p
	n.shared = p
}

func (n *node) domain() uint64 { return stream.Domain(n.session) }

// worker is what a worker holds.
func (n *node) worker() state { return stateOf(n.last, n.chain, n.sessions) }

// counts tells whether n stands for itself when it is asked what was seen and what is lost. A node that holds what another does,
// behind other hosted calls, does not: what it leads to does.
func (n *node) counts() bool { return n.shared == n || n.domain() == stream.Hosted }

// keeps tells whether the order that n ends has other.
func (n *node) keeps(other *node) bool {
	if other.domain() == stream.Hosted {
		return n.has(other)
	}
	return n.shared.has(other.shared)
}
