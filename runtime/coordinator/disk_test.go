package coordinator

import (
	"errors"
	"testing"

	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/internal/limits"
	"dsss/internal/memfs"
	"dsss/runtime/order"
)

// gathered is a coordinator with so many batches in memory, from sequence number first on, that its disk has yet to write, and
// the Start of its epoch behind them. The log on disk has the ten before, or those up to ten where first is larger.
func gathered(t *testing.T, durability Durability, fsys *memfs.Disk, first uint64, entries int, sure func() bool) *Core {
	t.Helper()
	bounds := limits.Default()
	bounds.LogMemory = 1 << 30
	c, err := NewCore(Config{Job: "job", Size: 1, StateDir: "/state", Either: true, Durability: durability, Bounds: bounds}, Ports{FS: fsys, Sure: sure})
	if err != nil {
		t.Fatal(err)
	}
	log, _, err := c.dir.OpenLog(wal.Config{First: 1})
	if err != nil {
		t.Fatal(err)
	}
	job := statedir.Job{Name: "job", Status: statedir.Running, Epoch: 1, Starts: []statedir.Start{{Epoch: 1, Base: first + uint64(entries) - 1}}}
	if err := c.dir.PutJob(job); err != nil {
		t.Fatal(err)
	}
	if first > 1 {
		if err := errors.Join(log.Append([]wal.Record{{First: 1, Count: 10, Data: []byte("old")}}), log.Sync()); err != nil {
			t.Fatal(err)
		}
	}
	var brought []tailEntry
	for i := range uint64(entries) {
		brought = append(brought, tailEntry{first: first + i, count: 1, frame: batch(7, i+1)})
	}
	table := order.Table{Head: first + uint64(entries) - 1, Sessions: map[uint64]uint64{7: uint64(entries)}}
	o := c.begin(job, log, table, 0, table.Head, 0, brought)
	c.handle(order.Event{Kind: order.Begun, Message: o, Held: c.held()})
	return c
}

// batch is a sealed batch of one call.
func batch(session, request uint64) []byte {
	frame := comm.AppendCall(comm.BeginBatch(nil), 1, 1, make([]byte, 900))
	comm.FinishBatch(frame, session, request, 1)
	return frame
}

func always() bool { return true }

// TestLostDirectoryIsLeftAlone: a coordinator whose state directory was taken over by another ends without another byte
// in its log; one that still owns it writes what it has.
func TestLostDirectoryIsLeftAlone(t *testing.T) {
	for _, lost := range []bool{false, true} {
		c := gathered(t, Interval, memfs.New(), 1, 5, always)
		c.startDisk()
		reason := errors.New("told to end")
		if lost {
			reason = statedir.ErrOwnerLost
		}
		c.Stop(reason)
		if err := c.persist(false); err != nil {
			t.Fatal(err)
		}
		c.wg.Wait()
		if got, want := c.log.Next() == 1, lost; got != want {
			t.Errorf("lost %v: log goes on at %d", lost, c.log.Next())
		}
	}
}

// TestDoubtfulOwnerOrdersNothing: a coordinator that was stopped for so long that another may have taken its directory
// over gives no more sequence numbers, though nobody has told it so.
func TestDoubtfulOwnerOrdersNothing(t *testing.T) {
	sure := true
	c := gathered(t, Interval, memfs.New(), 1, 5, func() bool { return sure })
	head := c.Head()
	sure = false
	c.handle(order.Event{Kind: order.Due})
	if c.Head() != head {
		t.Errorf("ordered up to %d", c.Head())
	}
	if !errors.Is(c.Stopping(), statedir.ErrOwnerLost) {
		t.Errorf("goes on: %v", c.Stopping())
	}
}

// TestOneSyncForAllThatGathered: what gathered while a slow disk synced is written and synced in one go, however much it is:
// so what is not on disk is never older than the interval and two syncs.
func TestOneSyncForAllThatGathered(t *testing.T) {
	disk := memfs.New()
	c := gathered(t, Interval, disk, 1, 5000, always)
	syncs := 0
	disk.Inject(func(op memfs.Op) memfs.Fault {
		if op.Kind == memfs.Sync {
			syncs++
		}
		return memfs.Fault{}
	})
	if err := errors.Join(c.disk.Begin(), c.disk.writeAll()); err != nil {
		t.Fatal(err)
	}
	if c.log.Next() != 5002 || c.disk.next.Load() != 5002 || syncs > 1 {
		t.Errorf("the log goes on at %d, the disk's cursor at %d, after %d syncs", c.log.Next(), c.disk.next.Load(), syncs)
	}
}

// TestTakeoverKeepsTheLog: where replicas remember less than the disk lacks, the log on disk stays as it is until a checkpoint
// leads behind the gap; then it begins again where memory does.
func TestTakeoverKeepsTheLog(t *testing.T) {
	for _, durability := range []Durability{Memory, Interval, Sync} {
		for _, sure := range []uint64{0, 50, 98, 99} {
			c := gathered(t, durability, memfs.New(), 100, 50, always) // the log on disk ends at 10
			may := c.mayRenew(sure, c.hist.First())
			if may != (sure == 99) {
				t.Errorf("%s, checkpoint at %d: the log may begin again: %v", durability, sure, may)
			}
			if err := c.disk.dump(); !errors.Is(err, errGap) { // there is no checkpoint
				t.Errorf("%s: %v", durability, err)
			}
			if c.log.First() != 1 || c.log.Next() != 11 {
				t.Fatalf("%s: the log is from %d to before %d", durability, c.log.First(), c.log.Next())
			}
		}
	}
}

// TestControlsLast: the Start of an epoch is on disk and synced under every durability.
func TestControlsLast(t *testing.T) {
	for _, durability := range []Durability{Memory, Interval, Sync} {
		disk := memfs.New()
		c := gathered(t, durability, disk, 1, 5, always)
		select {
		case <-c.disk.Woken():
		default:
			t.Fatalf("%s: nothing is to be written", durability)
		}
		syncs := 0
		disk.Inject(func(op memfs.Op) memfs.Fault {
			if op.Kind == memfs.Sync {
				syncs++
			}
			return memfs.Fault{}
		})
		if err := errors.Join(c.disk.Begin(), c.disk.writeAll()); err != nil {
			t.Fatal(err)
		}
		if c.log.Next() != 7 || syncs == 0 {
			t.Errorf("%s: the log goes on at %d, after %d syncs", durability, c.log.Next(), syncs)
		}
	}
}
