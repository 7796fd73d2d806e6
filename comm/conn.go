package comm

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"dsss/internal/limits"
)

// A Conn carries frames over a byte stream. One goroutine reads; any number write, one frame group at a time.
type Conn struct {
	nc net.Conn

	// buf[r:w] has been received and not yet returned. It grows only as bytes arrive, so that a length that a peer
	// claims takes no memory.
	buf     []byte
	r, w    int
	last    int          // where the frame that was returned last begins
	largest atomic.Int64 // body size allowed now

	// received counts frames; wrote is odd while a write is under way. Watch compares them with what they were.
	received atomic.Uint64
	wrote    atomic.Uint64
	// waiting: the reader waits for bytes. Otherwise it is at work, and silence is not the peer's.
	waiting atomic.Bool

	// wmu is held for one whole write, so that frames never mix.
	wmu sync.Mutex
	now nower // how to write without waiting; nil where that is not known

	one  [1][]byte // of WriteNow, as bufs; under wmu
	bufs net.Buffers

	closed chan struct{}
	once   sync.Once
	reason error // why Close was called; set before closed is closed
}

// NewConn takes over nc. Until Raise, bodies are limited to limits.HelloFrame.
func NewConn(nc net.Conn) *Conn {
	c := &Conn{nc: nc, now: newNow(nc), buf: make([]byte, 4<<10), closed: make(chan struct{})}
	c.largest.Store(limits.HelloFrame)
	return c
}

// Allow allows bodies of limits.Frame: the peer is known. Anybody may call it.
func (c *Conn) Allow() { c.largest.Store(limits.Frame) }

// Raise is Allow, and makes room for what a busy peer sends. The reading goroutine calls it.
func (c *Conn) Raise() {
	c.Allow()
	if len(c.buf) < limits.ReadBuffer {
		grown := make([]byte, limits.ReadBuffer)
		c.w = copy(grown, c.buf[c.r:c.w])
		c.r, c.buf = 0, grown
	}
}

// Next returns the next frame, verified against both checksums. body is valid until the following call. io.EOF means
// that the peer ended the connection between frames; any other error ends it too.
func (c *Conn) Next() (Kind, []byte, error) {
	if err := c.fill(HeaderSize); err != nil {
		return 0, nil, err
	}
	h, err := parseHeader(c.buf[c.r:c.w], int(c.largest.Load()))
	if err != nil {
		return 0, nil, err
	}
	if err := c.fill(HeaderSize + h.length); err != nil {
		return 0, nil, err
	}
	body := c.buf[c.r+HeaderSize : c.r+HeaderSize+h.length]
	if err := h.check(body); err != nil {
		return 0, nil, err
	}
	c.last = c.r
	c.r += HeaderSize + h.length
	c.received.Add(1)
	return h.kind, body, nil
}

// Frame returns the frame that Next returned last, its header included. It is valid as long as the body is.
func (c *Conn) Frame() []byte { return c.buf[c.last:c.r] }

// Ready tells whether Next would return without reading from the connection.
func (c *Conn) Ready() bool {
	have := c.w - c.r
	if have < HeaderSize {
		return false
	}
	h, err := parseHeader(c.buf[c.r:c.w], int(c.largest.Load()))
	return err != nil || have >= HeaderSize+h.length
}

// fill reads until n bytes are buffered.
func (c *Conn) fill(n int) error {
	for c.w-c.r < n {
		if c.r == c.w {
			c.r, c.w = 0, 0
		}
		if c.w == len(c.buf) || c.r+n > len(c.buf) && c.r > 0 {
			c.room(n)
		}
		c.waiting.Store(true)
		got, err := c.nc.Read(c.buf[c.w:])
		c.waiting.Store(false)
		c.w += got
		if err != nil && c.w-c.r < n {
			return c.readError(err)
		}
	}
	return nil
}

// room moves what is buffered to the front and, when the buffer is full, doubles it towards n.
func (c *Conn) room(n int) {
	target := c.buf
	if c.w-c.r == len(c.buf) {
		target = make([]byte, min(2*len(c.buf), max(n, limits.ReadBuffer)))
	}
	c.w = copy(target, c.buf[c.r:c.w])
	c.r, c.buf = 0, target
}

func (c *Conn) readError(err error) error {
	switch reason := c.Reason(); {
	case reason != nil:
		return reason
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("reading from %s: %w", c.Peer(), err)
	case c.w == c.r:
		return io.EOF
	}
	return fmt.Errorf("%w: connection ended inside a frame", ErrProtocol)
}

