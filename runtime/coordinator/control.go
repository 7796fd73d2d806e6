package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"dsss/checkpoint"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
)

// control is the launcher's connection: events go out, commands come in.
type control struct {
	conn   *comm.Conn
	events chan *wire.EventT
	closed chan struct{} // no more events are taken
	once   sync.Once
	sent   chan struct{} // the writer is done
	heard  chan struct{} // the reader is done
}

// post queues an event. When the launcher does not keep up, progress and refusals go first and then everything.
func (k *control) post(e *wire.EventT) {
	if (e.What == wire.HappeningProgressed || e.What == wire.HappeningRefused) && len(k.events) > limits.Events/2 {
		return
	}
	select {
	case k.events <- e:
	default:
	}
}

func (k *control) write() {
	defer close(k.sent)
	for {
		select {
		case e := <-k.events:
			if k.conn.Send(comm.KindEvent, e) != nil {
				return
			}
		case <-k.closed:
			for {
				select {
				case e := <-k.events:
					if k.conn.Send(comm.KindEvent, e) != nil {
						return
					}
				default:
					return
				}
			}
		}
	}
}

// drain sends what is queued and last as the last event, and hangs up. The peer closes first if it can: what lies here
// unread when a socket is closed makes the kernel reset the connection, and last might be lost with it.
func (k *control) drain(last *wire.EventT) {
	k.post(last)
	k.once.Do(func() { close(k.closed) })
	late, cancel := comm.WithPatience(context.Background(), limits.Drain)
	defer cancel()
	select {
	case <-k.sent:
	case <-late.Done():
	}
	if k.conn.CloseWrite() {
		select {
		case <-k.heard:
		case <-late.Done():
		}
	}
	k.conn.CloseFor(errors.New("the job ended"))
}

// controlsLocked lists Control and the Operators.
func (c *coordinator) controlsLocked() []*control {
	var all []*control
	if c.control != nil {
		all = append(all, c.control)
	}
	for k := range c.operators {
		all = append(all, k)
	}
	return all
}

// serveControl serves Control or an Operator until its connection ends. The job ends with Control's.
func (c *coordinator) serveControl(conn *comm.Conn, role wire.Role) error {
	k := &control{conn: conn, events: make(chan *wire.EventT, limits.Events), closed: make(chan struct{}), sent: make(chan struct{}), heard: make(chan struct{})}
	c.mu.Lock()
	switch {
	case c.stopping != nil || role == wire.RoleControl && c.control != nil:
		c.mu.Unlock()
		return refuse(wire.RefusalBusy, "this job is controlled already, or ending")
	case len(c.operators) >= limits.Operators:
		c.mu.Unlock()
		return refuse(wire.RefusalBusy, "%d operators are connected already: end one of those commands", len(c.operators))
	case role == wire.RoleOperator:
		c.operators[k] = true
	default:
		c.control, c.controlled = k, true
		for _, e := range c.early {
			k.post(e)
		}
		c.early = nil
	}
	welcome := &wire.WelcomeT{Version: comm.Version, Epoch: c.job.Epoch, Run: c.job.Run, Size: int32(c.cfg.Size)}
	c.mu.Unlock()
	conn.Raise()
	err := conn.Send(comm.KindWelcome, welcome)
	if err == nil {
		c.wg.Add(2)
		go func() {
			defer c.wg.Done()
			k.write()
		}()
		go func() {
			defer c.wg.Done()
			conn.Watch(limits.Silence, limits.Silence, func() []byte { return comm.Frame(comm.KindHeartbeat, &wire.HeartbeatT{}) })
		}()
		err = c.commands(k, role)
	} else {
		close(k.sent)
	}
	close(k.heard)
	k.once.Do(func() { close(k.closed) })
	if role == wire.RoleOperator {
		c.mu.Lock()
		delete(c.operators, k)
		c.mu.Unlock()
		conn.CloseFor(err)
		return nil
	}
	select {
	case <-c.end:
	default:
		// Without a launcher there is nobody to say how the job ends: keep what there is.
		c.stop(fmt.Errorf("the launcher is gone: %w", err))
	}
	return nil
}

