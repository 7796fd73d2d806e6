package sim

import (
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/stream"
	"dsss/runtime/order"
)

// hostedStep is step for the mutants that lack something of hosted objects.
func (m Mutant) hostedStep(w *world) func(*order.Machine, order.Event) []order.Effect {
	switch m {
	case NoStreams:
		return w.once
	case NoFull:
		return unaware
	case NoRetain:
		return unretained()
	case NoCursor:
		return lagging()
	case NoHead:
		return hasty
	}
	return (*order.Machine).Step
}

// once drops a hosted call that any coordinator ever ordered, as one would that knows how far a session is by one number: what it
// ordered behind a call that a takeover lost says that it had that call.
func (w *world) once(m *order.Machine, ev order.Event) []order.Effect {
	if ev.Kind == order.Batch && stream.Domain(ev.Session) == stream.Hosted && ev.Request+uint64(ev.Count)-1 <= w.hist.most[ev.Session] {
		return []order.Effect{{Kind: order.Drop, Session: ev.Session, Request: ev.Request, Count: ev.Count}}
	}
	return m.Step(ev)
}

// unaware does not know in a takeover that there are hosted objects, so that it asks whoever has come furthest, and nobody else.
func unaware(m *order.Machine, ev order.Event) []order.Effect {
	if hello, ok := ev.Message.(*wire.HelloT); ok && !m.Going() {
		same := *hello
		same.Hosted = false
		ev.Message = &same
	}
	return m.Step(ev)
}

// unretained passes each result on once, as when nobody kept it.
func unretained() func(*order.Machine, order.Event) []order.Effect {
	passed := map[uint64]uint64{}
	return func(m *order.Machine, ev order.Event) []order.Effect {
		reply, is := ev.Message.(*order.Reply)
		if is && comm.Kind(reply.Frame[8]) == comm.KindResult {
			r, _, err := comm.ParseResult(reply.Frame[comm.HeaderSize:])
			if err != nil || r.Request <= passed[r.Stream] {
				return nil
			}
			passed[r.Stream] = r.Request + uint64(r.Count) - 1
		}
		return m.Step(ev)
	}
}

// lagging says of the replicated domain that it ends where it did a while ago, so that cursors take what is new for hosted calls.
func lagging() func(*order.Machine, order.Event) []order.Effect {
	last := uint64(0)
	return func(m *order.Machine, ev order.Event) []order.Effect {
		out := m.Step(ev)
		for i := range out {
			if e := &out[i]; e.Kind == order.Release {
				e.Replicated, last = min(last, e.Replicated), e.Replicated
			}
		}
		return out
	}
}

// hasty has queries answered by a host that has not come as far as the order had.
func hasty(m *order.Machine, ev order.Event) []order.Effect {
	out := m.Step(ev)
	for _, e := range out {
		if q, ok := e.Message.(*wire.QueryT); ok && e.Kind == order.Post {
			q.Head = 0
		}
	}
	return out
}
