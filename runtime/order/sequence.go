package order

import (
	"fmt"

	"dsss/comm/wire"
	"dsss/internal/stream"
)

// batch orders a batch exactly once. A worker sends its batches in order of their requests and sends them again, cut the
// same way, after a reconnect; so a batch is either all new, all old, or a breach of the protocol.
func (m *Machine) batch(ev Event) {
	mem := m.members[stream.Session(ev.Session)]
	switch {
	case m.stopped: // nothing more is ordered; the word about the end is on its way
		return
	case mem == nil || mem.peer != ev.Peer || mem.role != wire.RoleWorker || stream.Domain(ev.Session) >= stream.Domains:
		m.breach(ev.Peer, "a batch of stream %x, which does not send batches on this connection", ev.Session)
		return
	case ev.Held.Full && (!mem.asked || ev.Held.FullOver): // a state comes behind the batches under way, and may be what makes room
		m.emit(Effect{Kind: Full})
		return
	}
	last := m.table.Sessions[ev.Session]
	end := ev.Request + uint64(ev.Count) - 1
	switch {
	case ev.Request == 0 || ev.Count == 0:
		m.breach(ev.Peer, "batch without request or calls")
	case end < ev.Request:
		m.breach(ev.Peer, "request numbers overflow")
	case end <= last:
		m.emit(Effect{Kind: Drop, Session: ev.Session, Request: ev.Request, Count: ev.Count})
	case ev.Request != last+1:
		m.breach(ev.Peer, "requests %d to %d do not follow request %d", ev.Request, end, last)
	default:
		m.append(Effect{Session: ev.Session, Request: ev.Request, Count: ev.Count})
		if stream.Domain(ev.Session) == stream.Hosted {
			m.wantHost()
		}
	}
}

// breach closes a connection that broke the protocol.
func (m *Machine) breach(peer uint64, format string, args ...any) {
	m.emit(Effect{Kind: Close, Peer: peer, Cause: Failed, Reason: fmt.Sprintf(format, args...)})
}

// append gives the next sequence numbers.
func (m *Machine) append(e Effect) {
	e.Kind, e.Sequence, e.Previous = Append, m.table.Head+1, m.shared
	m.table.add(e.Session, e.Request, e.Count)
	if stream.Domain(e.Session) == stream.Replicated {
		m.shared = m.table.Head
		m.proposed = append(m.proposed, m.shared)
	}
	m.gate.Propose(m.table.Head)
	if e.Control == nil {
		m.changed = m.table.Head
	}
	m.emit(e)
	m.release()
}

// control orders a call of the coordinator's own.
func (m *Machine) control(c *wire.ControlT) {
	if m.stopped && !m.done || m.phase != going {
		return
	}
	m.append(Effect{Session: stream.Coordinator, Request: m.table.Sessions[stream.Coordinator] + 1, Count: 1, Control: c})
	m.table.Apply(c)
	if c.Kind == wire.ControlKindStart || c.Kind == wire.ControlKindOmit {
		m.emit(Effect{Kind: Spill, Sync: true}) // under every durability
	}
}

// release says how far readers may read, if that is news.
func (m *Machine) release() {
	c := m.gate.Committed()
	if c == m.released {
		return
	}
	m.released = c
	n := 0
	for n < len(m.proposed) && m.proposed[n] <= c {
		m.replicated = m.proposed[n]
		n++
	}
	m.proposed = append(m.proposed[:0], m.proposed[n:]...)
	m.emit(Effect{Kind: Release, Sequence: c, Replicated: m.replicated})
	m.answerReads()
}

// persisted takes the disk's word.
func (m *Machine) persisted(seq uint64) {
	m.gate.Persisted(seq)
	m.release()
}

// A read is a Sync that waits for its read index.
type read struct {
	session, id uint64
}

// sync answers how far a replica has to be for its reads to be linearizable: the gate says, which may have to ask others.
func (m *Machine) sync(mem *member, id uint64) {
	if len(m.reads) < maxReads {
		m.reads = append(m.reads, read{mem.session, id})
	}
	m.answerReads()
}

// maxReads bounds the Syncs that wait: each member asks for a few at a time, and asks again on its next connection.
const maxReads = 1 << 16

func (m *Machine) answerReads() {
	if len(m.reads) == 0 {
		return
	}
	index, known := m.gate.ReadIndex()
	if !known {
		return
	}
	for _, r := range m.reads {
		if mem := m.members[r.session]; mem != nil {
			head := index
			if mem.role == wire.RoleWorker { // what lies behind is not for it
				head = min(index, m.replicated)
			}
			m.post(mem, &wire.SyncedT{Id: r.id, Head: head, Session: r.session})
		}
	}
	m.reads = m.reads[:0]
}
