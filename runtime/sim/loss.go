package sim

import (
	"time"

	"dsss/runtime/coordinator"
)

// judge is called when the order of a coordinator goes on. What was seen of the orders before it and is not in its own
// is lost: that takes a reason.
func (w *world) judge(co *coord) {
	kept := map[*node]bool{}
	for n := co.tip; n != nil; n = n.parent {
		kept[n] = true
	}
	for _, n := range w.hist.nodes {
		if n.seen && !n.lost && !kept[n] && !n.empty() {
			n.lost = true
			w.count("batch lost")
			w.note("lost", n.first, n.last, n.epoch)
			w.excuse(n, co)
		}
	}
}

// late is called when k is the first to apply n. Where an order has gone on without it by then, n is lost: a coordinator
// that went on without waiting for k may still have had it under way to k.
func (w *world) late(n *node, k *worker) {
	for _, co := range w.l.coords {
		if co.tip == nil || co.core.Epoch() <= n.epoch || n.empty() || co.tip.has(n) {
			continue
		}
		n.lost = true
		w.count("batch seen after it was lost")
		if w.gated() {
			w.fail("%s applies the batch at sequence numbers %d to %d of epoch %d under durability sync, and epoch %d has gone on without it", k.name, n.first, n.last, n.epoch, co.core.Epoch())
		}
		if !co.absent[k.rank] && !k.abandoned { // else its successor was waited for
			w.fail("%s applies the batch at sequence numbers %d to %d of epoch %d, and epoch %d, which waited for it, has gone on without it", k.name, n.first, n.last, n.epoch, co.core.Epoch())
		}
		return
	}
}

// empty tells whether a batch changes nothing, so that an order without it may be the same.
func (n *node) empty() bool { return n.chain == n.parent.chain }

// excuse fails unless the durability allows that n, which somebody saw, is not in the order of co.
func (w *world) excuse(n *node, co *coord) {
	if w.gated() {
		w.fail("the batch at sequence numbers %d to %d of epoch %d was seen under durability sync, and epoch %d goes on without it", n.first, n.last, n.epoch, co.core.Epoch())
	}
	for _, k := range w.l.now {
		if co.takeover && k.alive && !co.absent[k.rank] && k.ghost.has(n) {
			w.fail("the batch at sequence numbers %d to %d of epoch %d is lost, though %s, which was waited for, has applied it", n.first, n.last, n.epoch, k.name)
		}
	}
	for _, had := range w.l.coords {
		if had == co || had.tip == nil || !had.tip.has(n) {
			continue
		}
		if had.kept && !w.powerSince(had.endAt) {
			w.fail("the batch at sequence numbers %d to %d of epoch %d is lost, though %s ended in good order", n.first, n.last, n.epoch, had.name)
		}
		lived := time.Duration(had.endAt - had.idle - max(n.at, had.openedAt))
		if bound := w.mix.logInterval + 2*w.mix.diskSlow + time.Millisecond; w.mix.durability == coordinator.Interval && lived > bound {
			w.fail("the batch at sequence numbers %d to %d of epoch %d is lost, though %s had it for %v", n.first, n.last, n.epoch, had.name, lived)
		}
	}
}

func (w *world) powerSince(at int64) bool {
	for _, p := range w.l.power {
		if p >= at {
			return true
		}
	}
	return false
}

// settle ends the faults, and waits until everybody has caught up.
func (w *world) settle() {
	w.note("calm", 0, 0, 0)
	w.calm, w.full, w.armed = true, false, nil
	for _, p := range append([]*proc(nil), w.procs...) {
		p.apart = 0
		p.goOn()
	}
	for _, co := range w.l.coords {
		if co.fenced {
			co.die("at last")
		}
	}
	const patience = 200 * time.Second
	end := w.now + int64(patience)
	for look := int64(0); ; {
		if w.now >= look {
			if w.l.caughtUp() == "" {
				return
			}
			look = w.now + int64(5*time.Millisecond)
		}
		if w.now > end || !w.step() {
			w.fail("%v after the last fault: %s", patience, w.l.caughtUp())
		}
	}
}

// final compares what every caller was told with the order that was kept.
func (w *world) final() {
	kept := map[uint64]int{}
	anywhere := map[uint64]bool{}
	for n := w.l.coord.tip; n.parent != nil; n = n.parent {
		for id := range n.ids {
			kept[id]++
		}
	}
	for _, n := range w.hist.nodes {
		for id := range n.ids {
			anywhere[id] = true
		}
		if n.seen && !n.lost && !n.empty() && !w.l.coord.tip.has(n) && w.gated() {
			w.fail("the batch at sequence number %d of epoch %d was seen, and is not in the order", n.first, n.epoch)
		}
	}
	for _, k := range w.l.workers {
		for _, o := range k.ops {
			if o.id != 0 {
				w.compare(o, kept[o.id], anywhere[o.id])
			}
		}
	}
}

// compare compares what one caller was told of one mutation with how often it is in the order that was kept, and whether
// it ever was in any.
func (w *world) compare(o *op, kept int, anywhere bool) {
	who := o.of.name
	switch {
	case kept > 1:
		w.fail("mutation %d of %s is in the order %d times", o.id, who, kept)
	case !o.settled && o.of.alive:
		w.fail("mutation %d of %s never got a result (abandoned: %v, in flight: %d)", o.id, who, o.of.abandoned, o.of.flying)
	case o.where != nil && kept == 0 && !o.where.lost && w.l.coord.tip.has(o.where):
		w.fail("mutation %d of %s was confirmed and is not in the order", o.id, who)
	case o.where != nil && kept == 0 && w.gated():
		w.fail("mutation %d of %s was confirmed under durability sync and is lost", o.id, who)
	}
	w.compareFailure(o, kept, anywhere)
}
