package coordinator

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"dsss/comm"
	"dsss/internal/limits"
)

// unidentified are the connections that have not said hello. There are at most limits.Handshakes of them: one more takes
// the place of the oldest. So a crowd that says nothing shuts out only itself: who belongs to the job says hello at
// once, and a crowd would have to come faster than that.
type unidentified struct {
	mu    sync.Mutex
	queue []*comm.Conn // oldest first
}

var errCrowded = errors.New("it said no hello, and others wait")

// add takes in a new connection.
func (s *unidentified) add(c *comm.Conn) {
	s.mu.Lock()
	s.queue = append(s.queue, c)
	crowded := len(s.queue) > limits.Handshakes
	s.mu.Unlock()
	if crowded {
		s.dropOldest()
	}
}

// dropOldest gives up the one that has said nothing for longest, if there is one.
func (s *unidentified) dropOldest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) > 0 {
		s.queue[0].CloseFor(errCrowded)
		s.queue = s.queue[1:]
	}
}

// remove lets go of one that has said hello, or is gone.
func (s *unidentified) remove(c *comm.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.queue {
		if other == c {
			s.queue = append(s.queue[:i], s.queue[i+1:]...)
			return
		}
	}
}

// closeAll ends them: a unidentified connection does not hold up the end of the job.
func (s *unidentified) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.queue {
		c.CloseFor(errEnding)
	}
	s.queue = nil
}

// accept takes connections until the listener is closed, and waits for the unidentified among them.
func (c *Core) accept(l net.Listener) {
	var all unidentified
	var serving sync.WaitGroup
	defer serving.Wait()
	defer all.closeAll()
	for {
		nc, err := l.Accept()
		if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ECONNABORTED) {
			all.dropOldest()
			select {
			case <-time.After(limits.ReconnectPause):
				continue
			case <-c.end:
				return
			}
		}
		if err != nil {
			select {
			case <-c.end:
			default:
				c.fail(fmt.Errorf("accepting connections: %w", err))
			}
			return
		}
		conn := comm.NewConn(nc)
		all.add(conn)
		serving.Go(func() { c.serve(conn, func() { all.remove(conn) }) })
	}
}
