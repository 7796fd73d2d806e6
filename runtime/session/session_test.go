package session

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
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
	frame := comm.AppendCall(comm.BeginBatch(nil), comm.CatalogID, comm.MarkID, comm.MarkArgs(1))
	comm.FinishBatch(frame, session, request, 1)
	comm.Order(frame, sequence, 1, 1)
	return frame[comm.HeaderSize:]
}

// TestOwnBatchOutOfOrder: a batch of ours that does not follow what was applied has not been applied, and its calls are not
// told that it was.
func TestOwnBatchOutOfOrder(t *testing.T) {
	s := newSession(Config{}, 7)
	f := &settledOnce{}
	if err := s.Submit(t.Context(), comm.CatalogID, comm.MarkID, comm.MarkArgs(1), f, false); err != nil {
		t.Fatal(err)
	}
	s.replica.Begin()
	own, err := s.applyOne(ordered(7, 1, 5), nil) // 1 is next
	s.replica.End()
	if !errors.Is(err, replica.ErrOrder) || len(own) != 0 {
		t.Fatalf("%d to be resolved, %v", len(own), err)
	}
	if f.resolved != 0 || f.failed != 1 || !errors.Is(f.err, ErrUnconfirmed) || !errors.Is(f.err, replica.ErrOrder) {
		t.Errorf("resolved %d times, failed %d times: %v", f.resolved, f.failed, f.err)
	}
	var _ class.Future = f
}

// TestTailKeepsBytes: a replica remembers the batches that make up the last limits.Tail bytes, whatever their size, and that
// takes no more memory.
func TestTailKeepsBytes(t *testing.T) {
	for _, size := range []int{100 << 10, 600 << 10, limits.TailSlab + 1, 5 << 20} {
		tail := tail{keep: true, most: limits.Tail}
		body := bytes.Repeat([]byte{1}, size)
		seq := uint64(0)
		for total := 0; total < limits.Tail+limits.Tail/2; total += size {
			seq++
			tail.add(comm.Batch{Sequence: seq, Count: 1}, body)
		}
		kept, memory := 0, 0
		for frame := range tail.from(0) {
			kept += len(frame) - comm.HeaderSize
		}
		for _, s := range tail.slabs {
			memory += cap(s)
		}
		if kept > limits.Tail || kept+size <= limits.Tail || memory > limits.Tail+2*limits.TailSlab {
			t.Errorf("batches of %d bytes: %d bytes are remembered, in %d", size, kept, memory)
		}
		if first := tail.first(); int(seq-first+1)*size != kept {
			t.Errorf("batches of %d bytes: the first is %d of %d, with %d bytes", size, first, seq, kept)
		}
	}
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
			if _, err := c.ReadHello(); err == nil {
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
