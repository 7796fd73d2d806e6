package coordinator

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/history"
	"dsss/runtime/order"
)

// A Peer is a connection: what goes out on it, and, once it was admitted, its cursor on the log. Who is behind it, one
// session or many, the machine knows.
//
// One goroutine reads from it (Receive) and one writes (Write); the reader may write, too, as long as it does not wait
// (WriteNow).
type Peer struct {
	c    *Core
	id   uint64
	conn *comm.Conn

	// What the first Hello said. Set before the peer is known to anybody else.
	role     wire.Role
	commands bool // the launcher's or an operator's
	rank     int32
	pid      int32
	session  uint64
	recalls  uint64 // from where on it has the batches that it applied
	patient  bool   // lets batches gather for limits.Patience: nobody waits for the keeper
	all      bool   // it holds all objects, and reads every domain of the log

	cursor *history.Cursor // nil until admitted, and of the launcher; set under c.mu before the first poke
	wake   chan struct{}   // room for one word to the writer

	outbox outbox
	posted atomic.Bool // there is something in outbox

	// Under the connection's write side.
	bufs     [][]byte
	rest     net.Buffers     // what a WriteNow left: nothing else may be written before it
	held     atomic.Bool     // rest is not empty
	using    *history.Cursor // cursor, once the log may be sent
	astray   bool            // the log no longer has the cursor's place
	welcomed bool            // its Welcome is written with what is gathered, or was
	states   atomic.Bool     // the newest checkpoint comes before the log
	known    atomic.Bool     // it has been sent its Welcome

	burst burst // the reader's

	tail     *tail       // what it was recalled for, as far as it came; the reader's. Set under c.mu
	recalled atomic.Bool // tail is being filled
	transfer *transfer   // the state that it was asked for; nil when none is. Set under c.mu; the reader's from its first frame on
	asked    atomic.Bool // transfer is not nil
	gone     error       // why it was closed by us; guarded by c.mu
}

// An outbox is control frames to send before more of the log. Its lock is taken last.
type outbox struct {
	sync.Mutex
	frames   [][]byte
	bytes    int   // of frames
	admitted bool  // the log may be sent
	first    int   // as many of frames go before the state that a replica needs
	last     error // when all is sent, the connection is closed for this; nil: not at all
}

// Accept takes a connection that has yet to say Hello.
func (c *Core) Accept(conn *comm.Conn) *Peer {
	return &Peer{c: c, conn: conn, wake: make(chan struct{}, 1), role: wire.RoleWorker, rank: -1}
}

// post hands a control frame to the writer. A replica that lets Bounds.Outbox of them pile up is cut off; the launcher, which
// must not be, loses what is too many.
func (p *Peer) post(frame []byte) {
	if p.put(frame) {
		p.poke()
	}
}

// put is post without a word to the writer: the caller writes. It returns false when the frame is not there to be written.
func (p *Peer) put(frame []byte) bool {
	most := p.c.cfg.Bounds.Outbox
	switch {
	case p.commands:
		most = limits.Events
	case p.role == wire.RoleHost:
		most = limits.Queries // it may take its time over one of them
	}
	p.outbox.Lock()
	over := len(p.outbox.frames) >= most || p.outbox.bytes >= limits.OutboxBytes
	if !over {
		p.outbox.frames = append(p.outbox.frames, frame)
		p.outbox.bytes += len(frame)
	}
	p.outbox.Unlock()
	if over && !p.commands {
		p.conn.CloseFor(fmt.Errorf("it does not read its messages: %d wait", most))
	}
	if over {
		return false
	}
	p.posted.Store(true)
	return true
}

// tell posts an event. When the launcher does not keep up, progress and refusals go first.
func (p *Peer) tell(e *wire.EventT) {
	if e.What == wire.HappeningProgressed || e.What == wire.HappeningRefused {
		p.outbox.Lock()
		busy := len(p.outbox.frames) > limits.Events/2
		p.outbox.Unlock()
		if busy {
			return
		}
	}
	p.post(frameOf(e))
}

