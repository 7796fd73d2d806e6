package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/replica"
)

// settledOnce is a future that counts its outcomes.
type settledOnce struct {
	resolved, failed int
	err              error
}

func (f *settledOnce) Put(error)      {}
func (f *settledOnce) Resolve(uint64) { f.resolved++ }
func (f *settledOnce) Fail(err error) { f.failed++; f.err = err }

// ordered is a batch of one call as the coordinator sends it.
func ordered(session, request, sequence uint64) []byte {
	frame := comm.AppendCall(comm.BeginBatch(nil), comm.CatalogID, comm.CreateID, comm.CreateArgs("o", "c", false))
	comm.FinishBatch(frame, session, request, 1)
	comm.Order(frame, sequence, 1, 1, 0)
	return frame[comm.HeaderSize:]
}

// TestOwnBatchOutOfOrder: a batch of ours that does not follow what was applied has not been applied, and its calls are not
// told that it was.
func TestOwnBatchOutOfOrder(t *testing.T) {
	s := New(Config{}, 7)
	f := &settledOnce{}
	if err := s.Submit(t.Context(), comm.CatalogID, comm.CreateID, comm.CreateArgs("o", "c", false), f, false); err != nil {
		t.Fatal(err)
	}
	s.follower.begin()
	err := s.follower.batch(ordered(7, 1, 5)) // 1 is next
	e := s.follower.end()
	if !errors.Is(err, replica.ErrOrder) || len(e.ours) != 0 {
		t.Fatalf("%d to be resolved, %v", len(e.ours), err)
	}
	if f.resolved != 0 || f.failed != 1 || !errors.Is(f.err, ErrUnconfirmed) || !errors.Is(f.err, replica.ErrOrder) {
		t.Errorf("resolved %d times, failed %d times: %v", f.resolved, f.failed, f.err)
	}
	var _ class.Future = f
}

// silent is a coordinator that welcomes whoever comes with a state, and then says nothing more.
func silent(t *testing.T, network *comm.Local) {
	t.Helper()
	l, err := network.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			c := comm.NewConn(nc)
			t.Cleanup(c.Close)
			if _, _, err := c.Next(); err == nil {
				_ = c.Send(comm.KindWelcome, &wire.WelcomeT{Version: comm.Version, Epoch: 1, State: true})
			}
		}
	}()
}

// TestStateThatDoesNotCome: who waits for a state that does not come can still give up.
func TestStateThatDoesNotCome(t *testing.T) {
	network := &comm.Local{}
	silent(t, network)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	opened := make(chan error, 1)
	go func() {
		_, err := Open(ctx, Config{Network: network})
		opened <- err
	}()
	select {
	case err := <-opened:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Open: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Open does not end with its context")
	}
}
