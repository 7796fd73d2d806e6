package order

import (
	"maps"
	"slices"

	"dsss/comm/wire"
	"dsss/internal/stream"
)

// A rank is one that the job has from its first connection until its process has ended, or it has left: a connection that
// breaks does not change that. Workers are told when the ranks change, so that another may take up what one had in hand.

// A presence is who filled a rank last. Zero: nobody who has come since a takeover.
type presence struct {
	session     uint64
	incarnation uint64
}

// joined tells a worker which ranks there are, and everybody else when it is new.
func (m *Machine) joined(mem *member) {
	_, known := m.present[mem.rank]
	m.least[mem.rank] = max(m.least[mem.rank], mem.incarnation)
	m.present[mem.rank] = presence{mem.session, mem.incarnation}
	if known {
		m.post(mem, m.ranksFor(mem))
		return
	}
	m.tellRanks()
}

// ended ends a session whose process has ended, or that has left: nothing of it is ordered after this, it is forgotten in
// the order and may not come back; and its rank is not one of the job's any more.
func (m *Machine) ended(rank int32, session, incarnation uint64) {
	if session != 0 && (m.table.Sessions[session] != 0 || m.table.Sessions[stream.Of(session, stream.Hosted)] != 0) {
		m.control(&wire.ControlT{Kind: wire.ControlKindEnd, Session: session, Rank: rank, Incarnation: incarnation})
	}
	if _, known := m.present[rank]; known {
		delete(m.present, rank)
		m.tellRanks()
	}
}

// leave lets a worker go. One that may be the last to hold what neither log nor checkpoint does, as after a takeover, has its state
// taken first; where there are hosted objects it would not do, and the host has what it has.
func (m *Machine) leave(mem *member, held Held) {
	if mem.role == wire.RoleWorker && !m.hosted && !held.Has(m.saves.last+1) {
		mem.leaving = true
		if !mem.asked {
			m.source = mem.session
			m.ask(mem, false)
			m.post(mem, &wire.SaveT{Want: wire.WantState, Session: mem.session})
		}
		return
	}
	mem.left = true
	m.post(mem, &wire.StopT{Session: mem.session})
}

func (m *Machine) tellRanks() {
	for _, mem := range m.inOrder() {
		if mem.role == wire.RoleWorker {
			m.post(mem, m.ranksFor(mem))
		}
	}
}

// inOrder returns who is connected, by rank.
func (m *Machine) inOrder() []*member {
	all := make([]*member, 0, len(m.ranks))
	for _, rank := range slices.Sorted(maps.Keys(m.ranks)) {
		all = append(all, m.ranks[rank])
	}
	return all
}

func (m *Machine) ranksFor(mem *member) *wire.MembersT {
	all := &wire.MembersT{Sequence: m.table.Head, Session: mem.session}
	for _, rank := range slices.Sorted(maps.Keys(m.present)) {
		all.Ranks = append(all.Ranks, uint64(rank))
	}
	return all
}

// processGone notes that a process has ended: another may take its rank, though its connection has not been seen to end.
func (m *Machine) processGone(rank int32, incarnation uint64) {
	if m.phase != going {
		if m.recovery != nil {
			m.recovery.gone(rank)
			m.recover()
		}
		delete(m.present, rank)
		if incarnation == 0 {
			incarnation = ^uint64(0)
		}
		m.goneEarly[rank] = max(m.goneEarly[rank], incarnation)
		return
	}
	mem := m.ranks[rank]
	switch {
	case mem == nil:
		if p := m.present[rank]; incarnation == 0 || p.incarnation <= incarnation {
			m.ended(rank, p.session, p.incarnation)
		}
	case incarnation == 0 || mem.incarnation == 0 || mem.incarnation <= incarnation:
		mem.gone = true // what it sent before it ended is read first
	}
}

// detach takes a member off its connection, with which the state is lost that it may have been asked for.
func (m *Machine) detach(mem *member) {
	if m.members[mem.session] == mem {
		delete(m.members, mem.session)
	}
	if m.ranks[mem.rank] == mem {
		delete(m.ranks, mem.rank)
	}
	p := m.peers[mem.peer]
	p.members = slices.DeleteFunc(p.members, func(other *member) bool { return other == mem })
	if len(p.members) == 0 {
		delete(m.peers, mem.peer)
	}
	if m.source == mem.session {
		m.source = 0
	}
	m.suspectLost(mem)
}

// lost ends all that was behind a connection.
func (m *Machine) lost(ev Event) {
	m.withdraw(ev.Peer)
	p := m.peers[ev.Peer]
	if p == nil {
		return // not known, or replaced by a new connection of the same session
	}
	switch p.role {
	case wire.RoleControl:
		m.controlled = false
	case wire.RoleOperator:
		m.operators--
	}
	for _, mem := range slices.Clone(p.members) {
		m.lostMember(mem, ev)
	}
	delete(m.peers, ev.Peer)
	if p.role == wire.RoleControl && !m.stopped {
		m.stop(Failed, "the launcher is gone: %s", ev.Reason)
	}
}

func (m *Machine) lostMember(mem *member, ev Event) {
	m.detach(mem)
	if mem.role == wire.RoleWorker && (mem.left || mem.gone) {
		m.ended(mem.rank, mem.session, mem.incarnation)
	}
	e := mem.about(wire.HappeningLost)
	switch {
	case mem.left || m.stopped:
		e.What = wire.HappeningLeft
	case ev.Clean:
		e.Text = "its connection ended"
	default:
		e.Text = ev.Reason
	}
	m.tell(e)
	if mem.role == wire.RoleKeeper {
		m.keeperLost()
	}
}
