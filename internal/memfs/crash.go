package memfs

import (
	"cmp"
	"maps"
	"slices"
)

const (
	// sector is what a disk writes whole or not at all.
	sector = 512
	// unitsPerWrite bounds the units of one write; those of a large one are
	// several sectors each.
	unitsPerWrite = 64
)

// Keep decides about the i-th unit how many of its first Len bytes, or for one
// without bytes whether 1 or 0, the crash leaves.
type Keep func(i int, u Unit) int

// Hole fills bytes that a file grew over and that were never written. Nil
// leaves them zero.
type Hole func(b []byte)

// Units lists what a crash after the first n operations may lose, in the order
// of the operations. n lies between the trace's beginning ([Disk.Trace]) and
// [Disk.Ops]; without a trace it must be Ops.
func (d *Disk) Units(n int) []Unit {
	var units []Unit
	d.crash(n, func(_ int, u Unit) int { units = append(units, u); return u.Len }, nil)
	return units
}

// Crash returns the disk that a power failure after the first n operations
// leaves: what was synced, and of the rest what keep, asked about each unit of
// Units in order, says. What is on the new disk is on its medium; nobody holds a
// lock on it, and it has no faults and no limit. d is as before.
func (d *Disk) Crash(n int, keep Keep, hole Hole) *Disk {
	return &Disk{state: d.crash(n, keep, hole), locks: make(map[string]bool)}
}

// All keeps everything, as a crash of the process alone does.
func All(_ int, u Unit) int { return u.Len }

// None keeps nothing that was not synced.
func None(int, Unit) int { return 0 }

func (d *Disk) crash(n int, keep Keep, hole Hole) *state {
	d.mu.Lock()
	s := d.at(n)
	d.mu.Unlock()
	type pending struct {
		*node
		step
		file *wreck
	}
	var all []pending
	var files []*wreck
	var dirs []*node
	for number, nd := range s.nodes {
		if len(nd.pending) == 0 {
			continue // what is visible is on the medium
		}
		nd = s.own(number)
		w := &wreck{node: nd, bytes: nd.stable, size: int64(len(nd.stable)), hole: hole}
		if nd.dir {
			dirs = append(dirs, nd)
		} else {
			w.seen, w.cache = slices.Clone(nd.stable), slices.Clone(nd.stable)
			files = append(files, w)
		}
		for _, st := range nd.pending {
			all = append(all, pending{nd, st, w})
		}
		nd.pending = nil
	}
	slices.SortFunc(all, func(a, b pending) int { return cmp.Compare(a.n, b.n) })
	i := 0
	ask := func(st step, u Unit) int {
		if st.durable {
			return u.Len
		}
		i++
		return min(max(keep(i-1, u), 0), u.Len)
	}
	for _, p := range all {
		if !p.dir {
			p.file.take(p.step, ask)
		} else if ask(p.step, Unit{N: p.n, Kind: p.kind, Path: join(p.path, p.name), Len: 1}) == 1 {
			p.settleName(p.step)
		}
	}
	for _, w := range files {
		w.node.stable = w.finish()
		w.node.data = slices.Clone(w.node.stable)
		w.node.sure, w.node.reserved = w.size, 0
	}
	for _, nd := range dirs {
		nd.names = maps.Clone(nd.stableNames)
	}
	return s
}

// wreck is a file as a crash leaves it, in the making. Bytes behind size are on
// the medium but not in the file, until it grows over them.
type wreck struct {
	node  *node
	bytes []byte
	size  int64
	hole  Hole
	seen  []byte // what was visible after the steps taken so far
	cache []byte // the same without what a failed sync let memory drop
}

func (w *wreck) take(st step, ask func(step, Unit) int) {
	path := w.node.path
	if st.kind == Truncate {
		w.seen, w.cache = resize(w.seen, st.off), resize(w.cache, st.off)
		if ask(st, Unit{N: st.n, Kind: Truncate, Path: path, Off: st.off, Len: 1}) == 1 {
			w.grow(st.off)
			w.bytes, w.size = w.bytes[:st.off], st.off
		}
		return
	}
	w.seen = write(w.seen, st.off, st.data)
	if !st.doubted {
		w.cache = write(w.cache, st.off, st.data)
	}
	end := st.off + int64(len(st.data))
	piece := int64(sector)
	for int64(len(st.data)) > piece*unitsPerWrite {
		piece *= 2
	}
	for at := st.off; at < end; {
		next := min(at-at%piece+piece, end)
		if n := ask(st, Unit{N: st.n, Kind: Write, Path: path, Off: at, Len: int(next - at)}); n > 0 {
			// The disk is given whole sectors, so what was written to this one
			// before comes with it.
			from := at - at%sector
			if st.doubted {
				w.cache = write(w.cache, from, w.seen[from:at+int64(n)])
			}
			w.grow(from)
			w.bytes = write(w.bytes, from, w.cache[from:at+int64(n)])
		}
		at = next
	}
	if end > st.was {
		if n := ask(st, Unit{N: st.n, Kind: Write, Path: path, Size: true, Off: st.was, Len: int(end - st.was)}); n > 0 {
			w.size = max(w.size, st.was+int64(n))
		}
	}
}

// grow makes the bytes reach to size, with a hole.
func (w *wreck) grow(size int64) {
	was := int64(len(w.bytes))
	if size <= was {
		return
	}
	w.bytes = resize(w.bytes, size)
	if w.hole != nil {
		w.hole(w.bytes[was:])
	}
}

func (w *wreck) finish() []byte {
	w.grow(w.size)
	return slices.Clone(w.bytes[:w.size])
}
