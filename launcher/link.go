package launcher

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
)

// A link is the launcher's line to one coordinator. Its news come in order: connected, events, lost.
type link struct {
	ready io.ReadCloser
	news  chan news
	quit  chan struct{}
	wg    sync.WaitGroup

	mu     sync.Mutex // guards the two below
	nc     net.Conn   // the connection, from when it was dialled
	closed bool
}

// news is one of three things.
type news struct {
	connected *comm.Control
	event     *wire.EventT
	lost      error // the last of all news
}

// follow reads from ready where the coordinator listens, connects and passes on what it hears, until close. A
// coordinator that says nothing for silence is lost with errSilent.
func follow(ready io.ReadCloser, network comm.Network, job string, token []byte, silence time.Duration) *link {
	l := &link{ready: ready, news: make(chan news), quit: make(chan struct{})}
	l.wg.Go(func() {
		defer ready.Close()
		addr, err := readAddr(ready)
		var c *comm.Control
		if err == nil {
			c, err = comm.DialControl(watched{network, l, silence}, addr, job, token)
		}
		if err != nil {
			l.tell(news{lost: err})
			return
		}
		defer c.Close()
		l.tell(news{connected: c})
		for {
			e, err := c.Next()
			if err != nil {
				l.tell(news{lost: err})
				return
			}
			l.tell(news{event: e})
		}
	})
	return l
}

func (l *link) tell(n news) {
	select {
	case l.news <- n:
	case <-l.quit:
	}
}

// close ends the connection and waits for the goroutine. What it had to say is not heard any more. It may be called
// twice.
func (l *link) close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.quit)
		l.ready.Close()
		if l.nc != nil {
			l.nc.Close()
		}
	}
	l.mu.Unlock()
	l.wg.Wait()
}

// keep notes the connection for close; false: it came too late.
func (l *link) keep(nc net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nc = nc
	return !l.closed
}

// watched is a network whose one connection its link can end at any moment, a handshake included.
type watched struct {
	comm.Network
	link    *link
	silence time.Duration
}

func (w watched) Dial(addr string) (net.Conn, error) {
	nc, err := w.Network.Dial(addr)
	if err != nil {
		return nil, err
	}
	if !w.link.keep(nc) {
		nc.Close()
		return nil, net.ErrClosed
	}
	return attentive{nc, w.silence}, nil
}

// attentive is a connection that fails with errSilent when nothing comes for silence.
type attentive struct {
	net.Conn
	silence time.Duration
}

var errSilent = errors.New("it says nothing")

// looks is how often an attentive connection looks before it gives up: a launcher that was stopped itself finds on its
// next look what came meanwhile.
const looks = 4

func (a attentive) Read(b []byte) (int, error) {
	for look := 1; ; look++ {
		if err := a.SetReadDeadline(time.Now().Add(a.silence / looks)); err != nil {
			return 0, err
		}
		n, err := a.Conn.Read(b)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if look == looks {
			return 0, errSilent
		}
	}
}

// A readySink passes on what a coordinator says before anybody is connected to it; nobody reads what follows on the
// first line.
type readySink struct{ w *io.PipeWriter }

// Take implements fleet.Sink.
func (s readySink) Take(b []byte, _ bool) { _, _ = s.w.Write(b) }

// End implements fleet.Sink.
func (s readySink) End() { _ = s.w.Close() }

// errNotReady: the coordinator ended, or closed its pipe, before it said where it listens. Its exit says more.
var errNotReady = errors.New("the coordinator did not say where it listens")

func readAddr(ready io.Reader) (string, error) {
	line, err := bufio.NewReaderSize(io.LimitReader(ready, limits.ReadyLine), limits.ReadyLine).ReadString('\n')
	switch {
	case err == nil:
		return strings.TrimSuffix(line, "\n"), nil
	case errors.Is(err, io.EOF):
		return "", errNotReady
	}
	return "", fmt.Errorf("%w: %w", errNotReady, err)
}
