package coordinator

import (
	"sync"
	"testing"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/sequencer"
)

// What a replica is asked to do at a mark reaches it before the mark, whenever its cursor looks.
func TestAskedBeforeTheMark(t *testing.T) {
	const marks, session = 20000, 9
	near, far := pair(t)
	c := &coordinator{seq: sequencer.New(sequencer.Config{})}
	c.mem.next, c.mem.limit = 1, 1<<30
	c.seq.Step(sequencer.Input{Kind: sequencer.Open, Session: session})
	s := &subscriber{c: c, conn: comm.NewConn(near), wake: make(chan struct{}, 1)}
	s.conn.Raise()
	s.next.Store(1)
	room := make(chan struct{}, 100)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // as startLocked does
		for i := uint64(1); i <= marks; i++ {
			select {
			case room <- struct{}{}:
			case <-done:
				return
			}
			frame := comm.AppendCall(comm.BeginBatch(nil), comm.CatalogID, comm.MarkID, comm.MarkArgs(i))
			comm.FinishBatch(frame, session, i, 1)
			c.mu.Lock()
			s.post(comm.Frame(comm.KindSave, &wire.SaveT{Id: i}))
			for _, e := range c.seq.Step(sequencer.Input{Kind: sequencer.Submit, Session: session, Request: i, Count: 1}) {
				if e.Kind == sequencer.Append {
					comm.Order(frame, e.Sequence, 1, 1)
					c.mem.append(entry{first: e.Sequence, count: e.Count, frame: frame})
				}
			}
			c.mu.Unlock()
		}
	})
	wg.Go(func() { // the cursor
		for {
			s.conn.Lock()
			err := s.pump()
			s.conn.Unlock()
			if err != nil {
				return // the reader sees it
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	peer := comm.NewConn(far)
	peer.Raise()
	defer func() {
		close(done)
		s.conn.Close()
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