// Write writes one sealed frame, or several that lie one behind the other.
func (c *Conn) Write(frames []byte) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	return c.WriteLocked(frames)
}

// Send writes one message.
func (c *Conn) Send(kind Kind, m Message) error { return c.Write(Frame(kind, m)) }

// TryLock takes the write side if it is free; Lock waits for it. Between either and Unlock, WriteLocked and
// GatherLocked may be called: a caller that decides what to write only once it may write gathers the most.
func (c *Conn) TryLock() bool { return c.wmu.TryLock() }

// Lock takes the write side.
func (c *Conn) Lock() { c.wmu.Lock() }

// Unlock gives the write side back.
func (c *Conn) Unlock() { c.wmu.Unlock() }

// WriteLocked is Write for the holder of the write side.
func (c *Conn) WriteLocked(frames []byte) error {
	c.wrote.Add(1)
	_, err := c.nc.Write(frames)
	c.wrote.Add(1)
	return c.writeError(err)
}

// GatherLocked writes several sealed frames in one call to the system where it can. It consumes bufs.
func (c *Conn) GatherLocked(bufs *net.Buffers) error {
	if len(*bufs) == 1 {
		return c.WriteLocked((*bufs)[0])
	}
	c.wrote.Add(1)
	_, err := bufs.WriteTo(c.nc)
	c.wrote.Add(1)
	return c.writeError(err)
}

func (c *Conn) writeError(err error) error {
	if err == nil {
		return nil
	}
	if reason := c.Reason(); reason != nil {
		return reason
	}
	return fmt.Errorf("writing to %s: %w", c.Peer(), err)
}

// Watch sends what beat returns (nil: nothing) every limits.Heartbeat, and closes the connection when the peer has said
// nothing for the time silence, or a write has been under way for the time stuck. Time in which this process was stopped
// does not count. It returns when the connection is closed. The owner runs it in a goroutine of its own and waits for it.
func (c *Conn) Watch(silence, stuck time.Duration, beat func() []byte) {
	tick := time.NewTicker(limits.Heartbeat)
	defer tick.Stop()
	var received, wrote uint64
	var quiet, still Patience
	for {
		select {
		case <-c.closed:
			return
		case now := <-tick.C:
			if n := c.received.Load(); n != received || !c.waiting.Load() {
				received = n
				quiet.Reset(now)
			}
			if n := c.wrote.Load(); n != wrote || n&1 == 0 {
				wrote = n
				still.Reset(now)
			}
			switch {
			case quiet.Waited(now) > silence:
				c.CloseFor(fmt.Errorf("%s said nothing for %v", c.Peer(), silence))
				return
			case still.Waited(now) > stuck:
				c.CloseFor(fmt.Errorf("%s took nothing for %v", c.Peer(), stuck))
				return
			}
			if c.TryLock() {
				frame := beat()
				if frame != nil {
					_ = c.WriteLocked(frame) // a failed write shows to the reader too
				}
				c.Unlock()
			}
		}
	}
}

// SetReadDeadline bounds the handshake.
func (c *Conn) SetReadDeadline(t time.Time) { _ = c.nc.SetReadDeadline(t) }

// Peer names the other end for people.
func (c *Conn) Peer() string { return c.nc.RemoteAddr().String() }

// Closed is closed when the connection is.
func (c *Conn) Closed() <-chan struct{} { return c.closed }

// Reason is why the connection was closed from this side; it is valid once Closed is closed.
func (c *Conn) Reason() error {
	select {
	case <-c.closed:
		return c.reason
	default:
		return nil
	}
}

// CloseFor ends the connection; reads and writes under way return reason. The first reason stands.
func (c *Conn) CloseFor(reason error) {
	c.once.Do(func() {
		c.reason = reason
		close(c.closed)
		_ = c.nc.Close() // the connection is given up: nothing can be done about its error
	})
}

// CloseWrite tells the peer that nothing more will come, and can still read from it. It returns false when the
// connection cannot be ended by halves.
func (c *Conn) CloseWrite() bool {
	half, ok := c.nc.(interface{ CloseWrite() error })
	return ok && half.CloseWrite() == nil
}

// Close ends the connection.
func (c *Conn) Close() { c.CloseFor(net.ErrClosed) }

// NextKind returns the kind of the frame that Next will return; valid when Ready is true.
func (c *Conn) NextKind() Kind { return Kind(c.buf[c.r+8]) }
