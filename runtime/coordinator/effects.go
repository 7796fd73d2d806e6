package coordinator

import (
	"errors"
	"fmt"

	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/stream"
	"dsss/runtime/history"
	"dsss/runtime/order"
)

// do carries out one effect. mu is held.
func (c *Core) do(e *order.Effect) {
	switch e.Kind {
	case order.Append:
		c.append(e)
	case order.Release:
		c.replicated.Store(e.Replicated) // before commit: see Peer.reached
		c.commit.Store(e.Sequence)
	case order.Full:
		c.full, c.short = true, true
	case order.Post:
		c.post(e)
	case order.Admit:
		c.admitted(e)
	case order.Refuse:
		c.refused(e)
	case order.Close:
		if p := c.peers[e.Peer]; p != nil {
			p.close(closing(e))
		}
	case order.Tell:
		c.tellLocked(e.Message.(*wire.EventT))
	case order.Answer:
		if p := c.peers[e.Peer]; p != nil {
			p.answer(e.Sequence, e.Reason)
		}
	case order.Recall:
		if p := c.peers[e.Peer]; p != nil {
			p.recall(e.Session, e.Sequence)
		}
	case order.Open:
		hello := e.Message.(*wire.HelloT)
		c.later(func() { c.open(hello) })
	case order.GoOn:
		var t tails
		if p := c.peers[e.Peer]; e.Known && p != nil {
			t.base, t.partial = p.tail, e.Partial
		}
		if p := c.peers[e.Second]; e.Second != 0 && p != nil {
			t.further = p.tail
		}
		c.later(func() { c.goOn(t) })
	case order.Note:
		report, keep := e.Message.(*wire.SavedT), e.Keep
		c.later(func() { c.note(report, keep) })
	case order.Take:
		c.take(e)
	case order.Hold:
		d := e.Message.(*order.Divergence)
		c.later(func() { c.hold(d) })
	case order.Trim:
		c.hist.Trim(e.Sequence)
	case order.Spill:
		c.disk.spill(e.Sync)
	case order.Renew:
		c.renew = true
	case order.Stable:
		c.tellStable(e.Sequence)
	case order.Stop:
		c.stopped(e)
	}
}

// post sends a message. What is only passed on is written by the reader that brought it, at the end of its burst.
func (c *Core) post(e *order.Effect) {
	p := c.peers[e.Peer]
	if p == nil {
		return
	}
	passed := false
	switch m := e.Message.(type) {
	case *order.Reply:
		passed = p.put(m.Frame)
	case *wire.QueryT:
		passed = p.put(frameOf(m))
	default:
		p.post(frameOf(m))
	}
	if passed {
		c.passed = append(c.passed, p)
	}
}

// append gives a batch its place, and the log has it.
func (c *Core) append(e *order.Effect) {
	s := c.space
	if e.Control == nil {
		c.space = history.Space{}
	} else {
		frame := controlFrame(e.Control, e.Request)
		s = c.hist.Space(len(frame))
		copy(s.Frame, frame)
	}
	comm.Order(s.Frame, e.Sequence, c.job.Epoch, c.clock, e.Previous)
	c.hist.Append(e.Sequence, e.Count, uint8(stream.Domain(e.Session)), s)
}

// controlFrame is the batch that a control is ordered in, as the given request of the coordinators' session.
func controlFrame(control *wire.ControlT, request uint64) []byte {
	frame := comm.AppendCall(comm.BeginBatch(nil), comm.CatalogID, comm.ControlID, comm.ControlArgs(control))
	comm.FinishBatch(frame, stream.Coordinator, request, 1)
	return frame
}

// closing is why a connection is closed that the machine wants closed.
func closing(e *order.Effect) error {
	if e.Cause == order.Failed {
		return fmt.Errorf("%w: %s", comm.ErrProtocol, e.Reason)
	}
	return errors.New(e.Reason)
}

// admitted welcomes a session.
func (c *Core) admitted(e *order.Effect) {
	p := c.peers[e.Peer]
	if p == nil {
		return
	}
	welcome := e.Message.(*wire.WelcomeT)
	p.conn.Allow()
	switch {
	case p.role == wire.RoleControl:
		c.launcher, c.launched = p, true
	case p.commands, e.Further:
	default:
		p.cursor = c.hist.NewCursor(e.Sequence, p.all)
		if p.role == wire.RoleHost {
			c.host.Store(p)
		}
		p.states.Store(e.State)
		c.publish()
	}
	p.post(frameOf(welcome))
	p.outbox.Lock()
	p.outbox.admitted, p.outbox.first = true, len(p.outbox.frames)
	p.outbox.Unlock()
	p.poke()
	if p.role == wire.RoleControl {
		for _, early := range c.early {
			p.tell(early)
		}
		c.early = nil
	}
	c.cfg.Log.Info("joined", "role", p.role, "rank", p.rank, "pid", p.pid, "from", e.Sequence)
}

// refused refuses a session, and its connection with it when nobody else is behind that.
func (c *Core) refused(e *order.Effect) {
	p := c.peers[e.Peer]
	if p == nil {
		return
	}
	err := &comm.RefusedError{Code: e.Code, Reason: e.Reason}
	c.cfg.Log.Warn("connection refused", "peer", p.conn.Peer(), "cause", err)
	if c.stopping != nil && abandons(c.stopping) { // it is not ours to say what becomes of the job
		p.close(err)
		return
	}
	p.post(frameOf(&wire.RefuseT{Code: e.Code, Reason: e.Reason, Session: e.Session}))
	if e.Last {
		p.closeWhenSent(err)
	}
}

// stopped ends the job because the machine says so.
func (c *Core) stopped(e *order.Effect) {
	reason := errors.New(e.Reason)
	switch e.Cause {
	case order.Done:
		c.unsaved, c.job.Status = !e.Last, statedir.Status(e.Message.(string)) // noted once the log is on disk
		reason = errDone
	case order.Superseded:
		reason = errSuperseded
	case order.Usage:
		reason = usageError{reason}
	}
	if c.openError != nil && e.Cause != order.Done {
		reason = c.openError
	}
	c.stopLocked(reason)
}

// tellStable tells every replica what it may forget. A peer that reads nothing is not told again and again.
func (c *Core) tellStable(seq uint64) {
	c.stable.Store(seq)
	frame := frameOf(&wire.HeartbeatT{Stable: seq})
	for _, p := range c.replicas() {
		if !p.posted.Load() {
			p.post(frame)
		}
	}
}
