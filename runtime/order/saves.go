package order

import (
	"time"

	"dsss/comm/wire"
	"dsss/internal/limits"
)

// saves is the checkpoints: the keeper writes them one at a time, on request.
type saves struct {
	last      uint64      // sequence number of the newest checkpoint
	sure      uint64      // of the newest that was verified in this epoch
	written   uint64      // checkpoints written in this run
	newest    wire.SavedT // what was said of the newest of this run
	id        uint64      // of the newest mark, in this epoch
	active    *round
	queued    *round // what was asked for while one was being written, or without a keeper; nil when nothing was
	forgone   bool   // no keeper can write another
	waits     bool   // queued waits for a keeper
	waited    time.Duration
	lookedAt  int64        // when waited was counted last
	reporting *wire.SavedT // the keeper's report of active, until it is noted
}

// A round is one checkpoint on its way and those who asked for it.
type round struct {
	id       uint64 // of its mark
	requests []request
	suspect  *member // whose state is wanted at the same mark, because its digest was wrong
}

// A request is somebody who wants to know of a checkpoint. The zero value does not.
type request struct {
	session uint64 // a member, who numbered its question id
	id      uint64
	peer    uint64 // an operator's connection
	status  string // the end of the job waits for it, with this status
}

func (r request) wants() bool { return r != request{} }

const noKeeper = "there is no keeper to write a checkpoint"

// due asks for a checkpoint when something was ordered since the last one.
func (m *Machine) due() {
	if m.phase == going && !m.stopped && m.saves.last < m.changed {
		m.save(request{})
	}
}

// save asks for a checkpoint that holds everything that anybody may have seen by now.
func (m *Machine) save(r request) {
	if m.saves.active != nil {
		if m.saves.queued == nil {
			m.saves.queued = &round{}
		}
		if r.wants() {
			m.saves.queued.requests = append(m.saves.queued.requests, r)
		}
		return
	}
	next := &round{}
	if r.wants() {
		next.requests = append(next.requests, r)
	}
	m.begin(next)
}

// begin begins a round, or settles it when there is nothing to write.
func (m *Machine) begin(r *round) {
	switch {
	case m.phase != going:
		m.settle(r, &wire.SavedT{})
		return
	case m.saves.last >= m.changed && r.suspect == nil:
		m.settle(r, &wire.SavedT{Sequence: m.saves.last}) // nothing has happened since
		return
	case m.stopped:
		m.settle(r, &wire.SavedT{Error: "the job is ending"})
		return
	case m.saves.forgone:
		m.settle(r, &wire.SavedT{Error: noKeeper})
		return
	}
	keeper := m.ranks[Keeper]
	if keeper == nil {
		m.postpone(r)
		return
	}
	m.saves.id++
	r.id = m.record.Epoch<<32 | m.saves.id // no other mark in this run has it: a log holds those of earlier epochs too
	m.saves.active = r
	save := &wire.SaveT{Id: r.id, Atleast: m.Commit(), Session: keeper.session}
	m.beginAudit(r, save)
	m.post(keeper, save) // before the mark, so that it is there first
	m.control(&wire.ControlT{Kind: wire.ControlKindMark, Id: r.id})
}

// saved takes the keeper's report.
func (m *Machine) saved(mem *member, report *wire.SavedT) {
	r := m.saves.active
	switch {
	case mem.role != wire.RoleKeeper:
		m.breach(mem.peer, "Saved from a worker")
		return
	case r == nil || r.id != report.Id || m.saves.reporting != nil:
		return // of a round that was given up
	case report.Error == "" && (report.Sequence < m.saves.last || report.Sequence > m.table.Head):
		m.breach(mem.peer, "checkpoint at sequence number %d, last was %d, head is %d", report.Sequence, m.saves.last, m.table.Head)
		return
	case report.Error != "":
		m.tell(&wire.EventT{What: wire.HappeningCheckpointFailed, Text: report.Error})
		m.nextRound(r, report)
		return
	}
	m.saves.last, m.saves.sure = report.Sequence, report.Sequence
	m.saves.written++
	if r.suspect != nil {
		m.audit.reference, m.audit.at = report.Path, report.Sequence
		m.decide()
	}
	m.tell(&wire.EventT{What: wire.HappeningCheckpointed, Sequence: report.Sequence, Bytes: report.Bytes, Nanos: report.Nanos, Text: report.Path})
	m.saves.reporting, m.saves.newest = report, *report
	m.emit(Effect{Kind: Note, Message: report, Keep: m.audit.suspect != nil})
}

// noted goes on once the newest checkpoint is recorded.
func (m *Machine) noted() {
	report := m.saves.reporting
	m.saves.reporting = nil
	if r := m.saves.active; r != nil && report != nil && r.id == report.Id {
		m.nextRound(r, report)
	}
}

