package coordinator

import (
	"errors"
	"fmt"

	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/sequencer"
)

// submit has a batch ordered and appended to the log. It waits while the log is full: that is the backpressure on a
// worker that outruns the job.
func (c *coordinator) submit(s *subscriber, body []byte) error {
	b, err := comm.ParseBatch(body)
	if err != nil {
		return err
	}
	if b.Session != s.session || s.role != wire.RoleWorker {
		return fmt.Errorf("%w: a batch of session %x on a connection of session %x", comm.ErrProtocol, b.Session, s.session)
	}
	frame := make([]byte, comm.HeaderSize+len(body))
	copy(frame[comm.HeaderSize:], body)

	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.roomLocked() {
		c.waitRoomLocked(s)
	}
	if c.stopping != nil || !c.subs[s] {
		return errEnding
	}
	return c.orderLocked(frame, sequencer.Input{Kind: sequencer.Submit, Session: b.Session, Request: b.Request, Count: b.Count})
}

// orderLocked steps the sequencer and carries out what follows for the batch in frame, which becomes the log's.
func (c *coordinator) orderLocked(frame []byte, in sequencer.Input) error {
	if !c.sure() {
		c.stopLocked(statedir.ErrOwnerLost) // another coordinator may order by now
		return errEnding
	}
	for _, e := range c.seq.Step(in) {
		switch e.Kind {
		case sequencer.Append:
			c.clock = max(c.clock, c.cfg.now().UnixNano())
			comm.Order(frame, e.Sequence, c.job.Epoch, c.clock)
			c.mem.append(entry{first: e.Sequence, count: e.Count, frame: frame})
		case sequencer.Release:
			c.gate.Store(e.Sequence)
		case sequencer.Drop:
			if c.cfg.without == NoDedupe {
				c.orderAgainLocked(in, frame)
			}
		case sequencer.Refuse:
			return fmt.Errorf("%w: %s", comm.ErrProtocol, e.Reason)
		}
	}
	return nil
}

var errEnding = errors.New("the job is ending")

// roomLocked tells whether the memory log has room for a batch of s. It has more where the state of s is awaited: that comes
// behind the batches under way, and may be what makes room for all others.
func (s *subscriber) roomLocked() bool {
	if s.asked.Load() {
		return !s.c.mem.full(limits.LogOver, limits.Window)
	}
	return !s.c.mem.full(0, 0)
}

// waitRoomLocked waits until the memory log has room for a batch of s, or the job ends.
func (c *coordinator) waitRoomLocked(s *subscriber) {
	c.trimLocked()
	c.waiting++
	for !s.roomLocked() && c.stopping == nil {
		c.wakeAllLocked()
		c.room.Wait()
	}
	c.waiting--
}

// wakeAllLocked is wake for one who holds mu and is about to wait for the cursors.
func (c *coordinator) wakeAllLocked() { c.wake(nil) }

// trimLocked forgets what nobody needs from memory: what every cursor has passed and is on disk, or, where the log is
// not written to disk, is in the newest checkpoint. When that is not enough, cursors that are behind have to go on from
// disk, and where there is no log on disk, one is begun.
func (c *coordinator) trimLocked() {
	if c.seq == nil || !c.mem.over(3, 4) {
		return
	}
	slowest := c.seq.Head()
	for s := range c.subs {
		slowest = min(slowest, s.next.Load()-1)
	}
	kept := c.disk.next.Load() - 1
	if c.cfg.Durability == Memory {
		kept = max(kept, c.saves.last)
	}
	c.mem.trim(min(slowest, kept))
	if c.mem.over(3, 4) {
		c.mem.trim(c.disk.next.Load() - 1)
	}
	if c.mem.over(3, 4) && c.cfg.Durability == Memory {
		c.disk.spill()
		c.requestLocked(saveRequest{}) // a checkpoint frees more
	}
	if c.waiting > 0 && !c.mem.full(0, 0) {
		c.room.Broadcast()
	}
}
