package coordinator

import (
	"errors"
	"fmt"
	"math"
	"time"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/sequencer"
)

// saves is the coordinator's side of checkpoints: the keeper writes them one at a time, on request. Guarded by mu.
type saves struct {
	last    uint64 // sequence number of the newest checkpoint
	sure    uint64 // of the newest that was verified in this epoch
	written uint64 // checkpoints written in this run
	id      uint64 // of the newest mark, in this epoch
	active  *saveRound
	queued  *saveRound    // what was asked for while one was being written, or without a keeper; nil when nothing was
	forgone bool          // no keeper can write another
	waits   bool          // queued waits for a keeper
	waiting comm.Patience // and how long it has
}

// A saveRound is one checkpoint on its way and those who asked for it.
type saveRound struct {
	id       uint64 // of its mark
	requests []saveRequest
	suspect  *subscriber // a worker whose state is wanted at the same mark, because its digest was wrong
}

// A saveRequest is somebody who wants to know. The zero value does not.
type saveRequest struct {
	from *subscriber // a worker, who numbered its question id
	id   uint64
	then func(seq uint64, err error) // called in a goroutine of the coordinator
}

var errNoKeeper = errors.New("there is no keeper to write a checkpoint")

// saveIfChanged asks for a checkpoint when something was ordered since the last one.
func (c *coordinator) saveIfChanged() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seq != nil && c.saves.last < c.seq.Gate() {
		c.requestLocked(saveRequest{})
	}
}

// request asks for a checkpoint that holds everything that anybody may have seen by now.
func (c *coordinator) request(r saveRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requestLocked(r)
}

func (c *coordinator) requestLocked(r saveRequest) {
	if c.saves.active != nil {
		if c.saves.queued == nil {
			c.saves.queued = &saveRound{}
		}
		if r.wants() {
			c.saves.queued.requests = append(c.saves.queued.requests, r)
		}
		return
	}
	round := &saveRound{}
	if r.wants() {
		round.requests = append(round.requests, r)
	}
	c.startLocked(round)
}

func (r saveRequest) wants() bool { return r.from != nil || r.then != nil }

func (c *coordinator) startLocked(round *saveRound) {
	if c.seq == nil || c.saves.last == c.seq.Gate() && round.suspect == nil {
		var last uint64
		if c.seq != nil {
			last = c.saves.last
		}
		c.settle(round, &wire.SavedT{Sequence: last}) // nothing has happened since
		return
	}
	if c.saves.forgone {
		c.settle(round, &wire.SavedT{Error: errNoKeeper.Error()})
		return
	}
	keeper := c.ranks[keeperRank]
	if keeper == nil {
		c.postponeLocked(round)
		return
	}
	round.id = c.newMark()
	c.saves.active = round
	save := wire.SaveT{Id: round.id, Atleast: c.seq.Gate()}
	c.auditLocked(round, &save)
	keeper.post(comm.Frame(comm.KindSave, &save)) // before the mark, so that it is there first
	c.markLocked(round.id)
}

// newMark returns a number for a mark that no other in this run has: a log holds those of earlier epochs too.
func (c *coordinator) newMark() uint64 {
	c.saves.id++
	return c.job.Epoch<<32 | c.saves.id
}

// markLocked orders a mark: a place in the order at which replicas do what they were asked to.
func (c *coordinator) markLocked(id uint64) {
	if c.stopping != nil && !errors.Is(c.stopping, errDone) {
		return
	}
	c.requests++
	frame := comm.AppendCall(comm.BeginBatch(nil), comm.CatalogID, comm.MarkID, comm.MarkArgs(id))
	comm.FinishBatch(frame, c.session, c.requests, 1)
	if err := c.orderLocked(frame, sequencer.Input{Kind: sequencer.Submit, Session: c.session, Request: c.requests, Count: 1}); err != nil {
		c.cfg.Log.Error("ordering a mark", "cause", err)
	}
	c.wakeAllLocked()
}

