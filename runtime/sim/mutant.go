package sim

import (
	"dsss/comm/wire"
	"dsss/runtime/order"
)

// step is the machine's Step as a mutant has it.
func (m Mutant) step(w *world) func(*order.Machine, order.Event) []order.Effect {
	switch m {
	case NoDedupe:
		return again
	case NoGate:
		return ungated
	case NoEpochs:
		return forgetful
	case NoCover:
		return uncovered
	case NoEnd:
		return undying
	case NoRoom:
		return strict
	}
	return m.hostedStep(w)
}

// again orders what was ordered before once more.
func again(m *order.Machine, ev order.Event) []order.Effect {
	out := m.Step(ev)
	if ev.Kind == order.Batch && len(out) == 1 && out[0].Kind == order.Drop {
		ev.Request = m.Ordered(ev.Session) + 1
		out = m.Step(ev)
	}
	return out
}

// ungated lets readers see what is not on disk.
func ungated(m *order.Machine, ev order.Event) []order.Effect {
	var out []order.Effect
	for _, e := range m.Step(ev) {
		if e.Kind != order.Release {
			out = append(out, e)
		}
	}
	return append(out, order.Effect{Kind: order.Release, Sequence: m.Head(), Replicated: m.Head()})
}

// forgetful does not compare the past of a replica with that of the order.
func forgetful(m *order.Machine, ev order.Event) []order.Effect {
	if hello, ok := ev.Message.(*wire.HelloT); ok && m.Going() && hello.Epoch != 0 {
		same := *hello
		same.Epoch = m.Epoch()
		ev.Message = &same
	}
	return m.Step(ev)
}

// uncovered gives the log on disk up for nothing.
func uncovered(m *order.Machine, ev order.Event) []order.Effect {
	if ev.Kind == order.Behind {
		return []order.Effect{{Kind: order.Renew}}
	}
	return m.Step(ev)
}

// undying lets a session come back that has ended.
func undying(m *order.Machine, ev order.Event) []order.Effect {
	if hello, ok := ev.Message.(*wire.HelloT); ok {
		unnumbered := *hello
		unnumbered.Incarnation = 0
		ev.Message = &unnumbered
	}
	return m.Step(ev)
}

// strict has a full memory be full for everybody.
func strict(m *order.Machine, ev order.Event) []order.Effect {
	ev.Held.FullOver = true
	return m.Step(ev)
}
