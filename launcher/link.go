package launcher

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
)

// A link is the launcher's line to the coordinator. Its news come in order: connected, events, lost.
type link struct {
	ready *os.File
	news  chan news
	quit  chan struct{}
	wg    sync.WaitGroup
}

// news is one of three things.
type news struct {
	connected *comm.Control
	addr      string // with connected: where the coordinator listens
	event     *wire.EventT
	lost      error // the last of all news
}

// follow reads the coordinator's address from ready, connects and passes on what it hears, until close.
func follow(ready *os.File, network comm.Network, job string, token []byte) *link {
	l := &link{ready: ready, news: make(chan news), quit: make(chan struct{})}
	l.wg.Go(func() {
		defer ready.Close()
		addr, err := readAddr(ready)
		var c *comm.Control
		if err == nil {
			c, err = comm.DialControl(network, addr, job, token)
		}
		if err != nil {
			l.tell(news{lost: err})
			return
		}
		defer c.Close()
		l.wg.Go(func() { <-l.quit; c.Close() })
		l.tell(news{connected: c, addr: addr})
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

// close ends the connection and waits for the goroutines.
func (l *link) close() {
	close(l.quit)
	l.ready.Close()
	l.wg.Wait()
}

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
