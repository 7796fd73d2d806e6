package comm

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// nower is a connection that can be written to without waiting: WriteNow returns how many bytes of bufs it took, which may be
// none. A net.Conn that has the method is asked by it; a socket by its descriptor.
type nower interface {
	WriteNow(bufs [][]byte) (int, error)
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
	c.one[0], c.bufs = frame, c.one[:]
	if err := c.GatherNowLocked(&c.bufs); err == nil && len(c.bufs) > 0 {
		return &Rest{bufs: net.Buffers{c.bufs[0]}, held: true}
	}
	c.one[0] = nil
	c.Unlock()
	return nil
}

// GatherNowLocked is GatherLocked as far as the connection takes it without waiting. It leaves in bufs what was not taken, which
// the holder of the write side has to write before anything else.
func (c *Conn) GatherNowLocked(bufs *net.Buffers) error {
	if c.now == nil {
		err := c.GatherLocked(bufs)
		*bufs = nil
		return err
	}
	c.wrote.Add(1)
	n, err := c.now.WriteNow(*bufs)
	c.wrote.Add(1)
	for len(*bufs) > 0 && n >= len((*bufs)[0]) {
		n -= len((*bufs)[0])
		*bufs = (*bufs)[1:]
	}
	if len(*bufs) > 0 {
		(*bufs)[0] = (*bufs)[0][n:]
	}
	return c.writeError(err)
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
	bufs [][]byte
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
		if len(w.bufs) == 1 {
			w.n, w.fail = unix.Write(int(fd), w.bufs[0])
		} else {
			w.n, w.fail = unix.Writev(int(fd), w.bufs[:min(len(w.bufs), 1024)]) // IOV_MAX
		}
		return true // once, whether it took anything or not
	}
	return w
}

// WriteNow returns how much of bufs the socket took, which may be nothing.
func (w *socketNow) WriteNow(bufs [][]byte) (int, error) {
	w.bufs = bufs
	err := w.raw.Write(w.try)
	w.bufs = nil
	switch {
	case err != nil:
		return 0, err
	case w.fail == unix.EAGAIN || w.fail == unix.EINTR:
		return 0, nil
	}
	return max(w.n, 0), w.fail
}