func (c *coordinator) commands(k *control, role wire.Role) error {
	for {
		kind, body, err := k.conn.Next()
		if err != nil {
			return err
		}
		switch kind {
		case comm.KindHeartbeat:
		case comm.KindCommand:
			m, err := comm.ParseCommand(body)
			if err == nil {
				err = c.command(k, m, role)
			}
			if err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: %v from Control", comm.ErrProtocol, kind)
		}
	}
}

// command does what Control or an Operator wants. What an Operator wants of the launcher goes to Control as an event.
func (c *coordinator) command(k *control, m *wire.CommandT, role wire.Role) error {
	own := role == wire.RoleControl
	switch {
	case m.Verb == wire.VerbCheckpoint && own:
		c.request(saveRequest{})
	case m.Verb == wire.VerbCheckpoint:
		c.request(saveRequest{then: func(seq uint64, err error) { k.answer(seq, err) }})
	case m.Verb == wire.VerbGrow:
		c.grow(int(m.Count))
		c.event(&wire.EventT{What: wire.HappeningGrow, Count: uint64(m.Count), Rank: -1})
	case m.Verb == wire.VerbShrink:
		c.event(&wire.EventT{What: wire.HappeningShrink, Rank: m.Rank})
	case m.Verb == wire.VerbGone && own:
		c.processGone(m.Rank, m.Incarnation)
		if c.takeover != nil {
			c.takeover.processGone(m.Rank)
		}
	case m.Verb == wire.VerbFinish && own:
		status := checkpoint.Status(m.Status)
		if !slices.Contains([]checkpoint.Status{checkpoint.Finished, checkpoint.Interrupted, checkpoint.Failed}, status) {
			return fmt.Errorf("%w: status %q", comm.ErrProtocol, m.Status)
		}
		if m.Count > 0 {
			c.forgoSaves()
		}
		c.finish(status)
	default:
		return fmt.Errorf("%w: %v from %v", comm.ErrProtocol, m.Verb, role)
	}
	return nil
}

// answer tells an Operator what became of the checkpoint that it asked for.
func (k *control) answer(seq uint64, err error) {
	e := &wire.EventT{What: wire.HappeningCheckpointed, Role: wire.RoleOperator, Rank: -1, Sequence: seq}
	if err != nil {
		e.What, e.Text = wire.HappeningCheckpointFailed, err.Error()
	}
	k.post(e)
}

// grow makes room for count more ranks, which the launcher may fill.
func (c *coordinator) grow(count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cfg.Size = min(c.cfg.Size+count, max(limits.Workers, c.cfg.Size))
}

// processGone notes that the process of a member has ended: another may take its rank, though its connection has not
// been seen to end.
func (c *coordinator) processGone(member int32, incarnation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.ranks[member]; s != nil && incarnation != 0 && s.incarnation != 0 && s.incarnation > incarnation {
		return // it was of one before the one that is here
	} else if s != nil {
		s.gone = true // what it sent before it ended is read first
	} else {
		c.memberGoneLocked(member)
	}
}

// finished is the last event.
func (c *coordinator) finished(err error) *wire.EventT {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := &wire.EventT{What: wire.HappeningFinished, Count: c.saves.written, Text: string(c.job.Status)}
	if c.seq != nil {
		e.Sequence = c.seq.Head()
	}
	switch {
	case err != nil:
		e.What, e.Text = wire.HappeningFailed, err.Error()
	case !errors.Is(c.stopping, errDone):
		e.What, e.Text = wire.HappeningFailed, c.stopping.Error()
	}
	return e
}

