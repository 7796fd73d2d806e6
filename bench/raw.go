package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// The floor: what two processes and a relay between them can do over TCP, with nothing on top. A message is 64 bytes:
// the client's number (u32), what it is (u32), the rest arbitrary. Go sets TCP_NODELAY on every connection.
const (
	messageSize = 64
	rawBuffer   = 256 << 10
)

// What a message is.
const (
	messageUpdate uint32 = iota + 1
	messageStart         // from the relay: all clients are there
	messageDone          // a client's last
)

func message(client int, what uint32) []byte {
	m := make([]byte, messageSize)
	binary.LittleEndian.PutUint32(m, uint32(client))
	binary.LittleEndian.PutUint32(m[4:], what)
	return m
}

// relay accepts its clients, starts them together, and forwards whatever a read brought to all of them, with one write
// for each, until they hang up; with Far, what one of two brought to the other. One lock over these writes makes the order the same for all.
func relay(t task) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	conns := make([]net.Conn, t.Clients)
	for i := range conns {
		if conns[i], err = l.Accept(); err != nil {
			return err
		}
		defer conns[i].Close()
	}
	for _, c := range conns {
		if _, err := c.Write(message(0, messageStart)); err != nil {
			return err
		}
	}
	var order sync.Mutex
	ends := make(chan error, len(conns))
	for i, c := range conns {
		to := conns
		if t.Far { // there and back, as a hosted call
			to = conns[1-i : 2-i]
		}
		go func() {
			ends <- forward(c, to, &order)
			if t.Far { // the echo does not hang up by itself
				_ = to[0].(*net.TCPConn).CloseWrite()
			}
		}()
	}
	for range conns {
		if end := <-ends; err == nil {
			err = end
		}
	}
	return err
}

// forward reads from one client until it hangs up. What a read cuts waits for its rest.
func forward(from net.Conn, to []net.Conn, order *sync.Mutex) error {
	buf := make([]byte, rawBuffer)
	have := 0
	for {
		n, err := from.Read(buf[have:])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		have += n
		whole := have - have%messageSize
		if whole == 0 {
			continue
		}
		order.Lock()
		for _, c := range to {
			if _, err := c.Write(buf[:whole]); err != nil {
				order.Unlock()
				return err
			}
		}
		order.Unlock()
		have = copy(buf, buf[whole:have])
	}
}

// rawDial connects to the relay and waits until all have.
func rawDial(t task) (net.Conn, error) {
	c, err := net.Dial("tcp", t.Addr)
	if err != nil {
		return nil, err
	}
	m := make([]byte, messageSize)
	if _, err := io.ReadFull(c, m); err != nil {
		return nil, fmt.Errorf("waiting for the start: %w", err)
	}
	return c, nil
}

// rawEcho returns what the relay forwards to it.
func rawEcho(t task) error {
	c, err := rawDial(t)
	if err != nil {
		return err
	}
	defer c.Close()
	return forward(c, []net.Conn{c}, new(sync.Mutex))
}

func rawClosed(t task) (result, error) {
	c, err := rawDial(t)
	if err != nil {
		return result{}, err
	}
	defer c.Close()
	out, in := message(t.Rank, messageUpdate), make([]byte, messageSize)
	r, err := closedLoop(t.Duration, func(number uint64) error {
		binary.LittleEndian.PutUint64(out[8:], number)
		if _, err := c.Write(out); err != nil {
			return err
		}
		_, err := io.ReadFull(c, in)
		return err
	})
	r.State = fmt.Sprintf("%d messages", r.Total)
	return r, err
}

// rawPipelined keeps a window of messages on the way: what a read brought of its own, it sends again with one write.
func rawPipelined(t task) (result, error) {
	conn, err := rawDial(t)
	if err != nil {
		return result{}, err
	}
	defer conn.Close()
	c := &rawClient{me: uint32(t.Rank), in: make([]byte, rawBuffer)}
	full := make([]byte, 0, window*messageSize) // never changes: one message is as good as the next
	for range window {
		full = append(full, message(t.Rank, messageUpdate)...)
	}
	send := func(n int) error {
		c.flight += n
		_, err := conn.Write(full[:n*messageSize])
		return err
	}
	var from, to sample
	sending, saidDone := true, false
	clock := newSchedule(t.Duration)
	if err := send(window); err != nil {
		return result{}, err
	}
	for c.dones < t.Clients {
		n, err := conn.Read(c.in[c.have:])
		if err != nil {
			return result{}, err
		}
		own := c.count(n)
		switch clock.pass(time.Now()) {
		case measureFrom:
			from = newSample(c.own+uint64(c.flight), c.all)
		case measureTo:
			to = newSample(c.own+uint64(c.flight), c.all)
		case stop:
			sending = false
		}
		switch {
		case sending && own > 0:
			err = send(own)
		case !sending && c.flight == 0 && !saidDone:
			saidDone = true
			_, err = conn.Write(message(t.Rank, messageDone))
		}
		if err != nil {
			return result{}, err
		}
	}
	r, err := rates(from, to)
	r.Total = c.all
	r.State = fmt.Sprintf("%d messages", c.all)
	return r, err
}

// A rawClient is what a client of the relay knows.
type rawClient struct {
	me       uint32
	in       []byte // in[:have] is the beginning of a message
	have     int
	flight   int    // of ours, sent and not come back
	own, all uint64 // updates that came: ours, everybody's
	dones    int
}

// count looks at every message that n more bytes completed and returns how many updates were our own.
func (c *rawClient) count(n int) (own int) {
	c.have += n
	whole := c.have - c.have%messageSize
	for at := 0; at < whole; at += messageSize {
		if binary.LittleEndian.Uint32(c.in[at+4:]) == messageDone {
			c.dones++
			continue
		}
		c.all++
		if binary.LittleEndian.Uint32(c.in[at:]) == c.me {
			own++
		}
	}
	c.have = copy(c.in, c.in[whole:c.have])
	c.flight -= own
	c.own += uint64(own)
	return own
}
