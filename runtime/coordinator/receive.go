package coordinator

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/stream"
	"dsss/runtime/history"
	"dsss/runtime/order"
)

// ErrFull: memory has no room for a batch. It was not taken, and the same frame is to be received again later.
var ErrFull = errors.New("no room for a batch")

var errEnding = errors.New("the job is ending")

// Receive handles the frame that the peer's connection returned last. An error other than ErrFull ends the connection: Lost
// follows.
func (p *Peer) Receive(kind comm.Kind, body []byte) error {
	c := p.c
	switch {
	case p.id == 0 || kind == comm.KindHello:
		return p.hello(kind, body)
	case kind == comm.KindBatch:
		return p.batch(body)
	case p.recalled.Load() && (kind == comm.KindTail || kind == comm.KindStateEnd):
		return p.takeTail(kind, body)
	case kind == comm.KindStateObject, kind == comm.KindStateChunk, kind == comm.KindStateEnd:
		return p.takeState(kind, body)
	case kind == comm.KindCommand && p.commands:
		m, err := comm.ParseCommand(body)
		if err != nil {
			return err
		}
		return p.event(order.Event{Kind: order.Command, Peer: p.id, Message: m})
	case p.commands && kind == comm.KindHeartbeat:
		return nil
	case p.commands:
		return fmt.Errorf("%w: %v from %v", comm.ErrProtocol, kind, p.role)
	}
	if kind == comm.KindResult || kind == comm.KindAnswer {
		return p.reply(kind, body)
	}
	m, err := parse(kind, body)
	if err != nil {
		return err
	}
	if ask, ok := m.(*wire.SyncT); ok && ask.Stats {
		p.post(frameOf(c.stats(ask)))
		p.WriteNow()
		return nil
	}
	err = p.event(order.Event{Kind: order.Received, Peer: p.id, Session: reflect.ValueOf(m).Elem().FieldByName("Session").Uint(), Message: m, Held: c.heldNow(kind)})
	if kind == comm.KindSync || kind == comm.KindLeave {
		p.WriteNow()
	}
	return err
}

// reply has the machine pass on what the host answers.
func (p *Peer) reply(kind comm.Kind, body []byte) error {
	r := &order.Reply{}
	if kind == comm.KindResult {
		m, _, err := comm.ParseResult(body)
		if err != nil {
			return err
		}
		r.Session = stream.Session(m.Stream)
	} else {
		m, err := comm.ParseAnswer(body)
		if err != nil {
			return err
		}
		r.Session = m.Session
	}
	r.Frame = bytes.Clone(p.conn.Frame())
	return p.event(order.Event{Kind: order.Received, Peer: p.id, Session: p.session, Message: r})
}

