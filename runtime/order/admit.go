package order

import (
	"crypto/subtle"
	"fmt"
	"time"

	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/protocol"
	"dsss/internal/stream"
)

// hello admits, refuses, or has wait.
func (m *Machine) hello(ev Event) {
	hello := ev.Message.(*wire.HelloT)
	switch {
	case hello.Version != protocol.Version: // nothing else of it need be as we know it
		m.refuse(ev.Peer, hello, wire.RefusalVersion, "%s speaks version %d of DSSS's protocol, the coordinator version %d: build the program with the DSSS that 'dsss run' is of, or run it by the dsss of the DSSS that it was built with",
			who(hello), hello.Version, protocol.Version)
	case subtle.ConstantTimeCompare(hello.Token, m.cfg.Token) != 1:
		m.refuse(ev.Peer, hello, wire.RefusalToken, "wrong token: not a process of this job")
	case hello.Job != m.cfg.Job:
		m.refuse(ev.Peer, hello, wire.RefusalJob, "this is job %q, not %q", m.cfg.Job, hello.Job)
	case hello.Role == wire.RoleControl || hello.Role == wire.RoleOperator:
		m.admitControl(ev.Peer, hello)
	case hello.Session == 0 || hello.Session == stream.Coordinator || stream.Domain(hello.Session) != 0:
		m.refuse(ev.Peer, hello, wire.RefusalOther, "no session number")
	case m.stopped:
		m.refuse(ev.Peer, hello, wire.RefusalEnded, "the job is ending")
	case m.over(hello):
		m.refuse(ev.Peer, hello, wire.RefusalBehind, "evicted: %s has ended, says the launcher: its session is over", who(hello))
	default:
		m.helloReplica(ev, hello)
	}
}

// over tells whether a process has ended, as far as the launcher knows: it may live on, out of its reach.
func (m *Machine) over(hello *wire.HelloT) bool {
	rank, i := rankOf(hello), hello.Incarnation
	return i != 0 && (i <= m.table.Ended[rank] || i < m.least[rank])
}

func (m *Machine) helloReplica(ev Event, hello *wire.HelloT) {
	switch m.phase {
	case closed:
		if hello.Role != wire.RoleKeeper {
			m.refuse(ev.Peer, hello, wire.RefusalBusy, "the keeper has not joined yet: try again")
			return
		}
		m.phase = opening
		m.await(ev.Peer, hello)
		m.emit(Effect{Kind: Open, Peer: ev.Peer, Message: hello})
	case opening:
		if m.recovery == nil {
			m.refuse(ev.Peer, hello, wire.RefusalBusy, "the state is being opened: try again")
			return
		}
		m.await(ev.Peer, hello)
	case recovering:
		m.await(ev.Peer, hello)
	case going:
		if why := m.unlike(hello); why != nil {
			m.refuse(ev.Peer, hello, why.Code, "%s", why.Reason)
			return
		}
		m.admit(ev.Peer, hello, ev.Held)
	}
}

// refuse refuses a session, and the connection when nobody else is behind it.
func (m *Machine) refuse(peer uint64, hello *wire.HelloT, code wire.Refusal, format string, args ...any) {
	reason := fmt.Sprintf(format, args...)
	m.emit(Effect{Kind: Refuse, Peer: peer, Session: hello.Session, Code: code, Reason: reason, Last: m.peers[peer] == nil})
	m.tell(&wire.EventT{What: wire.HappeningRefused, Role: hello.Role, Rank: hello.Rank, Pid: hello.Pid, Incarnation: hello.Incarnation, Text: reason})
}

// admit makes a replica a member, from where its state stands on, or from the newest checkpoint when it is new.
func (m *Machine) admit(id uint64, hello *wire.HelloT, held Held) {
	rank := rankOf(hello)
	if hello.Role == wire.RoleWorker && (rank < 0 || int(rank) >= m.cfg.Size) {
		m.refuse(id, hello, wire.RefusalRank, "rank %d: this job has ranks 0 to %d", rank, m.cfg.Size-1)
		return
	}
	switch past, why := Compare(m.epochs, m.table.Head, hello.Epoch, hello.Applied, rank < 0); past {
	case Ahead:
		m.refuse(id, hello, wire.RefusalBusy, "%s", why)
		m.stop(Superseded, "%s", why)
		return
	case Forked:
		m.refuse(id, hello, wire.RefusalBehind, "evicted: %s", why)
		return
	}
	p := m.peers[id]
	start, state, ok := hello.Applied+1, false, true
	if p == nil {
		if start, state, ok = m.startFor(id, hello, held); !ok {
			return
		}
	}
	gone := m.ranks[rank] != nil && m.ranks[rank].session == hello.Session && m.ranks[rank].gone
	if !m.displace(id, hello, rank) {
		return
	}
	if m.quarantined[hello.Session] { // before, or because it connected anew in place of sending its state
		m.refuse(id, hello, wire.RefusalBehind, "evicted: its state has diverged from the job's")
		return
	}
	mem := &member{peer: id, session: hello.Session, role: hello.Role, rank: rank, pid: hello.Pid, incarnation: hello.Incarnation, applied: hello.Applied, gone: gone}
	further := p != nil
	if !further {
		p = &peer{role: hello.Role}
		m.peers[id] = p
	}
	if mem.role == wire.RoleKeeper {
		m.keeperLost() // what was asked over a connection before this one
	}
	m.hosted = m.hosted || hello.Hosted
	delete(m.lacking, rank)
	p.members = append(p.members, mem)
	m.members[mem.session], m.ranks[rank] = mem, mem
	m.emit(Effect{Kind: Admit, Peer: id, Session: mem.session, Sequence: start, State: state, Further: further, Message: &wire.WelcomeT{
		Version: protocol.Version, Epoch: m.record.Epoch, Run: m.record.Run, Size: int32(m.cfg.Size), Ordered: m.table.Sessions[mem.session],
		State: state, Head: m.table.Head, Omitted: m.record.Omitted, Heartbeat: uint32(limits.Heartbeat / time.Millisecond),
		Remember: m.remembers(), Log: m.record.Log, Session: mem.session, Hosted: m.table.Sessions[stream.Of(mem.session, stream.Hosted)],
	}})
	e := mem.about(wire.HappeningJoined)
	e.Sequence = m.table.Head
	m.tell(e)
	switch mem.role {
	case wire.RoleKeeper:
		m.keeperBack(held)
	case wire.RoleHost:
		m.hostJoined(mem)
	default:
		m.joined(mem)
		m.askResults(mem)
	}
}

