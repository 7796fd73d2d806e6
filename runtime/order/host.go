package order

import (
	"dsss/comm/wire"
	"dsss/internal/stream"
)

// Hosted objects are held by the host and the keeper alone. Their calls are ordered like any others; what they return on the host
// comes back through here. Nothing of that is kept: the host keeps results until the order says that they have arrived,
// and whoever asked a query asks again.

// wantHost has the launcher told, once, that there is work for a host and none is here.
func (m *Machine) wantHost() {
	m.hosted = true
	if m.ranks[Host] == nil && !m.wanted {
		m.wanted = true
		m.tell(&wire.EventT{What: wire.HappeningHosted, Role: wire.RoleHost, Rank: Host})
	}
}

// lacks notes that a keeper or host cannot join, because neither log nor checkpoint has what it needs. It comes when the one before it
// has ended: where neither can join, nobody holds the hosted objects any more, and the job ends.
func (m *Machine) lacks(rank int32) {
	if rank >= 0 || !m.hosted {
		return
	}
	m.lacking[rank] = true
	if rank == Keeper {
		m.wantHost()
	}
	if m.lacking[Keeper] && m.lacking[Host] && m.ranks[Keeper] == nil && m.ranks[Host] == nil {
		m.stop(Failed, "no process that holds the hosted objects is left, and neither log nor checkpoint does: end the job and go on with --resume")
	}
}

// hostJoined has what was asked of another host, or of none, asked again. What a new host retains it sends by itself.
func (m *Machine) hostJoined(host *member) {
	m.hosted, m.wanted = true, false
	for _, mem := range m.inOrder() {
		if mem.role == wire.RoleWorker {
			m.post(mem, &wire.HostingT{Session: mem.session, Incarnation: host.incarnation})
		}
	}
}

// askResults asks the host for what it retains for a worker that has connected again.
func (m *Machine) askResults(mem *member) {
	id := stream.Of(mem.session, stream.Hosted)
	if host := m.ranks[Host]; host != nil && m.table.Sessions[id] != 0 {
		m.post(host, &wire.ResendT{Stream: id})
	}
}

// query passes a worker's question on to the host, which answers once it has applied what was ordered before it came: so a
// getter sees all that had returned when it was called, and what its own process had begun.
func (m *Machine) query(mem *member, q *wire.QueryT) {
	m.wantHost()
	if host := m.ranks[Host]; host != nil {
		q.Session, q.Head = mem.session, m.table.Head
		m.post(host, q)
	}
}

// A Reply is what the host answers to a session: a frame that is passed on as it is.
type Reply struct {
	Session uint64
	Frame   []byte
}

// fromHost passes what the host says on to the session that it is for, if that is here.
func (m *Machine) fromHost(host *member, r *Reply) {
	if host.role != wire.RoleHost {
		m.breach(host.peer, "an answer to session %x from a process that is not the host", r.Session)
		return
	}
	if mem := m.members[r.Session]; mem != nil {
		m.post(mem, r)
	}
}