// handle handles what a replica sends besides batches.
func (c *coordinator) handle(s *subscriber, kind comm.Kind, body []byte) error {
	switch kind {
	case comm.KindHeartbeat:
		m, err := comm.ParseHeartbeat(body)
		if err != nil {
			return err
		}
		if m.Applied > s.applied.Load() {
			s.applied.Store(m.Applied)
			if c.cfg.Durability == Memory {
				c.tellStable()
			}
		}
		return nil
	case comm.KindSync:
		m, err := comm.ParseSync(body)
		if err != nil {
			return err
		}
		if m.Stats {
			s.post(comm.Frame(comm.KindStats, c.stats(m.Id)))
			s.writeNow()
			return nil
		}
		c.mu.Lock()
		reply := &wire.SyncedT{Id: m.Id, Head: c.seq.Gate(), Checkpoints: c.saves.written}
		c.mu.Unlock()
		s.post(comm.Frame(comm.KindSynced, reply))
		s.writeNow()
		return nil
	case comm.KindSave:
		m, err := comm.ParseSave(body)
		if err != nil {
			return err
		}
		c.request(saveRequest{from: s, id: m.Id})
		return nil
	case comm.KindSaved:
		m, err := comm.ParseSaved(body)
		if err != nil {
			return err
		}
		if s.role != wire.RoleKeeper {
			return fmt.Errorf("%w: Saved from a worker", comm.ErrProtocol)
		}
		return c.saved(m)
	case comm.KindProgress:
		m, err := comm.ParseProgress(body)
		if err != nil {
			return err
		}
		c.event(&wire.EventT{What: wire.HappeningProgressed, Role: s.role, Rank: s.rank, Pid: s.pid, Incarnation: s.incarnation, Text: m.Text[:min(len(m.Text), limits.ProgressText)]})
		return nil
	case comm.KindStateObject, comm.KindStateChunk, comm.KindStateEnd:
		return c.donate(s, kind, body)
	case comm.KindDigest:
		m, err := comm.ParseDigest(body)
		if err != nil {
			return err
		}
		c.digested(s, m)
		return nil
	case comm.KindPanic:
		m, err := comm.ParsePanic(body)
		if err != nil {
			return err
		}
		return c.panicked(s, m)
	case comm.KindLeave:
		c.mu.Lock()
		s.left = true
		c.mu.Unlock()
		s.post(comm.Frame(comm.KindStop, &wire.StopT{}))
		s.writeNow()
		return nil
	}
	return fmt.Errorf("%w: %v from a replica", comm.ErrProtocol, kind)
}

// stats is what is known about the job, for the question id.
func (c *coordinator) stats(id uint64) *wire.StatsT {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &wire.StatsT{
		Id: id, Epoch: c.job.Epoch, Run: c.job.Run, Head: c.seq.Head(), Commit: c.seq.Gate(),
		Memory: uint64(c.mem.bytes), Limit: uint64(c.mem.limit), Checkpoints: c.saves.written, Saved: c.saves.last,
	}
	for s := range c.subs {
		m.Cursors = append(m.Cursors, &wire.CursorT{
			Rank: s.rank, Incarnation: s.incarnation, Member: s.session, Members: 1, Applied: s.applied.Load(), Next: s.next.Load(),
		})
	}
	return m
}

// panicked ends the job at a mutation that panicked; every replica will report it, the first is heard.
func (c *coordinator) panicked(s *subscriber, m *wire.PanicT) error {
	c.mu.Lock()
	impossible := m.Sequence == 0 || m.Sequence > c.seq.Gate()
	first := c.voided == 0
	if !impossible && first && c.stopping == nil {
		c.voided = m.Sequence
	}
	c.mu.Unlock()
	if impossible {
		return fmt.Errorf("%w: a panic at sequence number %d, which was never sent", comm.ErrProtocol, m.Sequence)
	}
	if !first {
		return nil
	}
	text := fmt.Sprintf("mutator %s of %s panicked at sequence number %d: %s; arguments %s", m.Method, m.Object, m.Sequence, m.Text, m.Arguments)
	c.event(&wire.EventT{What: wire.HappeningPanicked, Role: s.role, Rank: s.rank, Pid: s.pid, Incarnation: s.incarnation, Sequence: m.Sequence, Text: text, Detail: m.Stack})
	c.stop(fmt.Errorf("%s; a resumed job goes on without it", text))
	return nil
}
