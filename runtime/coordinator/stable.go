package coordinator

import (
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
)

// stableNow returns the sequence number up to which no replica need remember batches: they are on disk, or, where the
// log is not written there, with everybody.
func (c *coordinator) stableNow() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seq == nil {
		return 0
	}
	if c.cfg.Durability != Memory {
		return c.disk.next.Load() - 1
	}
	stable := c.seq.Head()
	for s := range c.subs {
		stable = min(stable, s.applied.Load())
	}
	return stable
}

// tellStable tells every replica what it may forget, if that is news and the last word is limits.StableEvery old.
func (c *coordinator) tellStable() {
	if c.cfg.Durability == Disk {
		return // nobody remembers anything
	}
	now := c.cfg.now().UnixNano()
	told := c.toldStable.Load()
	if now-told < int64(limits.StableEvery) || !c.toldStable.CompareAndSwap(told, now) {
		return
	}
	stable := c.stableNow()
	if stable <= c.stable.Load() {
		return
	}
	c.stable.Store(stable)
	frame := comm.Frame(comm.KindHeartbeat, &wire.HeartbeatT{Applied: c.gate.Load(), Stable: stable})
	if all := c.everyone.Load(); all != nil {
		for _, s := range *all {
			if !s.posted.Load() { // a peer that reads nothing is not told again and again
				s.post(frame)
			}
		}
	}
}
