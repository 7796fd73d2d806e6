package coordinator

import (
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/memfs"
	"dsss/runtime/history"
)

// pair returns the two ends of a connection.
func pair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	near, far, err := comm.Pair()
	if err != nil {
		t.Fatal(err)
	}
	return near, far
}

// reader is a peer that has been admitted and reads the log from the beginning.
func reader(t *testing.T, c *Core) (p *Peer, far net.Conn) {
	t.Helper()
	near, far := pair(t)
	p = c.Accept(comm.NewConn(near))
	p.cursor = c.hist.NewCursor(1, true)
	p.outbox.admitted = true
	return p, far
}

// TestWriteNowLeavesWord: when somebody else holds the write side, the writer is told to look again, because a
// heartbeat that held it does not.
func TestWriteNowLeavesWord(t *testing.T) {
	c := gathered(t, Interval, memfs.New(), 1, 5, always)
	p, far := reader(t, c)
	defer far.Close()
	defer p.conn.Close()
	p.conn.Lock() // a heartbeat is being written
	p.WriteNow()
	p.conn.Unlock()
	select {
	case <-p.wake:
	default:
		t.Error("what is pending was forgotten")
	}
}

// TestReaderNeverWaits: what a peer that reads nothing does not take is left to the writer, whole and in order, and the reader
// goes on.
func TestReaderNeverWaits(t *testing.T) {
	const entries = 5000
	c := gathered(t, Interval, memfs.New(), 1, entries, always)
	p, far := reader(t, c)
	defer far.Close()
	defer p.conn.Close()
	p.WriteNow() // returns though nobody reads
	if !p.held.Load() {
		t.Fatal("the connection took five megabytes")
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for p.Pending() {
			if err := p.Write(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	peer := comm.NewConn(far)
	peer.Raise()
	for want := uint64(1); want <= entries+1; want++ { // and the Start
		_, body, err := peer.Next()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := comm.ParseBatch(body); err != nil || b.Sequence != want && want > entries {
			t.Fatalf("batch at sequence number %d, %v; want %d", b.Sequence, err, want)
		}
	}
	wg.Wait()
}

// TestAskedBeforeTheMark: what a replica is asked to do at a mark reaches it before the mark, whenever its cursor looks.
func TestAskedBeforeTheMark(t *testing.T) {
	const marks = 20000
	bounds := limits.Default()
	bounds.LogMemory = 1 << 30
	c := &Core{cfg: Config{Bounds: bounds}, hist: history.New(bounds, 1)}
	c.room = sync.NewCond(&c.mu)
	p, far := reader(t, c)
	p.conn.Raise()
	room, done := make(chan struct{}, 100), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // as the machine does
		for i := uint64(1); i <= marks; i++ {
			select {
			case room <- struct{}{}:
			case <-done:
				return
			}
			frame := controlFrame(&wire.ControlT{Kind: wire.ControlKindMark, Id: i}, i)
			comm.Order(frame, i, 1, 1, 0)
			s := c.hist.Space(len(frame))
			copy(s.Frame, frame)
			c.mu.Lock()
			p.post(frameOf(&wire.SaveT{Id: i}))
			c.hist.Append(i, 1, 0, s)
			c.replicated.Store(i)
			c.commit.Store(i)
			c.mu.Unlock()
		}
	})
	wg.Go(func() { // the writer
		for {
			select {
			case <-done:
				return
			default:
			}
			if p.Pending() && p.Write() != nil {
				return // the reader sees it
			}
		}
	})
	peer := comm.NewConn(far)
	peer.Raise()
	defer func() {
		close(done)
		p.conn.Close()
		peer.Close()
		wg.Wait()
	}()
	for asked, at := uint64(0), uint64(0); at < marks; {
		kind, body, err := peer.Next()
		if err != nil {
			t.Fatal(err)
		}
		if kind == comm.KindSave {
			m, err := comm.ParseSave(body)
			if err != nil {
				t.Fatal(err)
			}
			asked = m.Id
			continue
		}
		b, err := comm.ParseBatch(body)
		if err != nil {
			t.Fatal(err)
		}
		if at = b.Sequence; asked < at {
			t.Fatalf("mark %d came when only %d had been asked for", at, asked)
		}
		<-room
	}
}

// TestLostHost: a host that is gone is not written to when hosted calls are ordered, nor is the log read for it.
func TestLostHost(t *testing.T) {
	c := &Core{cfg: Config{Bounds: limits.Default(), Log: slog.New(slog.DiscardHandler)}, hist: history.New(limits.Default(), 1)}
	c.room = sync.NewCond(&c.mu)
	p, _ := reader(t, c)
	c.host.Store(p)
	p.Lost(io.EOF)
	if c.host.Load() != nil {
		t.Error("hosted calls are still written to it")
	}
}
