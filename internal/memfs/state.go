package memfs

import (
	"maps"
	"slices"
)

// state is the files of a disk: what is visible, what is on the medium for
// certain, and what lies between.
type state struct {
	nodes []*node // by number; the first is the root directory
	token *token
}

// token marks the nodes that a state has to itself.
type token struct{ _ byte }

// own returns a node that may be changed: a copy, where others have it too.
func (s *state) own(number int) *node {
	n := s.nodes[number]
	if n.owner != s.token {
		m := *n
		m.owner = s.token
		m.data, m.stable = slices.Clone(n.data), slices.Clone(n.stable)
		m.names, m.stableNames = maps.Clone(n.names), maps.Clone(n.stableNames)
		m.pending = slices.Clone(n.pending)
		n = &m
		s.nodes[number] = n
	}
	return n
}

// node is a file or a directory.
type node struct {
	owner *token // of the state that may change it; see state.own
	dir   bool
	path  string         // where it was made
	data  []byte         // of a file: what is visible
	names map[string]int // of a directory: what is visible

	stable      []byte         // of a file: what is on the medium
	stableNames map[string]int // of a directory: what is on the medium
	pending     []step         // what changed since, in order; the first is not durable
	reserved    int64          // by Allocate
	sure        int64          // of a file: its size without growth that is in doubt for good
}

func newState() *state {
	s := &state{token: new(token)}
	s.add(true, "/")
	return s
}

func (s *state) add(dir bool, path string) int {
	n := &node{owner: s.token, dir: dir, path: path}
	if dir {
		n.names, n.stableNames = make(map[string]int), make(map[string]int)
	}
	s.nodes = append(s.nodes, n)
	return len(s.nodes) - 1
}

// do makes a step visible, and enters it among what is pending.
func (s *state) do(st step) {
	n := s.own(st.node)
	switch st.kind {
	case Write:
		n.data = write(n.data, st.off, st.data)
		st.was = n.sure
		n.sure = max(n.sure, st.off+int64(len(st.data)))
	case Truncate:
		n.data = resize(n.data, st.off)
		n.sure = min(n.sure, st.off)
	case Allocate:
		n.reserved = max(n.reserved, st.off)
		return
	case Create, Mkdir:
		if st.child == len(s.nodes) {
			s.add(st.kind == Mkdir, join(n.path, st.name))
		}
		n.names[st.name] = st.child
	case Rename:
		delete(n.names, st.name)
		n.names[st.to] = st.child
	case Remove:
		delete(n.names, st.name)
	case Sync, SyncDir:
		n.sync(st.failed)
		return
	}
	n.pending = append(n.pending, st)
}

// sync makes what is pending durable, or puts it in doubt for good. The medium
// takes what is durable up to the first step in doubt; what follows that waits,
// because the two may overlap.
func (n *node) sync(failed bool) {
	for i := range n.pending {
		if failed {
			n.pending[i].doubted = !n.pending[i].durable
		} else {
			n.pending[i].durable = !n.pending[i].doubted
		}
	}
	done := 0
	for _, st := range n.pending {
		if !st.durable {
			break
		}
		n.settle(st)
		done++
	}
	n.pending = slices.Delete(n.pending, 0, done)
	if failed {
		n.sure = int64(len(n.stable))
		for _, st := range n.pending {
			switch {
			case !st.durable:
			case st.kind == Write:
				n.sure = max(n.sure, st.off+int64(len(st.data)))
			case st.kind == Truncate:
				n.sure = min(n.sure, st.off)
			}
		}
	}
}

// settle makes the whole of a step part of the medium.
func (n *node) settle(st step) {
	switch st.kind {
	case Write:
		n.stable = write(n.stable, st.off, st.data)
	case Truncate:
		n.stable = resize(n.stable, st.off)
	default:
		n.settleName(st)
	}
}

func (n *node) settleName(st step) {
	switch st.kind {
	case Create, Mkdir:
		n.stableNames[st.name] = st.child
	case Rename:
		if n.stableNames[st.name] == st.child {
			delete(n.stableNames, st.name)
		}
		n.stableNames[st.to] = st.child
	case Remove:
		if n.stableNames[st.name] == st.child {
			delete(n.stableNames, st.name)
		}
	}
}

// clone returns a state that nothing done to s changes, nor the other way
// round. The two share nodes until one changes them.
func (s *state) clone() *state {
	s.token = new(token)
	return &state{nodes: slices.Clone(s.nodes), token: new(token)}
}

func write(b []byte, off int64, p []byte) []byte {
	if end := off + int64(len(p)); end > int64(len(b)) {
		b = resize(b, end)
	}
	copy(b[off:], p)
	return b
}

// resize returns b cut to size, or grown to it with zeros.
func resize(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size]
	}
	grown := slices.Grow(b, int(size)-len(b))[:size]
	clear(grown[len(b):])
	return grown
}