// heldNow is held where the machine may ask.
func (c *Core) heldNow(kind comm.Kind) order.Held {
	if kind != comm.KindHeartbeat && kind != comm.KindLeave {
		return order.Held{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held()
}

// parse verifies a control message of a replica.
func parse(kind comm.Kind, body []byte) (m any, err error) {
	switch kind {
	case comm.KindHeartbeat:
		return comm.ParseHeartbeat(body)
	case comm.KindSync:
		return comm.ParseSync(body)
	case comm.KindSave:
		return comm.ParseSave(body)
	case comm.KindSaved:
		return comm.ParseSaved(body)
	case comm.KindProgress:
		return comm.ParseProgress(body)
	case comm.KindDigest:
		return comm.ParseDigest(body)
	case comm.KindPanic:
		return comm.ParsePanic(body)
	case comm.KindLeave:
		return comm.ParseLeave(body)
	case comm.KindQuery:
		return comm.ParseQuery(body)
	}
	return nil, fmt.Errorf("%w: %v from a replica", comm.ErrProtocol, kind)
}

// event brings an event of this peer, and returns why the machine had the connection closed, if it did.
func (p *Peer) event(ev order.Event) error {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	p.c.handleLocked(ev)
	p.burst.passed = append(p.burst.passed, p.c.passed...)
	clear(p.c.passed)
	p.c.passed = p.c.passed[:0]
	return p.gone
}

// hello hands the machine a Hello, the first on this connection or one of a further session.
func (p *Peer) hello(kind comm.Kind, body []byte) error {
	c := p.c
	hello, err := comm.FirstHello(kind, body)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.id == 0 {
		c.lastPeer++
		p.id, p.role, p.rank, p.pid, p.session, p.recalls = c.lastPeer, hello.Role, hello.Rank, hello.Pid, hello.Session, hello.Recalls
		p.commands = hello.Role == wire.RoleControl || hello.Role == wire.RoleOperator
		p.patient, p.all = hello.Role == wire.RoleKeeper, hello.Role == wire.RoleKeeper || hello.Role == wire.RoleHost
		c.peers[p.id] = p
	} else if hello.Role != wire.RoleWorker || p.commands {
		return fmt.Errorf("%w: a further Hello of %v on a connection of %v", comm.ErrProtocol, hello.Role, p.role)
	}
	c.handleLocked(order.Event{Kind: order.Hello, Peer: p.id, Message: hello, Held: c.held()})
	return p.gone
}

// Known tells whether the peer has said Hello.
func (p *Peer) Known() bool { return p.id != 0 }

// batch has a batch ordered.
func (p *Peer) batch(body []byte) error {
	c := p.c
	b, err := comm.ParseBatch(body)
	if err != nil {
		return err
	}
	frame := p.conn.Frame()
	s := c.hist.Space(len(frame))
	copy(s.Frame, frame)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.space = s
	ev := order.Event{Kind: order.Batch, Peer: p.id, Session: b.Stream, Request: b.Request, Count: b.Count}
	if ev.Held.Full = c.hist.Full(0, 0); ev.Held.Full {
		ev.Held.FullOver = c.hist.Full(c.cfg.Bounds.LogOver, c.cfg.Bounds.Window)
	}
	c.full = false
	c.handleLocked(ev)
	if c.space.Frame != nil { // it did not become the log's
		c.hist.Return(c.space)
		c.space = history.Space{}
	}
	if c.full && c.stopping == nil {
		return ErrFull
	}
	if b.Domain() == stream.Hosted {
		p.burst.hosted = true
	} else {
		p.burst.replicated = true
	}
	return p.gone
}

// A burst is what has come of the frames that one read brought: whose writers are to be told, and who is written to at once.
type burst struct {
	replicated, hosted bool    // batches of that domain were ordered
	passed             []*Peer // messages were passed on to them
}

// Burst ends a burst of frames: the other cursors learn of what was ordered, and those who wait are written to at once. It comes once a
// burst, so that bursts are written in one go. The reader calls it.
func (p *Peer) Burst() {
	b, c := &p.burst, p.c
	if b.hosted { // its callers wait for the host
		if host := c.host.Load(); host != nil {
			host.WriteNow()
		}
	}
	switch {
	case b.replicated:
		c.wake(p)
		p.WriteNow()
	case b.hosted:
		c.wakeFull()
	}
	for i, to := range b.passed {
		to.WriteNow()
		b.passed[i] = nil
	}
	*b = burst{passed: b.passed[:0]}
}

// Room tells whether a batch of the peer that was refused with ErrFull may be received again: memory has room, or the job
// ends.
func (p *Peer) Room() bool {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	return p.roomLocked()
}

func (p *Peer) roomLocked() bool {
	c := p.c
	if c.stopping != nil || p.gone != nil || !c.hist.Full(0, 0) {
		return true
	}
	return p.asked.Load() && !c.hist.Full(c.cfg.Bounds.LogOver, c.cfg.Bounds.Window)
}

// waitRoom waits for that.
func (p *Peer) waitRoom() {
	c := p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting++
	c.makeRoom()
	for !p.roomLocked() {
		c.wake(nil)
		c.room.Wait()
	}
	c.waiting--
}

// A tail is what a replica remembers for a coordinator that takes over: batches that follow one another up to end, none when
// the disk has them all.
type tail struct {
	session uint64
	from    uint64 // all from here on that the replica applied is remembered
	entries []tailEntry
	bytes   int             // of entries
	end     *wire.StateEndT // nil until all of it is here
}

type tailEntry struct {
	first, previous uint64
	stream, request uint64
	count           uint32
	frame           []byte
}

func (e tailEntry) last() uint64 { return e.first + uint64(e.count) - 1 }

// recall asks for what the session remembers from first on. c.mu is held.
func (p *Peer) recall(session, first uint64) {
	p.conn.Allow()
	p.conn.SetReadDeadline(time.Now().Add(limits.Rejoin))
	p.tail = &tail{session: session, from: p.recalls}
	p.recalled.Store(true)
	p.post(frameOf(&wire.RecallT{First: first, Session: session}))
}

// takeTail takes a frame of the answer.
func (p *Peer) takeTail(kind comm.Kind, body []byte) error {
	t := p.tail
	if kind == comm.KindTail {
		return t.add(body)
	}
	end, err := comm.ParseStateEnd(body)
	if err != nil {
		return err
	}
	if n := len(t.entries); n > 0 && t.entries[n-1].last() > end.Sequence {
		return fmt.Errorf("%w: a tail up to %d that ends at %d", comm.ErrProtocol, end.Sequence, t.entries[n-1].last())
	}
	t.end = end
	p.conn.SetReadDeadline(time.Time{})
	p.recalled.Store(false)
	return p.event(order.Event{Kind: order.Tailed, Peer: p.id})
}

// add takes a batch.
func (t *tail) add(body []byte) error {
	b, err := comm.ParseBatch(body)
	if err != nil {
		return err
	}
	if n := len(t.entries); b.Count == 0 || n > 0 && b.Sequence <= t.entries[n-1].last() { // those of a worker lack the hosted calls
		return fmt.Errorf("%w: a batch at sequence number %d out of place in a tail", comm.ErrProtocol, b.Sequence)
	}
	if t.bytes += len(body); t.bytes > 2*limits.Tail {
		return fmt.Errorf("%w: a tail of more than %d bytes", comm.ErrProtocol, 2*limits.Tail)
	}
	frame := make([]byte, comm.HeaderSize+len(body))
	copy(frame[comm.HeaderSize:], body)
	comm.Seal(frame, comm.KindBatch)
	t.entries = append(t.entries, tailEntry{first: b.Sequence, previous: b.Previous, stream: b.Stream, request: b.Request, count: b.Count, frame: frame})
	return nil
}