// saved takes the keeper's report.
func (c *coordinator) saved(m *wire.SavedT) error {
	if m.Error == "" {
		if err := c.snapshots.forget(); err != nil { // before anybody is told of a newer one
			return err
		}
	}
	c.mu.Lock()
	round := c.saves.active
	if round == nil || round.id != m.Id {
		c.mu.Unlock()
		return nil // of a round that was given up
	}
	if m.Error == "" && (m.Sequence < c.saves.last || m.Sequence > c.seq.Head()) {
		c.mu.Unlock()
		return fmt.Errorf("%w: checkpoint at sequence number %d, last was %d, head is %d", comm.ErrProtocol, m.Sequence, c.saves.last, c.seq.Head())
	}
	if m.Error == "" {
		c.saves.last, c.saves.sure = m.Sequence, m.Sequence
		c.saves.written++
		if round.suspect != nil {
			c.audit.reference = &snapshot.Info{Path: m.Path, Seq: m.Sequence}
			c.judgeLocked()
		}
	}
	c.mu.Unlock()
	if m.Error != "" {
		c.event(&wire.EventT{What: wire.HappeningCheckpointFailed, Text: m.Error})
	} else {
		c.event(&wire.EventT{What: wire.HappeningCheckpointed, Sequence: m.Sequence, Bytes: m.Bytes, Nanos: m.Nanos, Text: m.Path})
		c.pace.observe(time.Duration(min(m.Nanos, math.MaxInt64)))
		c.disk.poke() // which may have waited for it
		// It is noted before what it makes superfluous goes.
		if err := errors.Join(c.recordSaved(m.Sequence), c.prune()); err != nil {
			c.event(&wire.EventT{What: wire.HappeningWarned, Text: fmt.Sprintf("noting the newest checkpoint, or removing what it made superfluous: %v", err)})
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextRoundLocked(round, m)
	return nil
}

// nextRoundLocked settles the active round and starts what was asked for meanwhile.
func (c *coordinator) nextRoundLocked(round *saveRound, m *wire.SavedT) {
	c.saves.active = nil
	c.settle(round, m)
	c.trimLocked()
	if c.saves.active == nil && c.saves.queued != nil {
		next := c.saves.queued
		c.saves.queued = nil
		c.startLocked(next)
	}
}

// settle answers those who asked. mu is held.
func (c *coordinator) settle(round *saveRound, m *wire.SavedT) {
	if m.Error != "" && round.suspect != nil {
		c.unprovenLocked(round.suspect, m.Error)
	}
	for _, r := range round.requests {
		if r.from != nil {
			r.from.post(comm.Frame(comm.KindSaved, &wire.SavedT{Id: r.id, Sequence: m.Sequence, Path: m.Path, Bytes: m.Bytes, Nanos: m.Nanos, Error: m.Error}))
		}
		if r.then != nil {
			var err error
			if m.Error != "" {
				err = errors.New(m.Error)
			}
			c.wg.Add(1)
			go func() {
				defer c.wg.Done()
				r.then(m.Sequence, err)
			}()
		}
	}
}

// keeperLost lets the round that the keeper was to write wait for the next keeper.
func (c *coordinator) keeperLost() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if round := c.saves.active; round != nil {
		c.saves.active = nil
		c.postponeLocked(round)
	}
}

// postponeLocked keeps a round for when a keeper is back.
func (c *coordinator) postponeLocked(round *saveRound) {
	if q := c.saves.queued; q != nil {
		round.requests = append(round.requests, q.requests...)
		if round.suspect == nil {
			round.suspect = q.suspect
		}
	}
	if !c.saves.waits {
		c.saves.waits = true
		c.saves.waiting.Reset(c.cfg.now())
	}
	c.saves.queued = round
}

// keeperComesLocked lets a checkpoint wait that was asked for over a connection of a keeper before this one.
func (c *coordinator) keeperComesLocked() {
	if round := c.saves.active; round != nil {
		c.saves.active = nil
		c.postponeLocked(round)
	}
}

// keeperBack starts what waited for a keeper, and a checkpoint when the log does not reach back to the last one.
func (c *coordinator) keeperBack() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saves.waits = false
	switch round := c.saves.queued; {
	case c.saves.active != nil: // asked of this keeper since it came; what waits comes next
	case round != nil:
		c.saves.queued = nil
		c.startLocked(round)
	case !c.holdsLocked(c.saves.last + 1):
		c.requestLocked(saveRequest{})
	}
}

