package order

import (
	"fmt"
	"maps"
	"slices"

	"dsss/comm/wire"
	"dsss/internal/limits"
)

// An audit compares one worker's state with the keeper's. With every checkpoint the next worker in turn digests a window
// of its state at the checkpoint's mark, and the keeper does so on the way to the file. If the two differ, the next mark
// is for their states: the keeper writes a checkpoint and the worker sends what it has, both of which stand at that mark;
// the two files are kept, and the worker is evicted for good.
type audit struct {
	rank    int32     // of the worker audited last
	first   [2]uint32 // pieces to pass over next time: of a worker's state, and of the host's
	id      uint64    // of the mark at which subject digests
	subject *member
	workers *wire.DigestT // what subject said; nil: nothing yet
	keepers *wire.DigestT

	suspect   *member // whose digest was wrong; nil: nobody
	wrong     uint64  // the first object of which it was wrong
	proof     string  // the file with its state
	reference string  // the file with the keeper's, at the same mark
	at        uint64  // the mark's sequence number
}

// beginAudit has somebody digest at the round's mark, or send the state that is wanted.
func (m *Machine) beginAudit(r *round, save *wire.SaveT) {
	a := &m.audit
	if s := r.suspect; s != nil {
		if m.members[s.session] == s {
			m.ask(s, true)
			m.post(s, &wire.SaveT{Id: r.id, Want: wire.WantState, Session: s.session})
		}
		return
	}
	if a.suspect != nil {
		return // one at a time
	}
	a.subject, a.workers, a.keepers = nil, nil, nil
	ranks := slices.Sorted(maps.Keys(m.ranks))
	ranks = slices.DeleteFunc(ranks, func(rank int32) bool { return rank == Keeper }) // those of workers, and the host
	if len(ranks) == 0 {
		return
	}
	i, _ := slices.BinarySearch(ranks, a.rank+1)
	a.rank = ranks[i%len(ranks)]
	a.subject, a.id = m.ranks[a.rank], r.id
	save.First, save.Pieces, save.Hosted = *a.window(a.subject), limits.DigestPieces, a.subject.role == wire.RoleHost
	m.post(a.subject, &wire.SaveT{Id: r.id, Want: wire.WantDigest, First: save.First, Pieces: save.Pieces, Hosted: save.Hosted, Session: a.subject.session})
}

// window is where the next audit of a state like the member's begins.
func (a *audit) window(of *member) *uint32 {
	if of.role == wire.RoleHost {
		return &a.first[1]
	}
	return &a.first[0]
}

// ask awaits the state of a member.
func (m *Machine) ask(mem *member, audit bool) {
	mem.asked = true
	m.emit(Effect{Kind: Take, Peer: mem.peer, Session: mem.session, Audit: audit, Count: uint32(mem.rank)})
}

// digested takes what a worker or the keeper found at a mark.
func (m *Machine) digested(mem *member, d *wire.DigestT) {
	a := &m.audit
	switch {
	case a.subject == nil || d.Id != a.id:
		return // of an audit that was given up
	case mem.role == wire.RoleKeeper:
		a.keepers = d
	case mem == a.subject:
		a.workers = d
	}
	if a.workers == nil || a.keepers == nil {
		return
	}
	subject := a.subject
	a.subject = nil
	if a.workers.Sequence != a.keepers.Sequence {
		return // one of them lost its connection at the mark
	}
	wrong, differs := firstWrong(a.workers.Objects, a.keepers.Objects)
	if !differs {
		if *a.window(subject) += limits.DigestPieces; len(a.keepers.Objects) == 0 {
			*a.window(subject) = 0
		}
		return
	}
	a.suspect, a.wrong, a.proof, a.reference = subject, wrong, "", ""
	if m.saves.active == nil {
		m.begin(&round{suspect: subject})
		return
	}
	if m.saves.queued == nil {
		m.saves.queued = &round{}
	}
	m.saves.queued.suspect = subject
}

// firstWrong names the first object of which two digests differ.
func firstWrong(a, b []*wire.ObjectDigestT) (object uint64, differ bool) {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return b[i].Object, true
		case i >= len(b) || *a[i] != *b[i]:
			return a[i].Object, true
		}
	}
	return 0, false
}

// arrived takes the state that was asked of a member.
func (m *Machine) arrived(ev Event) {
	mem := m.members[ev.Session]
	if mem != nil {
		mem.asked = false
	}
	if a := &m.audit; a.suspect != nil && a.suspect == mem {
		a.proof = ev.Reason
		m.decide()
		return
	}
	if m.source == ev.Session {
		m.source = 0
		m.saves.last, m.saves.sure = max(m.saves.last, ev.Sequence), max(m.saves.sure, ev.Sequence)
		m.saves.written++
	}
	if mem != nil && mem.leaving {
		m.leave(mem, ev.Held)
	}
}

// decide evicts the suspect once both states are there.
func (m *Machine) decide() {
	a := &m.audit
	if a.suspect != nil && a.proof != "" && a.reference != "" {
		m.evict(a.suspect, a.at, fmt.Sprintf("object %d differs; its state is kept in %s", a.wrong, a.proof))
	}
}

// suspectLost evicts a worker that went before it had sent its state.
func (m *Machine) suspectLost(mem *member) {
	if a := &m.audit; a.suspect == mem && a.proof == "" {
		m.evict(mem, a.workers.Sequence, fmt.Sprintf("object %d differs; it was gone before it could say more", a.wrong))
	}
}

// unproven evicts a worker whose digest was wrong though the keeper could not write its state down beside it.
func (m *Machine) unproven(mem *member, why string) {
	if a := &m.audit; a.suspect == mem && a.workers != nil {
		m.evict(mem, a.workers.Sequence, fmt.Sprintf("object %d differs; more is not known: %s", a.wrong, why))
	}
}

// evict quarantines a worker and tells the launcher, which knows what that means for the job.
func (m *Machine) evict(mem *member, seq uint64, how string) {
	a := &m.audit
	e := mem.about(wire.HappeningDiverged)
	e.Sequence, e.Count = seq, a.wrong
	e.Text = fmt.Sprintf("%s (pid %d) has diverged from the job by sequence number %d: %s", place(mem.role, mem.rank), mem.pid, seq, how)
	m.quarantined[mem.session] = true
	m.emit(Effect{Kind: Hold, Message: &Divergence{Event: e, Evidence: a.proof, Reference: a.reference}})
	if m.members[mem.session] == mem {
		m.post(mem, &wire.StopT{Reason: e.Text, Evicted: true, Session: mem.session})
	}
	a.suspect, a.proof, a.reference = nil, "", ""
}

// askForState asks the worker that has come furthest for its state, unless one was asked already; where there are hosted
// objects, the host, because a worker lacks them.
func (m *Machine) askForState() {
	if m.source != 0 && m.members[m.source] != nil {
		return
	}
	var best *member
	for _, rank := range slices.Sorted(maps.Keys(m.ranks)) {
		mem := m.ranks[rank]
		if has := mem.role == wire.RoleHost || mem.role == wire.RoleWorker && !m.hosted; has && !mem.asked && (best == nil || mem.applied > best.applied) {
			best = mem
		}
	}
	m.source = 0
	if best != nil {
		m.source = best.session
		m.ask(best, false)
		m.post(best, &wire.SaveT{Want: wire.WantState, Session: best.session})
	}
}
