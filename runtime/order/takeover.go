package order

import (
	"fmt"

	"dsss/comm/wire"
)

// A waiter is a process that said Hello before the order goes on.
type waiter struct {
	peer  uint64
	hello *wire.HelloT
}

// await has a process wait until the order goes on, and hears what it has to say.
func (m *Machine) await(peer uint64, hello *wire.HelloT) {
	m.waiting = append(m.waiting, waiter{peer, hello})
	m.emit(Effect{Kind: Wait, Peer: peer, Session: hello.Session})
	if m.recovery != nil {
		m.recovery.hear(report{session: hello.Session, peer: peer, rank: rankOf(hello), epoch: hello.Epoch, applied: hello.Applied, recalls: hello.Recalls, hosted: hello.Hosted})
		m.recover()
	}
}

// rankOf is a process's place: its rank, Keeper or Host.
func rankOf(hello *wire.HelloT) int32 {
	switch hello.Role {
	case wire.RoleKeeper:
		return Keeper
	case wire.RoleHost:
		return Host
	}
	return hello.Rank
}

// recover goes on with a takeover as far as it can.
func (m *Machine) recover() {
	if m.phase != recovering || m.stopped {
		return
	}
	if _, gated := m.gate.(*open); !gated && len(m.recovery.reports) > 0 {
		m.recovery.stop() // the disk has all that anybody saw; one may tell how far the sessions are
	}
	switch c := m.recovery.choose(); {
	case c.ask:
		m.emit(Effect{Kind: Recall, Peer: c.source.peer, Session: c.source.session, Sequence: c.first})
	case !c.wait:
		m.phase = opening
		m.emit(m.recovery.goOn())
	}
}

// tailed takes the word that a source has said what it remembers.
func (m *Machine) tailed(ev Event) {
	if m.phase == recovering && m.recovery.answered(ev.Peer) { // else of one who was given up
		m.recover()
	}
}

// impatient ends the waiting of a takeover for those who have not come.
func (m *Machine) impatient() {
	if m.phase == recovering {
		m.recovery.stop()
		m.recover()
	}
}

// withdraw forgets the waiting of a connection that is gone.
func (m *Machine) withdraw(peer uint64) {
	kept := m.waiting[:0]
	for _, w := range m.waiting {
		if w.peer != peer {
			kept = append(kept, w)
			continue
		}
		if m.recovery != nil {
			if c := m.recovery.reports[rankOf(w.hello)]; c.peer == peer {
				m.recovery.lose(rankOf(w.hello))
			}
		}
	}
	clear(m.waiting[len(kept):])
	m.waiting = kept
	m.recover()
}

// begun lets the order go on, and admits those who waited for it.
func (m *Machine) begun(ev Event) {
	o := ev.Message.(*Opened)
	m.record, m.table, m.epochs = *o, o.Table, o.Starts
	if m.table.Sessions == nil {
		m.table.Sessions = map[uint64]uint64{}
	}
	if m.table.Ended == nil {
		m.table.Ended = map[int32]uint64{}
	}
	m.gate.Begin(m.table.Head, o.Persisted)
	m.released = m.gate.Committed()
	m.replicated = m.released // or less: the Start below is of that domain
	m.saves.last, m.saves.sure, m.changed = o.Saved, o.Sure, m.table.Head
	first := m.recovery == nil
	m.phase, m.recovery = going, nil
	m.emit(Effect{Kind: Release, Sequence: m.released, Replicated: m.replicated})
	start := &wire.ControlT{Kind: wire.ControlKindStart, Run: o.Run, Program: o.Program, Build: o.Build, Classes: o.Classes, Durability: o.Durability}
	for _, s := range o.Starts {
		start.Starts = append(start.Starts, &wire.EpochT{Epoch: s.Epoch, Base: s.Base})
	}
	if m.stopped {
		return
	}
	m.control(start)
	waiting := m.waiting
	m.waiting = nil
	for _, w := range waiting {
		if why := m.unlike(w.hello); !first && why != nil {
			m.refuse(w.peer, w.hello, why.Code, "%s", why.Reason)
			continue
		}
		if m.over(w.hello) {
			m.refuse(w.peer, w.hello, wire.RefusalBehind, "evicted: %s has ended, says the launcher: its session is over", who(w.hello))
			continue
		}
		m.admit(w.peer, w.hello, ev.Held)
		if last, gone := m.goneEarly[rankOf(w.hello)]; gone && w.hello.Incarnation <= last && m.members[w.hello.Session] != nil {
			m.members[w.hello.Session].gone = true // its connection ends soon
		}
	}
	if m.wished != "" {
		m.finish(m.wished, false)
	}
}

// notBegun ends a job whose state cannot be used.
func (m *Machine) notBegun(ev Event) {
	waiting := m.waiting
	m.waiting = nil
	for _, w := range waiting {
		m.refuse(w.peer, w.hello, ev.Code, "%s", ev.Reason)
	}
	cause := Failed
	if ev.Usage {
		cause = Usage
	} else {
		m.tell(&wire.EventT{What: wire.HappeningFailed, Text: ev.Reason})
	}
	m.stop(cause, "%s", ev.Reason)
}

// stop ends the order, once.
func (m *Machine) stop(cause Cause, format string, args ...any) {
	if m.stopped {
		return
	}
	m.stopped, m.done = true, cause == Done
	m.emit(Effect{Kind: Stop, Cause: cause, Reason: fmt.Sprintf(format, args...)})
}
