package coordinator

import (
	"net"
	"testing"

	"dsss/comm"
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

// TestWriteNowLeavesWord: when somebody else holds the write side, the writer is told to look again, because a
// heartbeat that held it does not.
func TestWriteNowLeavesWord(t *testing.T) {
	near, far := pair(t)
	defer far.Close()
	s := &subscriber{c: &coordinator{}, conn: comm.NewConn(near), wake: make(chan struct{}, 1)}
	defer s.conn.Close()
	s.next.Store(1)
	s.c.gate.Store(1) // something is pending
	s.conn.Lock()     // a heartbeat is being written
	s.writeNow()
	s.conn.Unlock()
	select {
	case <-s.wake:
	default:
		t.Error("what is pending was forgotten")
	}
}
