package comm

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// A Network dials and listens: TCP in a job, memory inside one process and in tests.
type Network interface {
	Dial(addr string) (net.Conn, error)
	Listen(addr string) (net.Listener, error)
}

// TCP is the network of a job.
type TCP struct{}

// Dial connects within a few seconds or not at all.
func (TCP) Dial(addr string) (net.Conn, error) { return net.DialTimeout("tcp", addr, dialTimeout) }

// Listen listens on addr; port 0 picks a free one.
func (TCP) Listen(addr string) (net.Listener, error) { return net.Listen("tcp", addr) }

const dialTimeout = 5 * time.Second

// Memory is a network inside one process: one listener, buffered connections. A single-process job runs on it, and
// tests do. The zero value is ready.
type Memory struct {
	mu       sync.Mutex
	listener *memoryListener
}

// Listen opens the network's only listener; addr is ignored.
func (m *Memory) Listen(string) (net.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listener != nil {
		return nil, errors.New("memory network: already listening")
	}
	m.listener = &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{}), owner: m}
	return m.listener, nil
}

// Dial connects to the listener.
func (m *Memory) Dial(string) (net.Conn, error) {
	m.mu.Lock()
	l := m.listener
	m.mu.Unlock()
	if l == nil {
		return nil, errors.New("memory network: nobody listens")
	}
	near, far := Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

type memoryListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	owner  *Memory
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.owner.mu.Lock()
		l.owner.listener = nil
		l.owner.mu.Unlock()
	})
	return nil
}

func (l *memoryListener) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }

// pipeBuffer is how much one direction of a Pipe holds: about what a socket does.
const pipeBuffer = 256 << 10

// Pipe returns the two ends of a connection in memory. Unlike net.Pipe it is buffered: a write returns once there was
// room, as a socket's does.
func Pipe() (net.Conn, net.Conn) {
	a, b := newStream(), newStream()
	return &pipeEnd{in: a, out: b}, &pipeEnd{in: b, out: a}
}

type pipeEnd struct{ in, out *stream }

func (p *pipeEnd) Read(b []byte) (int, error)         { return p.in.read(b) }
func (p *pipeEnd) Write(b []byte) (int, error)        { return p.out.write(b) }
func (p *pipeEnd) WriteNow(b []byte) (int, error)     { return p.out.writeNow(b) }
func (p *pipeEnd) LocalAddr() net.Addr                { return memoryAddr{} }
func (p *pipeEnd) RemoteAddr() net.Addr               { return memoryAddr{} }
func (p *pipeEnd) SetWriteDeadline(t time.Time) error { return nil }
func (p *pipeEnd) SetDeadline(t time.Time) error      { return p.SetReadDeadline(t) }

func (p *pipeEnd) SetReadDeadline(t time.Time) error {
	p.in.deadline(t)
	return nil
}

func (p *pipeEnd) Close() error {
	p.in.end(io.ErrClosedPipe)
	p.out.end(io.EOF)
	return nil
}

// A stream is one direction: a ring of bytes.
type stream struct {
	mu      sync.Mutex
	moved   *sync.Cond // bytes came or went, or the stream ended
	data    []byte
	r, n    int
	ended   error // what readers get once the data is gone; writers get io.ErrClosedPipe at once
	late    bool  // the read deadline has passed
	lateRef *time.Timer
}

func newStream() *stream {
	s := &stream{}
	s.moved = sync.NewCond(&s.mu)
	return s
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.n == 0 {
		if s.ended != nil {
			return 0, s.ended
		}
		if s.late {
			return 0, os.ErrDeadlineExceeded
		}
		s.moved.Wait()
	}
	total := 0
	for total < len(b) && s.n > 0 {
		end := min(s.r+s.n, len(s.data))
		k := copy(b[total:], s.data[s.r:end])
		total, s.n, s.r = total+k, s.n-k, (s.r+k)%len(s.data)
	}
	s.moved.Broadcast()
	return total, nil
}

func (s *stream) write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.data == nil {
		s.data = make([]byte, pipeBuffer)
	}
	total := 0
	for total < len(b) {
		for s.n == len(s.data) && s.ended == nil {
			s.moved.Wait()
		}
		n, err := s.takeLocked(b[total:])
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

func (s *stream) writeNow(b []byte) (total int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.data == nil {
		s.data = make([]byte, pipeBuffer)
	}
	for total < len(b) && s.n < len(s.data) && err == nil {
		var n int
		n, err = s.takeLocked(b[total:])
		total += n
	}
	return total, err
}

// takeLocked takes what fits, once around the ring at most. There is room, or the stream has ended.
func (s *stream) takeLocked(b []byte) (int, error) {
	if s.ended != nil {
		return 0, io.ErrClosedPipe
	}
	w := (s.r + s.n) % len(s.data)
	end := len(s.data)
	if w < s.r {
		end = s.r
	}
	k := copy(s.data[w:end], b)
	s.n += k
	s.moved.Broadcast()
	return k, nil
}

func (s *stream) end(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil || reason == io.ErrClosedPipe {
		s.ended = reason
	}
	if reason == io.ErrClosedPipe {
		s.n = 0
	}
	s.moved.Broadcast()
}

func (s *stream) deadline(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lateRef != nil {
		s.lateRef.Stop()
		s.lateRef = nil
	}
	s.late = false
	if !t.IsZero() {
		s.lateRef = time.AfterFunc(time.Until(t), func() {
			s.mu.Lock()
			s.late = true
			s.moved.Broadcast()
			s.mu.Unlock()
		})
	}
}