// nextRound settles the active round and begins what was asked for meanwhile.
func (m *Machine) nextRound(r *round, report *wire.SavedT) {
	m.saves.active = nil
	m.settle(r, report)
	if m.saves.active == nil && m.saves.queued != nil {
		next := m.saves.queued
		m.saves.queued = nil
		m.begin(next)
	}
}

// settle answers those who asked.
func (m *Machine) settle(r *round, report *wire.SavedT) {
	if report.Error != "" && r.suspect != nil {
		m.unproven(r.suspect, report.Error)
	}
	for _, q := range r.requests {
		switch mem := m.members[q.session]; {
		case q.status != "":
			m.saveOver(q.status, report.Error)
		case q.peer != 0:
			m.emit(Effect{Kind: Answer, Peer: q.peer, Sequence: report.Sequence, Reason: report.Error})
		case mem != nil:
			answer := *report
			answer.Id, answer.Session = q.id, mem.session
			m.post(mem, &answer)
		}
	}
}

// keeperLost lets the round that the keeper was to write wait for the next keeper.
func (m *Machine) keeperLost() {
	if r := m.saves.active; r != nil && m.saves.reporting == nil {
		m.saves.active = nil
		m.postpone(r)
	}
}

// postpone keeps a round for when a keeper is there.
func (m *Machine) postpone(r *round) {
	if q := m.saves.queued; q != nil {
		r.requests = append(r.requests, q.requests...)
		if r.suspect == nil {
			r.suspect = q.suspect
		}
	}
	if !m.saves.waits {
		m.saves.waits, m.saves.waited, m.saves.lookedAt = true, 0, m.now
	}
	m.saves.queued = r
}

// keeperBack begins what waited for a keeper, and a checkpoint when the log does not reach back to the last one.
func (m *Machine) keeperBack(held Held) {
	m.saves.waits = false
	switch r := m.saves.queued; {
	case m.saves.active != nil: // asked of this keeper since it came; what waits comes next
	case r != nil:
		m.saves.queued = nil
		m.begin(r)
	case !held.Has(m.saves.last + 1):
		m.save(request{})
	}
}

// giveUpSaves ends the waiting for a keeper that does not come back. Time in which this process was stopped does not count.
func (m *Machine) giveUpSaves() {
	r := m.saves.queued
	if !m.saves.waits || r == nil || m.ranks[Keeper] != nil {
		return
	}
	m.saves.waited += min(time.Duration(max(m.now-m.saves.lookedAt, 0)), limits.Awake)
	m.saves.lookedAt = m.now
	if m.saves.waited > limits.Reconnect {
		m.saves.queued, m.saves.waits = nil, false
		m.settle(r, &wire.SavedT{Error: noKeeper})
	}
}

// unsaved takes the word that checkpoints reach less far than was thought, or that one has to fill a gap: between the log on disk
// and what is in memory there is what only replicas have.
func (m *Machine) unsaved(ev Event) {
	m.saves.last, m.saves.sure = min(m.saves.last, ev.Sequence), max(m.saves.sure, ev.Sequence)
	_, ungated := m.gate.(*open)
	switch {
	case ev.Clean:
	case !ungated: // no replica sees a mark that is not on disk, so a worker sends its state as it is
		m.askForState()
	case m.saves.active == nil && m.saves.queued == nil:
		m.save(request{})
	}
}

// forgo gives up the checkpoints that were asked for and all that will be: no keeper can write one.
func (m *Machine) forgo() {
	m.saves.forgone = true
	active, queued := m.saves.active, m.saves.queued
	m.saves.active, m.saves.queued, m.saves.waits = nil, nil, false
	for _, r := range []*round{active, queued} {
		if r != nil {
			m.settle(r, &wire.SavedT{Error: noKeeper})
		}
	}
}

// finish ends the job as the launcher wishes: a last checkpoint, the status, the end.
func (m *Machine) finish(status string, forgo bool) {
	if forgo {
		m.forgo()
	}
	switch {
	case m.finishing || m.stopped:
		return
	case m.recovery != nil || m.phase == opening && m.cfg.Takeover != nil:
		m.wished = status // begun comes back to it
		return
	}
	m.finishing = true
	m.save(request{status: status})
}

// saveOver ends the job once its last checkpoint is written, or could not be.
func (m *Machine) saveOver(status, failed string) {
	if failed != "" {
		m.tell(&wire.EventT{What: wire.HappeningCheckpointFailed, Text: failed})
	}
	if m.stopped {
		return
	}
	m.stopped, m.done = true, true
	m.emit(Effect{Kind: Stop, Cause: Done, Reason: "done", Message: status, Last: failed == ""})
}
