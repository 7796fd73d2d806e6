package coordinator

import (
	"testing"

	"dsss/checkpoint"
	"dsss/runtime/sequencer"
)

// TestLostDirectoryIsLeftAlone: a coordinator whose state directory was taken over by another ends without another byte
// in its log; one that still owns it writes what it has.
func TestLostDirectoryIsLeftAlone(t *testing.T) {
	for _, lost := range []bool{false, true} {
		log, _, err := checkpoint.OpenLog(t.TempDir(), checkpoint.LogConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		c := &coordinator{cfg: Config{Durability: Interval}, log: log, seq: sequencer.New(sequencer.Config{}), stopping: errDone}
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
