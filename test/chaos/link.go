package chaos

import (
	"net"
	"os"
	"sync"
	"time"
)

// A Link is the connection between one rank and the coordinator, through us: it forwards what passes, or does not. Its
// methods may be called concurrently.
type Link struct {
	listener net.Listener
	target   func() (string, error) // host:port of the coordinator
	wg       sync.WaitGroup

	mu      sync.Mutex // guards what follows, for moments
	changed chan struct{}
	state   LinkState
	conns   map[net.Conn]bool
	closed  bool
}

// A LinkState says what becomes of what passes. The zero value: it passes at once.
type LinkState struct {
	Refuse           bool // connections end as they come
	HoldUp, HoldDown bool // nothing passes to, or from, the coordinator; connections stay
	Delay            time.Duration
}

// NewLink listens on address, host:port.
func NewLink(address string, target func() (string, error)) (*Link, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	l := &Link{listener: listener, target: target, changed: make(chan struct{}), conns: map[net.Conn]bool{}}
	l.wg.Go(l.accept)
	return l, nil
}

// Addr returns where it listens.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Set changes the state. Refuse ends the connections that there are.
func (l *Link) Set(s LinkState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	close(l.changed)
	l.changed = make(chan struct{})
	if s.Refuse {
		for c := range l.conns {
			c.Close()
		}
	}
}

// Close ends everything and waits for it.
func (l *Link) Close() {
	l.listener.Close()
	l.Set(LinkState{Refuse: true})
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.Set(LinkState{Refuse: true})
	l.wg.Wait()
}

func (l *Link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		if !l.keep(near) {
			near.Close()
			continue
		}
		l.wg.Go(func() { l.join(near) })
	}
}

// keep notes a connection; false: it is refused.
func (l *Link) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.Refuse || l.closed {
		return false
	}
	l.conns[c] = true
	return true
}

func (l *Link) drop(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	c.Close()
}

// join forwards one connection until either side ends it.
func (l *Link) join(near net.Conn) {
	defer l.drop(near)
	addr, err := l.target()
	if err != nil {
		return
	}
	far, err := net.Dial("tcp", addr)
	if err != nil {
		return // the worker sees its connection end, as it would see the refusal
	}
	defer l.drop(far)
	if !l.keep(far) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { l.forward(far, near, true) })
	both.Go(func() { l.forward(near, far, false) })
	both.Wait()
}

func (l *Link) forward(to, from net.Conn, up bool) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && l.pass(up) {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits until what was read may pass; false: the connection is ended.
func (l *Link) pass(up bool) bool {
	for {
		l.mu.Lock()
		s, changed := l.state, l.changed
		l.mu.Unlock()
		switch {
		case s.Refuse:
			return false
		case up && s.HoldUp, !up && s.HoldDown:
			<-changed
		case s.Delay > 0:
			select {
			case <-time.After(s.Delay):
				return true
			case <-changed:
			}
		default:
			return true
		}
	}
}

// fileTarget reads the address from a file that the workers write.
func fileTarget(path string) func() (string, error) {
	return func() (string, error) {
		b, err := os.ReadFile(path)
		return string(b), err
	}
}
