package sim

import "dsss/comm"

// caughtUp looks up what a state has made of the replica.
func (k *worker) caughtUp() {
	was := k.ghost
	position := k.sess.Replica().Position()
	k.ghost = k.w.hist.byState[stateOf(position.Sequence, k.chain(), position.Sessions)]
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
	for at := 0; k.ghost.last < applied; {
		size := frameAt(frames, at)
		if size == 0 {
			k.w.fail("%s stands at sequence number %d, and has not been sent what lies behind %d", k.name, applied, k.ghost.last)
		}
		if kindAt(frames, at) == comm.KindBatch {
			b, err := comm.ParseBatch(frames[at+comm.HeaderSize : at+size])
			if err == nil && b.Sequence+uint64(b.Count)-1 > k.ghost.last {
				k.ghost = k.w.applied(k.ghost, b, k.name)
			}
		}
		at += size
	}
	k.mark(was)
}

// mark checks the replica and what was told, and notes what was seen for the first time.
func (k *worker) mark(was *node) {
	w := k.w
	if applied := k.sess.Replica().Applied(); k.ghost.last != applied || k.chain() != k.ghost.chain {
		w.fail("%s stands at sequence number %d and holds %v, the order leads to %v there", k.name, applied, k.chain(), k.ghost.chain)
	}
	for n := k.ghost; n.last > was.last && !n.seen; n = n.parent { // not n != was: a state may be reached by two ways
		n.seen = true
		w.late(n, k)
	}
	for _, o := range k.told {
		n := k.ghost.holding(o.seq)
		i := int(o.seq - n.first)
		if o.id != 0 && n.session != k.sess.ID() || !n.holds(i, o.id) { // calls that change nothing may stand in either order
			w.fail("%s is told that its mutation %d was applied at sequence number %d, where session %d applied %d", k.name, o.id, o.seq, n.session, n.ops[i])
		}
		if o.id != 0 && (o.put != nil || o.tally == nil && o.result != n.hashes[i]) {
			w.fail("%s gets a wrong result of its mutation at sequence number %d: %v", k.name, o.seq, o.put)
		}
		o.where = n
		w.confirm(n, k)
		w.count("confirmed")
	}
	k.told = k.told[:0]
}