// answer tells an operator what became of the checkpoint that it asked for.
func (p *Peer) answer(seq uint64, failed string) {
	e := &wire.EventT{What: wire.HappeningCheckpointed, Role: wire.RoleOperator, Rank: -1, Sequence: seq}
	if failed != "" {
		e.What, e.Text = wire.HappeningCheckpointFailed, failed
	}
	p.tell(e)
}

func (p *Peer) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Woken is how the writer is told that there is something to write.
func (p *Peer) Woken() <-chan struct{} { return p.wake }

// Pending tells whether there is something to write. It may be wrong for a moment towards true.
func (p *Peer) Pending() bool {
	if p.held.Load() || p.posted.Load() {
		return true
	}
	p.outbox.Lock()
	admitted, last := p.outbox.admitted, p.outbox.last
	p.outbox.Unlock()
	if last != nil {
		return p.conn.Reason() == nil
	}
	return admitted && p.cursor != nil && (p.states.Load() || p.behind())
}

// Write writes one gathering, waiting as long as that takes. An error has closed the connection.
func (p *Peer) Write() error {
	p.conn.Lock()
	if p.held.Load() {
		err := p.conn.GatherLocked(&p.rest)
		p.held.Store(false)
		return p.wrote(err)
	}
	if p.known.Load() && p.states.Load() {
		p.conn.Unlock()
		return p.writeState()
	}
	err := p.gather()
	if err == nil && len(p.bufs) > 0 {
		bufs := net.Buffers(p.bufs)
		err = p.conn.GatherLocked(&bufs)
	}
	return p.wrote(err)
}

// writeState writes the newest checkpoint, which comes behind the Welcome and before all else.
func (p *Peer) writeState() error {
	err := p.c.sendState(p)
	p.states.Store(false)
	p.posted.Store(true) // what was posted meanwhile
	if err != nil {
		p.conn.CloseFor(err)
	}
	return err
}

// WriteNow is for the reader, whose peer waits for what it asked for: it writes unless somebody else does, or it would have to
// wait, or states are on their way; then the writer goes on.
func (p *Peer) WriteNow() {
	for p.Pending() {
		// A peer may read nothing while it sends its state, and we are the one who reads that.
		if p.asked.Load() || !p.conn.TryLock() {
			p.poke()
			return
		}
		if p.held.Load() || p.states.Load() {
			p.conn.Unlock()
			p.poke()
			return
		}
		err := p.gather()
		if err == nil && len(p.bufs) > 0 {
			p.rest = p.bufs
			err = p.conn.GatherNowLocked(&p.rest)
		}
		if err == nil && len(p.rest) > 0 {
			p.held.Store(true)
			p.conn.Unlock()
			p.poke()
			return
		}
		if p.wrote(err) != nil {
			return
		}
	}
}

// gather collects what one write takes: control frames, then log. The write side is held.
//
// What was posted before a batch was ordered goes out before it: so the log is read first, and then the outbox, which has by
// then what was posted before.
func (p *Peer) gather() (err error) {
	p.outbox.Lock()
	admitted := p.outbox.admitted
	p.outbox.Unlock()
	p.bufs = p.bufs[:0]
	if admitted {
		p.using, p.welcomed = p.cursor, true
	}
	if p.using != nil && !p.astray && !p.states.Load() {
		if p.bufs, err = p.using.Gather(p.c.commit.Load(), p.bufs); err != nil {
			if err = p.evicted(err); err != nil {
				return err
			}
		}
	}
	if p.posted.Swap(false) {
		p.bufs = p.outbox.take(p.bufs, p.using != nil && p.states.Load())
	}
	return nil
}

