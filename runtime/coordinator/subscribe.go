package coordinator

import (
	"errors"
	"fmt"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/sequencer"
)

// subscribe makes s a cursor of the log, from where its replica stands on, or from the newest checkpoint when it is new.
func (c *coordinator) subscribe(s *subscriber, hello *wire.HelloT) (uint64, *wire.WelcomeT, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.stopping != nil:
		return 0, nil, refuse(wire.RefusalEnded, "the job is ending")
	case s.role == wire.RoleWorker && (s.rank < 0 || int(s.rank) >= c.cfg.Size):
		return 0, nil, refuse(wire.RefusalRank, "rank %d: this job has ranks 0 to %d", s.rank, c.cfg.Size-1)
	}
	if c.quarantined[s.session] {
		return 0, nil, refuse(wire.RefusalBehind, "evicted: its state has diverged from the job's")
	}
	opened := c.seq.Step(sequencer.Input{Kind: sequencer.Open, Session: s.session, Epoch: hello.Epoch, Sequence: hello.Applied})[0]
	switch opened.Kind {
	case sequencer.Supersede:
		return 0, nil, &supersededError{comm.RefusedError{Code: wire.RefusalBusy, Reason: opened.Reason}}
	case sequencer.Fork:
		return 0, nil, refuse(wire.RefusalBehind, "evicted: %s", opened.Reason)
	}
	start, state, err := c.startForLocked(s.role, hello.Applied)
	if err != nil {
		return 0, nil, err
	}
	key := s.rank
	if s.role == wire.RoleKeeper {
		key = keeperRank
	}
	if other := c.ranks[key]; other != nil {
		if other.session != s.session && !other.gone {
			return 0, nil, c.takenLocked(other, s.session)
		}
		// The same session again, or the successor of a process that ended: the old connection is dead, whether we have
		// seen that or not.
		c.dropLocked(other)
		other.conn.CloseFor(errors.New("its worker connected anew"))
	}
	s.next.Store(start)
	s.applied.Store(hello.Applied)
	if s.role == wire.RoleKeeper {
		c.keeperComesLocked()
	}
	c.ranks[key] = s
	c.subs[s] = true
	c.publishLocked()
	if s.role == wire.RoleWorker {
		c.memberLocked(s)
	}
	return start, &wire.WelcomeT{
		Version: comm.Version, Epoch: c.job.Epoch, Run: c.job.Run, Size: int32(c.cfg.Size), Ordered: opened.Request,
		State: state, Head: c.seq.Head(), Voids: c.job.LeftOut(),
		Heartbeat: uint32(limits.Heartbeat / time.Millisecond), Remember: c.cfg.Durability != Disk, Log: c.job.Log.ID,
	}, nil
}

// takenLocked refuses a process whose rank another has. That one may have ended a moment ago: for a while it is worth trying
// again.
func (c *coordinator) takenLocked(other *subscriber, rival uint64) error {
	now := c.cfg.now()
	since, waits := other.rivals[rival]
	if !waits && len(other.rivals) < limits.Rivals {
		if other.rivals == nil {
			other.rivals = map[uint64]time.Time{}
		}
		other.rivals[rival] = now
	}
	code, place := wire.RefusalBusy, "the keeper's place"
	if waits && now.Sub(since) >= limits.Taken {
		code = wire.RefusalRank
	}
	if other.role == wire.RoleWorker {
		place = fmt.Sprintf("rank %d", other.rank)
	}
	return refuse(code, "%s is taken by pid %d, which runs: each is for one process; start others by 'dsss run', or without DSSS_ROLE to be jobs of their own", place, other.pid)
}

// supersededError refuses a replica for now, and tells serve that a later coordinator exists.
type supersededError struct{ comm.RefusedError }

func (e *supersededError) Is(target error) bool { return target == errSuperseded }
func (e *supersededError) Unwrap() error        { return &e.RefusedError }

// startForLocked says where a replica that stands at applied reads on: behind that if the log still has it, else behind
// the newest checkpoint, whose state it then needs.
func (c *coordinator) startForLocked(role wire.Role, applied uint64) (start uint64, state bool, err error) {
	saved := c.saves.last
	switch {
	case applied > 0 && c.holdsLocked(applied+1):
		return applied + 1, false, nil
	case saved == 0 && applied == 0 && c.holdsLocked(1):
		return 1, false, nil
	case saved > applied && c.holdsLocked(saved+1):
		return saved + 1, true, nil
	}
	// The last checkpoint does not help; another one will. Only the keeper itself has to be helped by a worker.
	if role == wire.RoleKeeper {
		c.askForStateLocked()
	} else {
		c.requestLocked(saveRequest{})
	}
	return 0, false, refuse(wire.RefusalBusy, "the log no longer holds what follows sequence number %d, and no checkpoint does yet: try again", max(applied, saved))
}

// holdsLocked tells whether the log has everything from seq on, in memory or on disk.
func (c *coordinator) holdsLocked(seq uint64) bool {
	first := c.mem.first()
	return seq >= first || c.log.First() <= seq && c.log.Next() >= first
}

// keeperRank stands for the keeper in ranks.
const keeperRank = -1

// publishLocked renews what wake reads.
func (c *coordinator) publishLocked() {
	all := make([]*subscriber, 0, len(c.subs))
	for s := range c.subs {
		all = append(all, s)
	}
	c.everyone.Store(&all)
}

func (c *coordinator) dropLocked(s *subscriber) {
	if !c.subs[s] {
		return
	}
	delete(c.subs, s)
	for key, other := range c.ranks {
		if other == s {
			delete(c.ranks, key)
		}
	}
	c.publishLocked()
	c.trimLocked() // it may have been the slowest
}
