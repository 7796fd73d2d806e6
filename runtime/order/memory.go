package order

import "dsss/internal/limits"

// short says what memory may forget: what every cursor has passed and is on disk, or, where the log is not written to disk, is
// in the newest checkpoint. When that is not enough, cursors that are behind have to go on from disk, and where there is no log
// on disk, one is begun.
func (m *Machine) short(ev Event) {
	onDisk := ev.Held.DiskNext - 1
	kept := onDisk
	if m.cfg.Lazy {
		kept = max(kept, m.saves.last)
	}
	switch {
	case ev.Count == 0:
		m.emit(Effect{Kind: Trim, Sequence: min(ev.Held.Slowest, kept)})
	case ev.Count == 1:
		m.emit(Effect{Kind: Trim, Sequence: onDisk})
	case m.cfg.Lazy:
		m.emit(Effect{Kind: Spill})
		m.save(request{}) // a checkpoint frees more
	}
}

// behind gives the log on disk up only for a checkpoint that holds all up to where memory begins: a job whose processes all die
// goes on from one of the two. Else one is asked for.
func (m *Machine) behind(ev Event) {
	if ev.Sequence+1 >= ev.Held.First {
		m.emit(Effect{Kind: Renew})
		return
	}
	m.unsaved(Event{Sequence: ev.Sequence})
}

// tick looks at what time brings.
func (m *Machine) tick(ev Event) {
	m.giveUpSaves()
	m.tellStable(ev.Held)
}

// tellStable tells replicas what they may forget, if that is news and the last word is limits.StableEvery old: what is on
// disk, or, where the log is not written there, what everybody has.
func (m *Machine) tellStable(held Held) {
	if m.phase != going || !m.remembers() || m.now-m.stableTold < int64(limits.StableEvery) {
		return
	}
	stable := held.DiskNext - 1
	if m.cfg.Lazy {
		stable = m.table.Head
		for _, mem := range m.members { // the least, whatever the order
			stable = min(stable, mem.applied)
		}
	}
	if m.stableTold = m.now; stable > m.stable {
		m.stable = stable
		m.emit(Effect{Kind: Stable, Sequence: stable})
	}
}
