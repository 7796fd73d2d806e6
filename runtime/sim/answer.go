package sim

import (
	"fmt"
	"slices"

	"dsss/comm/wire"
	"dsss/internal/stream"
	"dsss/runtime/replica"
)

// Receive takes what the host says of a hosted call.
func (o *op) Receive(data []byte, failed string) {
	o.window, o.declined = chainIn(data), failed
}

// checkAnswer compares what a caller was told of a hosted call with the order.
func (k *worker) checkAnswer(o *op) {
	w, n := k.w, k.co.tip.holding(o.seq)
	i := int(o.seq - n.first)
	if o.seq > n.last || n.session != stream.Of(k.sess.ID(), stream.Hosted) || n.ops[i] != o.id && o.method != blowID {
		w.fail("%s is told that its hosted call %d was applied at sequence number %d, where the batch at %d of stream %d is", k.name, o.id, o.seq, n.first, n.session)
	}
	if o.method == blowID && o.declined == leftOut {
		return
	}
	want, text := chain{}, errDeclined.Error()
	if takes(o.id) {
		want, text = n.windows[i], ""
	}
	if o.window != want || o.declined != text {
		w.fail("%s gets a wrong answer to its hosted call at sequence number %d: %v %q, and the order leads to %v %q", k.name, o.seq, o.window, o.declined, want, text)
	}
	o.where, k.answered = n, o
	w.answered = w.confirm(w.answered, n, k)
	w.count("answered")
}

// checkHosted compares what the replica holds of hosted objects with the order: a worker's holds nothing of them.
func (k *worker) checkHosted() {
	w := k.w
	if !k.full() {
		if o := k.sess.Replica().Object(windowName); o != nil && o.State != nil {
			w.fail("%s holds the hosted object", k.name)
		}
		return
	}
	if h := k.holding(); h.window != k.ghost.window || hashOf(h.results) != k.ghost.resultsHash() {
		w.fail("%s stands at sequence number %d and holds the window %v and %d bytes of results, the order leads to %v and %d results",
			k.name, k.ghost.last, h.window, len(h.results), k.ghost.window, len(k.ghost.results))
	}
}

// checkWelcome fails when the worker goes on with an order that lacks a hosted call whose answer it had.
func (k *worker) checkWelcome() {
	if o := k.answered; o != nil && !k.co.tip.keeps(o.where) {
		k.w.fail("%s goes on with %s, which has lost its hosted call at sequence number %d, and that was answered", k.name, k.co.name, o.seq)
	}
}

// openHosted makes the hosted object, and asks for a host.
func (k *worker) openHosted() {
	object := k.sess.Replica().Object(windowName)
	switch {
	case k.opening == nil:
		k.opening = &op{of: k}
		k.submitCreate(k.opening, windowName, windowClass, true)
	case object == nil || k.asked:
	case object.ID != windowID || k.sess.Replica().Object(replica.ResultsName).ID != resultsID:
		k.w.fail("%s finds the hosted object with id %d", k.name, object.ID)
	default:
		k.asked = true
		if k.w.cfg.Mutant != NoAck {
			k.sess.Hosting()
		}
		k.await(&wait{what: "open", x: k.sess.AskQuery(windowID, 0, nil)})
	}
}

// query asks where the window stands.
func (k *worker) query() {
	wt := &wait{what: "query", answered: slices.Clone(k.w.answered)}
	for _, o := range k.ops {
		if o.hosted && o.method == takeID && !o.settled && takes(o.id) {
			wt.own = append(wt.own, o.id)
		}
	}
	wt.x = k.sess.AskQuery(windowID, standsID, nil)
	k.await(wt)
}

// checkQuery fails unless what the host says of the window has all that had been answered to anybody before the question, and all that
// who asks had begun.
func (k *worker) checkQuery(wt *wait) {
	w := k.w
	p, _ := wt.x.Result()
	if p.Outcome != wire.OutcomeDone {
		w.fail("%s asks where the window stands and is told: %s", k.name, p.Data)
	}
	at, known := w.hist.byWindow[chainIn(p.Data)]
	switch {
	case len(p.Data) == 16 && chainIn(p.Data) == chain{}:
		at.n = w.hist.root
	case !known || !k.co.tip.has(at.n):
		w.fail("%s is told that the window stands at %v, to which its order does not lead", k.name, chainIn(p.Data))
	}
	for _, n := range wt.answered {
		if !n.lost && !at.n.has(n) {
			w.fail("%s is told of the window as it was at sequence number %d, without the hosted calls at %d, which had been answered", k.name, at.n.last, n.first)
		}
	}
	missing := wt.own
	for n := at.n; n != nil && len(missing) > 0; n = n.parent {
		missing = slices.DeleteFunc(missing, func(id uint64) bool { return slices.Contains(n.ops, id) })
	}
	if len(missing) > 0 {
		w.fail("%s is told of the window as it was at sequence number %d, without its own call %d, which it had begun before", k.name, at.n.last, missing[0])
	}
}

// retained tells what is retained that should not be, once all is quiet: of each session that goes on, the result of its last
// acknowledgement may be, and nothing else. A session that ended before the coordinator knew it is not known to have ended.
func (l *launcher) retained() string {
	had := map[uint64]bool{}
	for _, r := range l.coord.tip.results {
		k := l.of(stream.Session(r.stream))
		switch {
		case k.home != l.coord:
		case l.now[k.rank] != k || !k.alive:
			return fmt.Sprintf("results of %s, which has ended, are retained", k.name)
		case had[r.stream] || r.count != 1 || len(r.outcomes) != len(acknowledged):
			return fmt.Sprintf("results of request %d of %s are retained, which have come", r.request, k.name)
		}
		had[r.stream] = true
	}
	return ""
}

// of returns the process that has, or had, a session.
func (l *launcher) of(session uint64) *worker {
	return l.workers[slices.IndexFunc(l.workers, func(k *worker) bool { return k.sess.ID() == session })]
}

// checkCalls fails when the calls of a session do not stand in the order in which they were begun. Where hosted calls were lost
// they need not: what follows them is there, and they come again.
func (w *world) checkCalls() {
	var path []*node
	for n := w.l.coord.tip; n.parent != nil; n = n.parent {
		path = append(path, n)
	}
	last := map[uint64]uint64{}
	for _, n := range slices.Backward(path) {
		calls := n.plain
		switch {
		case n.session == stream.Void:
			w.count("hosted calls that are void")
			return
		case n.domain() == stream.Hosted:
			calls = n.ops
		}
		for _, id := range calls {
			session := stream.Session(n.session)
			if id != 0 && id < last[session] {
				w.fail("session %d called %d before %d, and the order has it behind that", session, id, last[session])
			}
			last[session] = max(last[session], id)
		}
	}
}
