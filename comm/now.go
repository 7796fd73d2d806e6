package comm

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// nower is a connection that can be written to without waiting: WriteNow returns how much it took, which may be nothing.
type nower interface {
	WriteNow(b []byte) (int, error)
}

// A Rest is what a connection did not take of a write.
type Rest struct {
	bufs net.Buffers
	held bool // the write side is, because a frame is half written
}

// WriteNow writes a sealed frame as far as the connection takes it without waiting. nil: all of it was written, or the
// connection is broken, which its reader sees. Otherwise FinishWrite must follow, from any goroutine; until then nothing
// else may be written. A connection that cannot tell whether it would wait is written to as by Write.
func (c *Conn) WriteNow(frame []byte) *Rest {
	if !c.TryLock() {
		return &Rest{bufs: net.Buffers{frame}} // a heartbeat, or another writer, is writing
	}
	if c.now == nil {
		_ = c.WriteLocked(frame)
		c.Unlock()
		return nil
	}
	c.wrote.Add(1) // for Watch: a write is under way, and done
	n, err := c.now.WriteNow(frame)
	c.wrote.Add(1)
	if err == nil && n < len(frame) {
		return &Rest{bufs: net.Buffers{frame[n:]}, held: true}
	}
	c.Unlock()
	return nil
}

// With adds frames behind what is left.
func (r *Rest) With(frames ...[]byte) { r.bufs = append(r.bufs, frames...) }

// FinishWrite writes what is left, waiting as long as that takes.
func (c *Conn) FinishWrite(r *Rest) {
	if !r.held {
		c.Lock()
	}
	defer c.Unlock()
	_ = c.GatherLocked(&r.bufs) // a broken connection shows to the reader
}

// socketNow writes to a socket without waiting. It keeps what one call needs, so that calls allocate nothing; the write
// side of its connection guards it.
type socketNow struct {
	raw  syscall.RawConn
	try  func(fd uintptr) bool
	b    []byte
	n    int
	fail error
}

// newNow returns how nc is written to without waiting, nil where that is not known.
func newNow(nc net.Conn) nower {
	if w, ok := nc.(nower); ok {
		return w
	}
	s, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	w := &socketNow{raw: raw}
	w.try = func(fd uintptr) bool {
		w.n, w.fail = unix.Write(int(fd), w.b)
		return true // once, whether it took anything or not
	}
	return w
}

func (w *socketNow) WriteNow(b []byte) (int, error) {
	w.b = b
	err := w.raw.Write(w.try)
	w.b = nil
	switch {
	case err != nil:
		return 0, err
	case w.fail == unix.EAGAIN || w.fail == unix.EINTR:
		return 0, nil
	}
	return max(w.n, 0), w.fail
}
