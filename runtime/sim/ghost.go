package sim

import (
	"dsss/comm"
	"dsss/internal/stream"
)

// caughtUp looks up what a state has made of the replica.
func (k *worker) caughtUp() {
	was := k.ghost
	position := k.sess.Replica().Position()
	holds := stateOf(position.Sequence, k.chain(), position.Sessions)
	if k.full() {
		h := k.holding()
		k.ghost = k.w.hist.byState[fullState(holds, h.window, hashOf(h.results))]
	} else if k.ghost = k.w.hist.byWorker[holds]; k.ghost != nil {
		k.ghost = k.ghost.shared
	}
	switch {
	case k.ghost == nil:
		k.w.fail("%s is caught up to a state at sequence number %d that no order leads to", k.name, position.Sequence)
	case !k.ghost.has(was):
		k.w.fail("%s stood at sequence number %d of epoch %d and is caught up to %d of epoch %d, of another order",
			k.name, was.last, was.epoch, k.ghost.last, k.ghost.epoch)
	}
	k.mark(was)
}

// chain is what the replica holds.
func (k *worker) chain() chain {
	if o := k.sess.Replica().Object(objectName); o != nil {
		return *o.State.(*chain)
	}
	return chain{}
}

// holding is what the replica holds, as it saves it.
func (k *worker) holding() *holding {
	h := &holding{}
	if err := k.sess.Replica().Save(h); err != nil {
		k.w.fail("%s cannot save its state: %v", k.name, err)
	}
	return h
}

// full tells whether the process holds all objects.
func (k *worker) full() bool { return k.rank < 0 }

// follow handles one frame and batches behind it.
func (k *worker) follow() {
	if len(k.got) == 0 {
		k.feed(0)
	}
	frames := k.got
	k.got = nil
	var err error
	for err == nil {
		err = k.sess.Follow(k.conn)
		if !k.conn.Ready() && len(k.e.fed) == 0 {
			break
		}
	}
	if !k.blown {
		k.advance(frames)
	}
	if err != nil {
		k.broken(err)
	}
}

// advance goes the way in the history that the replica has gone with these frames.
func (k *worker) advance(frames []byte) {
	was := k.ghost
	applied := k.sess.Replica().Applied()
	for at := 0; frameAt(frames, at) > 0; {
		size := frameAt(frames, at)
		if kindAt(frames, at) == comm.KindBatch {
			k.take(frames[at+comm.HeaderSize:at+size], applied)
		}
		at += size
	}
	k.mark(was)
}

// take goes on by one batch, if the replica has.
func (k *worker) take(body []byte, applied uint64) {
	b, err := comm.ParseBatch(body)
	switch last := b.Sequence + uint64(b.Count) - 1; {
	case err != nil || last <= k.ghost.last || last > applied:
	case !k.full() && b.Domain() == stream.Hosted:
		k.w.fail("%s is sent the hosted calls at sequence number %d", k.name, b.Sequence)
	default:
		k.ghost = k.w.applied(k.ghost, b, !k.full(), k.name)
	}
}

// mark checks the replica and what was told, and notes what was seen for the first time.
func (k *worker) mark(was *node) {
	w := k.w
	k.checkPlace()
	if k.chain() != k.ghost.chain {
		w.fail("%s stands at sequence number %d and holds %v, the order leads to %v there", k.name, k.ghost.last, k.chain(), k.ghost.chain)
	}
	if w.mix.hosted > 0 {
		k.checkHosted()
	}
	for n := k.ghost; n.last > was.last && !n.seen; n = n.parent { // not n != was: a state may be reached by two ways
		n.seen = true
		w.late(n, k)
		if s := n.shared; !s.seen && n.domain() == stream.Replicated {
			s.seen = true
			w.late(s, k)
		}
	}
	for _, o := range k.told {
		if o.hosted {
			k.checkAnswer(o)
		} else {
			k.checkResult(o)
		}
		w.count("confirmed")
	}
	k.told = k.told[:0]
}

// checkPlace fails unless the replica stands where the batches lead that it was sent. A worker passes by the hosted calls that come
// next, and nothing else.
func (k *worker) checkPlace() {
	applied := k.sess.Replica().Applied()
	if k.full() || applied <= k.ghost.last || k.co == nil || k.co.tip == nil {
		if applied != k.ghost.last {
			k.w.fail("%s stands at sequence number %d, and has been sent what leads to %d", k.name, applied, k.ghost.last)
		}
		return
	}
	n := k.co.tip.shared
	for n.last > applied {
		n = n.parent
	}
	if n != k.ghost {
		k.w.fail("%s stands at sequence number %d, and was not sent the batch at %d, only those up to %d", k.name, applied, n.first, k.ghost.last)
	}
}

// checkResult compares what a caller was told of a replicated call with the order.
func (k *worker) checkResult(o *op) {
	w, n := k.w, k.ghost.holding(o.seq)
	i := int(o.seq - n.first)
	if o.seq > n.last || o.id != 0 && n.session != k.sess.ID() || !n.holds(i, o.id) { // calls that change nothing may stand in either order
		w.fail("%s is told that its mutation %d was applied at sequence number %d, where the batch at %d of session %d is", k.name, o.id, o.seq, n.first, n.session)
	}
	if o.id != 0 && (o.put != nil || o.tally == nil && o.result != n.hashes[i]) {
		w.fail("%s gets a wrong result of its mutation at sequence number %d: %v", k.name, o.seq, o.put)
	}
	o.where = n
	w.confirmed = w.confirm(w.confirmed, n, k)
}
