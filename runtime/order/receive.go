package order

import (
	"fmt"

	"dsss/comm/wire"
	"dsss/internal/limits"
)

// received handles what a member says besides batches.
func (m *Machine) received(ev Event) {
	mem := m.members[ev.Session]
	if mem == nil || mem.peer != ev.Peer {
		m.breach(ev.Peer, "%T of session %x, which is not behind this connection", ev.Message, ev.Session)
		return
	}
	switch msg := ev.Message.(type) {
	case *wire.HeartbeatT:
		mem.applied = max(mem.applied, msg.Applied)
		if m.cfg.Lazy {
			m.tellStable(ev.Held)
		}
	case *wire.SyncT:
		m.sync(mem, msg.Id)
	case *wire.SaveT:
		m.save(request{session: mem.session, id: msg.Id})
	case *wire.SavedT:
		m.saved(mem, msg)
	case *wire.DigestT:
		m.digested(mem, msg)
	case *wire.QueryT:
		m.query(mem, msg)
	case *Reply:
		m.fromHost(mem, msg)
	case *wire.ProgressT:
		e := mem.about(wire.HappeningProgressed)
		e.Text = msg.Text[:min(len(msg.Text), limits.ProgressText)]
		m.tell(e)
	case *wire.PanicT:
		m.panic(mem, msg)
	case *wire.LeaveT:
		m.leave(mem, ev.Held)
	default:
		m.breach(ev.Peer, "%T from a replica", ev.Message)
	}
}

// panic ends the job at a mutation that panicked; every replica will report it, the first is heard. The order says that it is
// left out from now on.
func (m *Machine) panic(mem *member, p *wire.PanicT) {
	switch {
	case p.Sequence == 0 || p.Sequence > m.Commit():
		m.breach(mem.peer, "a panic at sequence number %d, which was never sent", p.Sequence)
		return
	case m.panicked != 0 || m.stopped:
		return
	}
	m.panicked = p.Sequence
	text := fmt.Sprintf("mutator %s of %s panicked at sequence number %d: %s; arguments %s", p.Method, p.Object, p.Sequence, p.Text, p.Arguments)
	e := mem.about(wire.HappeningPanicked)
	e.Sequence, e.Text, e.Detail = p.Sequence, text, p.Stack
	m.tell(e)
	m.control(&wire.ControlT{Kind: wire.ControlKindOmit, Sequence: p.Sequence})
	m.stop(Failed, "%s; a resumed job goes on without it", text)
}

// command does what the launcher or an operator wants. What an operator wants of the launcher is told to it.
func (m *Machine) command(ev Event) {
	p, c := m.peers[ev.Peer], ev.Message.(*wire.CommandT)
	if p == nil {
		return
	}
	own := p.role == wire.RoleControl
	switch {
	case c.Verb == wire.VerbCheckpoint && own:
		m.save(request{})
	case c.Verb == wire.VerbCheckpoint:
		m.save(request{peer: ev.Peer})
	case c.Verb == wire.VerbGrow:
		m.cfg.Size = min(m.cfg.Size+int(c.Count), max(limits.Workers, m.cfg.Size))
		m.tell(&wire.EventT{What: wire.HappeningGrow, Count: uint64(c.Count), Rank: -1})
	case c.Verb == wire.VerbShrink:
		m.tell(&wire.EventT{What: wire.HappeningShrink, Rank: c.Rank})
	case c.Verb == wire.VerbGone && own:
		m.processGone(c.Rank, c.Incarnation)
	case c.Verb == wire.VerbFinish && own:
		switch c.Status {
		case "finished", "interrupted", "failed":
			m.finish(c.Status, c.Count > 0)
		default:
			m.breach(ev.Peer, "status %q", c.Status)
		}
	default:
		m.breach(ev.Peer, "%v from %v", c.Verb, p.role)
	}
}
