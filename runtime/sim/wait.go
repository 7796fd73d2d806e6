package sim

import (
	"errors"
	"slices"

	"dsss/comm"
	"dsss/runtime/replica"
	"dsss/runtime/session"
)

// A wait is a caller that waits for something other than a mutation's result: a Sync, a Flush, a Leave or a query (x), or an Await.
type wait struct {
	what      string
	x         *session.Question
	ops       []*op   // begun before
	confirmed []*node // of all that anybody was told of before
	object    *replica.Object
	answered  []*node  // of hosted calls, before it was asked
	own       []uint64 // hosted calls of its own, begun before and not answered
	target    uint64   // how much the chain is to have
	changed   <-chan struct{}
}

// ask has the program begin to wait for something now and then.
func (k *worker) ask() {
	w := k.w
	if len(k.waits) >= 4 {
		return
	}
	if w.chance(w.mix.sync) {
		k.await(&wait{what: "sync", x: k.sess.Ask(comm.KindSync), confirmed: slices.Clone(w.confirmed)})
	}
	if w.chance(w.mix.flush) {
		k.await(&wait{what: "flush", x: k.sess.Ask(0)})
	}
	if w.chance(w.mix.await) {
		wt := &wait{what: "await", object: k.sess.Replica().Object(objectName), target: k.chain().count + 1 + w.rnd.Uint64N(8)}
		wt.look()
		k.await(wt)
	}
	if k.hosting && w.chance(w.mix.query) {
		k.query()
	}
	if w.chance(w.mix.leave) {
		k.leaving = true
		k.await(&wait{what: "leave", x: k.sess.Ask(comm.KindLeave)})
	}
}

func (k *worker) await(wt *wait) {
	wt.ops = slices.Clone(k.ops)
	k.waits = append(k.waits, wt)
	if wt.x != nil {
		k.flying++
	}
	k.w.count(wt.what)
}

// look evaluates the condition of an Await.
func (wt *wait) look() (ok bool) {
	ok, wt.changed = wt.object.Check(func() bool { return wt.object.State.(*chain).count >= wt.target })
	return ok
}

// lookUp is called after each step: it lets callers go on who have what they waited for.
func (k *worker) lookUp() {
	k.begin()
	k.waits = slices.DeleteFunc(k.waits, func(wt *wait) bool {
		switch {
		case wt.x == nil && !closed(wt.changed):
			if c := k.chain(); c.count >= wt.target {
				k.w.fail("%s awaits %d mutations and sleeps with %d", k.name, wt.target, c.count)
			}
			return false
		case wt.x == nil:
			return wt.look()
		case !closed(wt.x.Done()):
			return false
		}
		k.flying--
		k.check(wt)
		return true
	})
}

// check compares what somebody was told who waited with what that promises.
func (k *worker) check(wt *wait) {
	w := k.w
	if _, err := wt.x.Result(); err != nil {
		if k.sess.Err() == nil || wt.what == "leave" && errors.Is(err, session.ErrClosed) {
			w.fail("%s waits for a %s in vain: %v", k.name, wt.what, err)
		}
		return
	}
	w.count(wt.what + " done")
	for _, n := range wt.confirmed {
		if !n.lost && !k.ghost.has(n) {
			w.fail("%s stands at sequence number %d after a sync, without the batch at %d that was confirmed before it", k.name, k.ghost.last, n.first)
		}
	}
	switch wt.what {
	case "sync":
		return
	case "open":
		k.hosting = true
		return
	case "query":
		k.checkQuery(wt)
		return
	}
	for _, o := range wt.ops {
		if !o.settled || o.failed != nil && !errors.Is(o.failed, session.ErrResultLost) {
			w.fail("%s is told that its %s is done, and its mutation %d was not applied: %v", k.name, wt.what, o.id, o.failed)
		}
	}
}

// left is called when the session is over.
func (k *worker) left() {
	for _, wt := range k.waits {
		switch {
		case wt.x == nil:
		case !closed(wt.x.Done()):
			k.w.fail("%s waits for a %s, and its session is over", k.name, wt.what)
		case !k.blown:
			k.check(wt)
		}
	}
	k.waits = nil
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// confirm adds to those batches that somebody was told of that k told somebody that n was applied.
func (w *world) confirm(told []*node, n *node, k *worker) []*node {
	if n.empty() {
		return told
	}
	if w.gated() && k.co.core.Epoch() == n.epoch && n.last > k.co.core.Commit() {
		w.fail("%s has applied the batch at sequence numbers %d to %d under durability sync, and the commit index is %d", k.name, n.first, n.last, k.co.core.Commit())
	}
	told = slices.DeleteFunc(told, func(other *node) bool { return other.lost || n.has(other) })
	if !slices.ContainsFunc(told, func(other *node) bool { return other.has(n) }) {
		told = append(told, n)
	}
	return told
}
