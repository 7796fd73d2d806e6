package coordinator

import (
	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/wal"
	"dsss/comm/wire"
)

// What a simulation, and whoever else owns a Core, may look at.

// Opened tells whether the state is open.
func (c *Core) Opened() bool { return c.opened.Load() }

// Head returns the last sequence number given.
func (c *Core) Head() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.machine.Head()
}

// Commit returns the commit index.
func (c *Core) Commit() uint64 { return c.commit.Load() }

// Epoch returns the coordinator's epoch once the state is open.
func (c *Core) Epoch() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.job.Epoch
}

// Suspects tells whether a replica was found to differ from the keeper's.
func (c *Core) Suspects() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.machine.Suspects()
}

// Since returns copies of the frames in memory that begin behind seq, oldest first.
func (c *Core) Since(seq uint64) [][]byte { return c.hist.Since(seq) }

// Log returns the log on disk, and Disk its cursor; nil before the state is open.
func (c *Core) Log() *wal.Log { return c.log }

// Disk returns the disk's cursor; nil before the state is open.
func (c *Core) Disk() *Disk { return c.disk }

// Origin returns the session that a takeover went on from; 0 when it was from a checkpoint.
func (c *Core) Origin() uint64 { return c.origin }

// Store returns the checkpoints.
func (c *Core) Store() snapshot.Store { return c.dir.Store() }

// stats is what is known about the job, for the one who asks.
func (c *Core) stats(ask *wire.SyncT) *wire.StatsT {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &wire.StatsT{Id: ask.Id, Session: ask.Session}
	held := c.held()
	m.First, m.Stored = held.First, max(held.DiskNext, 1)-1
	if held.Has(held.DiskFirst) && held.DiskFirst > 0 {
		m.First = min(m.First, held.DiskFirst)
	}
	memory, limit := c.hist.Size()
	m.Memory, m.Limit = uint64(memory), uint64(limit)
	for i, id := range c.machine.Stats(m) {
		p := c.peers[id]
		if p == nil || p.cursor == nil {
			continue
		}
		at := m.Cursors[i]
		at.Next = p.reached() + 1
		at.Bytes, at.Disk = c.hist.Between(at.Next, m.Commit)
	}
	return m
}

// Welcomed tells whether the peer has been sent its Welcome.
func (p *Peer) Welcomed() bool { return p.known.Load() }
