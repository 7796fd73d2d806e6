package coordinator

import (
	"errors"
	"sync"
	"testing"
	"time"

	"dsss/checkpoint"
	"dsss/comm"
	"dsss/runtime/sequencer"
)

// TestLostDirectoryIsLeftAlone: a coordinator whose state directory was taken over by another ends without another byte
// in its log; one that still owns it writes what it has.
func TestLostDirectoryIsLeftAlone(t *testing.T) {
	for _, lost := range []bool{false, true} {
		dir, err := checkpoint.OpenDir(t.TempDir(), checkpoint.DirConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		log, _, err := dir.OpenLog(checkpoint.LogConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		c := &coordinator{cfg: Config{Durability: Interval, now: time.Now}, dir: dir, log: log, job: checkpoint.Job{Name: "job", Status: checkpoint.Running}, seq: sequencer.New(sequencer.Config{}), stopping: errDone}
		if lost {
			c.stopping = checkpoint.ErrOwnerLost
		}
		c.disk = newDiskCursor(c, 1)
		c.mem.next, c.mem.limit = 1, 1<<20
		c.seq.Step(sequencer.Input{Kind: sequencer.Submit, Session: 1, Request: 1, Count: 1})
		c.mem.append(entry{first: 1, count: 1, frame: []byte("frame")})
		c.wg.Add(1)
		go c.disk.run()
		if err := c.persist(); err != nil {
			t.Fatal(err)
		}
		c.wg.Wait()
		if got, want := log.Next() == 1, lost; got != want {
			t.Errorf("lost %v: log goes on at %d", lost, log.Next())
		}
	}
}

// TestDoubtfulOwnerOrdersNothing: a coordinator that was stopped for so long that another may have taken its directory
// over gives no more sequence numbers, though nobody has told it so.
func TestDoubtfulOwnerOrdersNothing(t *testing.T) {
	sure := true
	c := &coordinator{cfg: Config{now: time.Now}, sure: func() bool { return sure }, seq: sequencer.New(sequencer.Config{}), end: make(chan struct{})}
	c.room = sync.NewCond(&c.mu)
	order := func(request uint64) error {
		frame := comm.AppendCall(comm.BeginBatch(nil), 0, 1, nil)
		comm.FinishBatch(frame, 1, request, 1)
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.orderLocked(frame, sequencer.Input{Kind: sequencer.Submit, Session: 1, Request: request, Count: 1})
	}
	if err := order(1); err != nil {
		t.Fatal(err)
	}
	sure = false
	if err := order(2); err == nil || c.seq.Head() != 1 {
		t.Errorf("ordered up to %d, %v", c.seq.Head(), err)
	}
	if !errors.Is(c.stopping, checkpoint.ErrOwnerLost) {
		t.Errorf("goes on: %v", c.stopping)
	}
}
