package sim

import (
	"errors"
	"time"

	"dsss/internal/stream"
	"dsss/runtime/coordinator"
)

// judge is called when the order of a coordinator goes on. What was seen of the orders before it and is not in its own
// is lost: that takes a reason.
func (w *world) judge(co *coord) {
	kept := map[*node]bool{}
	for n := co.tip; n != nil; n = n.parent {
		kept[n] = true
	}
	for n := co.tip.shared; n != nil; n = n.parent {
		kept[n] = true
	}
	for _, n := range w.hist.nodes {
		if n.counts() && n.seen && !n.lost && !kept[n] && !n.empty() {
			n.lost = true
			w.count("batch lost")
			if n.domain() == stream.Hosted {
				w.count("batch of hosted calls lost")
			}
			w.note("lost", n.first, n.last, n.epoch)
			w.excuse(n, co)
		}
	}
}

// late is called when k is the first to apply n. Where an order has gone on without it by then, n is lost: a coordinator
// that went on without waiting for k may still have had it under way to k.
func (w *world) late(n *node, k *worker) {
	for _, co := range w.l.coords {
		if co.tip == nil || co.core.Epoch() <= n.epoch || n.empty() || co.tip.keeps(n) {
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
func (n *node) empty() bool { return n.chain == n.parent.chain && n.window == n.parent.window }

// excuse fails unless the durability allows that n, which somebody saw, is not in the order of co.
func (w *world) excuse(n *node, co *coord) {
	if w.gated() {
		w.fail("the batch at sequence numbers %d to %d of epoch %d was seen under durability sync, and epoch %d goes on without it", n.first, n.last, n.epoch, co.core.Epoch())
	}
	for _, k := range w.l.now {
		if co.takeover && k.alive && !co.absent[k.rank] && k.ghost.keeps(n) && !k.unhelpful(co) {
			w.fail("the batch at sequence numbers %d to %d of epoch %d is lost, though %s, which was waited for, has applied it", n.first, n.last, n.epoch, k.name)
		}
	}
	for _, had := range w.l.coords {
		if had == co || had.tip == nil || !had.tip.keeps(n) {
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

// unhelpful tells whether k is a worker that could not help a takeover, because it had forgotten what the order went on with. It has
// that in its state, which lacks the hosted objects: so the order went on from a keeper or host that was behind it.
func (k *worker) unhelpful(co *coord) bool {
	base := co.tip
	for base.epoch == co.core.Epoch() {
		base = base.parent
	}
	if k.full() || !k.ghost.opened || k.sess.Hello().Recalls <= base.last+1 {
		return false
	}
	k.w.count("batch lost that a worker had forgotten")
	return true
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

// resume ends the job in good order, and expects the next run to go on with all of it.
func (w *world) resume() {
	tip, was := w.l.coord.tip, w.l.coord
	w.l.failed = 0 // this end is not a failure
	was.do(func() { was.core.Stop(errors.New("enough")) })
	for w.l.coord == was && w.step() {
	}
	w.settle()
	n := w.l.coord.tip
	for n.last > tip.last {
		n = n.parent
	}
	switch {
	case n.chain == tip.chain && n.window == tip.window: // not n == tip: there may be two ways to it
		w.count("resumed after the calm")
	case was.kept:
		w.fail("the job ended in good order at sequence number %d, and was resumed without all of it", tip.last)
	default:
		w.count("resumed after the calm without what did not come to disk")
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
		if n.counts() && n.seen && !n.lost && !n.empty() && !w.l.coord.tip.keeps(n) && w.gated() {
			w.fail("the batch at sequence number %d of epoch %d was seen, and is not in the order", n.first, n.epoch)
		}
	}
	w.checkCalls()
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
	case o.where != nil && kept == 0 && !o.where.lost && w.l.coord.tip.keeps(o.where):
		w.fail("mutation %d of %s was confirmed and is not in the order", o.id, who)
	case o.hosted && o.where != nil && !w.l.coord.tip.keeps(o.where) && (kept > 0 || o.of.alive && !o.of.over):
		w.fail("hosted call %d of %s was answered at sequence number %d, and the order has it elsewhere, or %s goes on without it", o.id, who, o.seq, who)
	case o.where != nil && kept == 0 && w.gated():
		w.fail("mutation %d of %s was confirmed under durability sync and is lost", o.id, who)
	}
	w.compareFailure(o, kept, anywhere)
}