// giveUpSaves ends the waiting for a keeper that does not come back.
func (c *coordinator) giveUpSaves(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	round := c.saves.queued
	if c.saves.waits && round != nil && c.ranks[keeperRank] == nil && c.saves.waiting.Waited(now) > limits.Reconnect {
		c.saves.queued, c.saves.waits = nil, false
		c.settle(round, &wire.SavedT{Error: errNoKeeper.Error()})
	}
}

// forgoSaves gives up the checkpoints that were asked for and all that will be: no keeper can write one.
func (c *coordinator) forgoSaves() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saves.forgone = true
	active, queued := c.saves.active, c.saves.queued
	c.saves.active, c.saves.queued, c.saves.waits = nil, nil, false
	for _, round := range []*saveRound{active, queued} {
		if round != nil {
			c.settle(round, &wire.SavedT{Error: errNoKeeper.Error()})
		}
	}
}

// prune keeps the last Keep checkpoints, and of the log what follows the oldest of them. It leaves everything while
// evidence of a divergence is looked at.
func (c *coordinator) prune() error {
	c.mu.Lock()
	audited := c.audit.suspect != nil
	c.mu.Unlock()
	if audited {
		return nil
	}
	if err := c.dir.Store().Retain(c.cfg.Keep); err != nil {
		return err
	}
	kept, err := c.dir.Store().List()
	if err != nil || len(kept) == 0 {
		return err
	}
	oldest := kept[len(kept)-1].Seq
	if oldest+1 > c.disk.next.Load() {
		return nil // the log on disk is behind the checkpoint and goes on where it is
	}
	return c.log.TruncateBefore(oldest + 1)
}

// finish ends the job as Control wishes: a last checkpoint, the status, the end.
func (c *coordinator) finish(status statedir.Status) {
	c.mu.Lock()
	again, early := c.finishing, c.undecided()
	c.finishing = !early
	if early {
		c.wished = status // goOn comes back to it
	}
	c.mu.Unlock()
	if again || early {
		return
	}
	c.request(saveRequest{then: func(_ uint64, err error) {
		if err != nil {
			c.event(&wire.EventT{What: wire.HappeningCheckpointFailed, Text: err.Error()})
		}
		c.mu.Lock()
		c.unsaved = err != nil
		c.job.Status = status // noted once the log is on disk
		c.mu.Unlock()
		c.stop(errDone)
	}})
}

// fits tells whether the log goes on behind the newest checkpoint that verifies. It may be an older one than was thought:
// then another is asked for, if need be, before any is sent.
func (c *coordinator) fits(seq uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saves.last = min(c.saves.last, seq)
	if seq > 0 && c.holdsLocked(seq+1) {
		return nil
	}
	c.requestLocked(saveRequest{})
	return fmt.Errorf("the newest usable checkpoint is at sequence number %d, and the log no longer holds what follows: another is being written", seq)
}

// sendState sends the newest checkpoint to a replica that has nothing. What follows it in the log is not trimmed
// meanwhile, because s is already a cursor there.
func (c *coordinator) sendState(s *subscriber) error {
	began := time.Now()
	r, err := c.newestCheckpoint()
	if err != nil {
		return err
	}
	if r == nil {
		return c.fits(0)
	}
	defer r.release() // it was only read
	meta := r.Meta()
	if err := c.fits(meta.Seq); err != nil {
		return err
	}
	for _, o := range r.Objects() {
		if err := s.conn.Send(comm.KindStateObject, &wire.StateObjectT{Id: o.ID, Name: o.Name, Class: o.Class}); err != nil {
			return err
		}
		for piece, err := range r.Chunks(o.ID) {
			if err == nil {
				err = s.conn.SendChunk(piece)
			}
			if err != nil {
				return err
			}
		}
	}
	end := &wire.StateEndT{Sequence: meta.Seq, Time: meta.Time.UnixNano()}
	for id, request := range meta.Sessions {
		end.Sessions = append(end.Sessions, &wire.SessionT{Id: id, Request: request})
	}
	s.next.Store(meta.Seq + 1)
	c.cfg.Log.Info("sent state", "rank", s.rank, "sequence", meta.Seq, "took", time.Since(began))
	return s.conn.Send(comm.KindStateEnd, end)
}