// take puts the frames before bufs; only those that go before the state, when there is one.
func (o *outbox) take(bufs [][]byte, state bool) [][]byte {
	o.Lock()
	defer o.Unlock()
	n := len(o.frames)
	if state {
		n = o.first
	}
	bufs = slices.Insert(bufs, 0, o.frames[:n]...)
	for _, f := range o.frames[:n] {
		o.bytes -= len(f)
	}
	o.frames = slices.Delete(o.frames, 0, n)
	o.first = 0
	return bufs
}

// wrote ends a write, and gives the write side back. An error closes the connection.
func (p *Peer) wrote(err error) error {
	clear(p.bufs)
	p.rest = nil
	if p.using != nil {
		p.using.Done(err == nil)
	}
	p.outbox.Lock()
	last := p.outbox.last
	sent := len(p.outbox.frames) == 0
	p.outbox.Unlock()
	if err == nil {
		p.known.Store(p.welcomed)
	}
	p.conn.Unlock()
	if err != nil {
		p.conn.CloseFor(err)
		return err
	}
	if last != nil && sent {
		p.conn.CloseFor(last)
		return last
	}
	p.c.wrote()
	return nil
}

// wrote lets those go on who wait for memory, if a cursor's progress made room.
func (c *Core) wrote() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting > 0 {
		c.makeRoom()
	}
}

// evicted ends the connection of a cursor whose place the log no longer has. The replica comes again and is caught up from a
// checkpoint, if there is one ahead of it.
func (p *Peer) evicted(cause error) error {
	next := p.using.Next()
	p.c.mu.Lock()
	saved := p.c.machine.Saved()
	p.c.mu.Unlock()
	reason := fmt.Sprintf("the log no longer holds what follows sequence number %d", next-1)
	if saved >= next {
		return fmt.Errorf("%s, the checkpoint at %d does: %w", reason, saved, cause)
	}
	p.astray = true
	p.post(frameOf(&wire.StopT{Reason: reason, Evicted: true}))
	p.closeWhenSent(fmt.Errorf("evicted: %s: %w", reason, cause))
	return nil
}

// close closes the connection because the machine wants it closed. c.mu is held.
func (p *Peer) close(reason error) {
	p.gone = reason
	p.conn.CloseFor(reason)
}

// closeWhenSent closes it once what was posted is sent.
func (p *Peer) closeWhenSent(reason error) {
	p.outbox.Lock()
	p.outbox.last = reason
	p.outbox.Unlock()
	p.poke()
}

// refused tells whether the connection is closed once what was posted is sent.
func (p *Peer) refused() bool {
	p.outbox.Lock()
	defer p.outbox.Unlock()
	return p.outbox.last != nil
}

// Lost says that the connection has ended.
func (p *Peer) Lost(cause error) {
	c := p.c
	p.conn.CloseFor(cause)
	c.host.CompareAndSwap(p, nil) // nothing is read from the log for it any more
	c.mu.Lock()
	known := c.peers[p.id] == p
	ending := c.stopping != nil
	transfer := p.transfer
	p.transfer = nil
	p.asked.Store(false)
	if known {
		delete(c.peers, p.id)
		c.publish()
		if c.launcher == p {
			c.launcher = nil
		}
		c.short = true // it may have been the slowest
		c.handleLocked(order.Event{Kind: order.Lost, Peer: p.id, Reason: cause.Error(), Clean: errors.Is(cause, io.EOF)})
	}
	c.mu.Unlock()
	if transfer != nil {
		transfer.abort()
	}
	if known {
		c.cfg.Log.Info("connection ended", "role", p.role, "rank", p.rank, "pid", p.pid, "cause", cause)
		return
	}
	if !ending {
		c.tell(&wire.EventT{What: wire.HappeningRefused, Text: cause.Error(), Rank: -1})
	}
}

// Release closes what the cursor has open. The writer calls it when it ends.
func (p *Peer) Release() {
	p.conn.Lock()
	defer p.conn.Unlock()
	if p.using != nil {
		p.using.Done(false)
		p.using.Close()
	}
}