// remembers tells whether replicas are to remember what they apply: the disk may lack it.
func (m *Machine) remembers() bool { _, isOpen := m.gate.(*open); return isOpen }

// startFor says where a replica reads on: behind its state if the log still has that, else behind the newest checkpoint, whose
// state it then needs.
func (m *Machine) startFor(peer uint64, hello *wire.HelloT, held Held) (start uint64, state, ok bool) {
	saved, applied := m.saves.last, hello.Applied
	switch {
	case applied > 0 && held.Has(applied+1):
		return applied + 1, false, true
	case saved == 0 && applied == 0 && held.Has(1):
		return 1, false, true
	case saved > applied && held.Has(saved+1):
		return saved + 1, true, true
	}
	// The last checkpoint does not help; another one will. Only the keeper itself has to be helped by a worker.
	if hello.Role == wire.RoleKeeper {
		m.askForState()
	} else {
		m.save(request{})
	}
	m.refuse(peer, hello, wire.RefusalBusy, "the log no longer holds what follows sequence number %d, and no checkpoint does yet: try again", max(applied, saved))
	m.lacks(rankOf(hello))
	return 0, false, false
}

// displace makes way for a session whose rank another connection has: of the same session, or of a process that has ended;
// such a connection is dead, whether that was seen or not. It returns false when the rank is taken.
func (m *Machine) displace(id uint64, hello *wire.HelloT, rank int32) bool {
	other := m.ranks[rank]
	if other == nil {
		return true
	}
	if other.session != hello.Session && !other.gone {
		m.taken(id, hello, other)
		return false
	}
	m.detach(other)
	if other.session != hello.Session && other.role == wire.RoleWorker {
		m.ended(rank, other.session, other.incarnation)
	}
	if m.peers[other.peer] == nil && other.peer != id {
		m.emit(Effect{Kind: Close, Peer: other.peer, Cause: Done, Reason: "its worker connected anew"})
	}
	return true
}

// taken refuses a process whose rank another has. That one may have ended a moment ago: for a while it is worth trying again.
func (m *Machine) taken(id uint64, hello *wire.HelloT, other *member) {
	since, waits := other.rivals[hello.Session]
	if !waits && len(other.rivals) < m.cfg.Bounds.Rivals {
		if other.rivals == nil {
			other.rivals = map[uint64]int64{}
		}
		other.rivals[hello.Session] = m.now
	}
	code, what := wire.RefusalBusy, place(other.role, other.rank)
	if waits && m.now-since >= int64(limits.Taken) {
		code = wire.RefusalRank
	}
	if other.role != wire.RoleWorker {
		what += "'s place"
	}
	m.refuse(id, hello, code, "%s is taken by pid %d, which runs: each is for one process; start others by 'dsss run', or without DSSS_ROLE to be jobs of their own", what, other.pid)
}

// admitControl admits the launcher or an operator.
func (m *Machine) admitControl(id uint64, hello *wire.HelloT) {
	switch own := hello.Role == wire.RoleControl; {
	case m.stopped || own && m.controlled:
		m.refuse(id, hello, wire.RefusalBusy, "this job is controlled already, or ending")
		return
	case m.operators >= limits.Operators:
		m.refuse(id, hello, wire.RefusalBusy, "%d operators are connected already: end one of those commands", m.operators)
		return
	case own:
		m.controlled = true
	default:
		m.operators++
	}
	m.peers[id] = &peer{role: hello.Role}
	m.emit(Effect{Kind: Admit, Peer: id, Message: &wire.WelcomeT{Version: protocol.Version, Epoch: m.record.Epoch, Run: m.record.Run, Size: int32(m.cfg.Size)}})
}
