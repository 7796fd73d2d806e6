package session

import (
	"bytes"
	"net"
	"testing"
	"testing/synctest"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/replica"
)

// narrow is a connection that takes at most room bytes without waiting; a write that waits does so until open is closed.
type narrow struct {
	net.Conn
	room  int
	open  chan struct{}
	wrote bytes.Buffer
}

func (n *narrow) WriteNow(bufs [][]byte) (took int, err error) {
	for _, b := range bufs {
		k := min(len(b), n.room)
		n.room -= k
		n.wrote.Write(b[:k])
		took += k
	}
	return took, nil
}

func (n *narrow) Write(b []byte) (int, error) {
	<-n.open
	return n.wrote.Write(b)
}

func (n *narrow) Close() error { return nil }

// TestCallersDoNotWaitForTheConnection: whoever submits or asks leaves to the flusher what the connection does not take at
// once, and what was written lies frame behind frame, each once, in the order of the calls.
func TestCallersDoNotWaitForTheConnection(t *testing.T) {
	for room := range 700 {
		synctest.Test(t, func(t *testing.T) {
			nc := &narrow{room: room, open: make(chan struct{})}
			s := New(Config{}, 7)
			conn := comm.NewConn(nc)
			if err := s.Welcomed(conn, &wire.WelcomeT{Epoch: 1, Session: 7}); err != nil {
				t.Fatal(err)
			}
			s.wg.Add(1)
			go s.flush()
			submit := func(lone bool) {
				if err := s.Submit(t.Context(), comm.CatalogID, comm.ControlID, comm.ControlArgs(&wire.ControlT{Kind: wire.ControlKindMark, Id: 1}), nil, lone); err != nil {
					t.Fatal(err)
				}
			}
			submit(true)
			s.Ask(comm.KindSync)
			submit(true)
			submit(false)
			s.Progress("half")
			synctest.Wait()
			close(nc.open)
			synctest.Wait()
			b, calls, asked, lines := nc.wrote.Bytes(), uint64(0), 0, 0
			for len(b) > 0 {
				size := comm.HeaderSize + int(b[0]) + int(b[1])<<8
				switch body := b[comm.HeaderSize:size]; comm.Kind(b[8]) {
				case comm.KindBatch:
					batch, err := comm.ParseBatch(body)
					if err != nil || batch.Request != calls+1 {
						t.Fatalf("room for %d bytes: request %d after %d, %v", room, batch.Request, calls, err)
					}
					calls += uint64(batch.Count)
				case comm.KindSync:
					asked++
				case comm.KindProgress:
					lines++
				}
				b = b[size:]
			}
			if calls != 3 || asked != 1 || lines != 1 {
				t.Fatalf("room for %d bytes: %d calls, %d questions and %d lines were written", room, calls, asked, lines)
			}
			s.Close()
		})
	}
}

// TestMessagesSayWhose: whatever a session says to the coordinator names it.
func TestMessagesSayWhose(t *testing.T) {
	nc := &narrow{room: 1 << 20}
	s := New(Config{}, 7)
	if err := s.Welcomed(comm.NewConn(nc), &wire.WelcomeT{Epoch: 1, Session: 7}); err != nil {
		t.Fatal(err)
	}
	s.Ask(comm.KindSync)
	s.ask(comm.KindSave, 1, false)
	s.Ask(comm.KindLeave)
	s.Progress("half")
	s.Saved(&wire.SavedT{Id: 1})
	s.post(comm.Frame(comm.KindDigest, digestMessage(7, 1, 1, &replica.Digester{})))
	s.out.control.position = true
	s.Write()
	for b := append(nc.wrote.Bytes(), s.Heartbeat()...); len(b) > 0; {
		size := comm.HeaderSize + int(b[0]) + int(b[1])<<8
		if session, err := sessionOf(comm.Kind(b[8]), b[comm.HeaderSize:size]); err != nil || session != 7 {
			t.Errorf("%v of session %d, %v", comm.Kind(b[8]), session, err)
		}
		b = b[size:]
	}
	if m := EndMessage(7, s.follower.replica.Position()); m.Session != 7 {
		t.Errorf("a state of session %d", m.Session)
	}
}

func sessionOf(kind comm.Kind, body []byte) (uint64, error) {
	switch kind {
	case comm.KindSync:
		m, err := comm.ParseSync(body)
		return m.Session, err
	case comm.KindSave:
		m, err := comm.ParseSave(body)
		return m.Session, err
	case comm.KindSaved:
		m, err := comm.ParseSaved(body)
		return m.Session, err
	case comm.KindLeave:
		m, err := comm.ParseLeave(body)
		return m.Session, err
	case comm.KindProgress:
		m, err := comm.ParseProgress(body)
		return m.Session, err
	case comm.KindDigest:
		m, err := comm.ParseDigest(body)
		return m.Session, err
	}
	m, err := comm.ParseHeartbeat(body)
	return m.Session, err
}
