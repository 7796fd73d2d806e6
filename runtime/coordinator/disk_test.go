package coordinator

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/memfs"
	"dsss/internal/vfs"
	"dsss/runtime/sequencer"
)

// TestLostDirectoryIsLeftAlone: a coordinator whose state directory was taken over by another ends without another byte
// in its log; one that still owns it writes what it has.
func TestLostDirectoryIsLeftAlone(t *testing.T) {
	for _, lost := range []bool{false, true} {
		dir, err := statedir.Open(t.TempDir(), statedir.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		log, _, err := dir.OpenLog(wal.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		c := &coordinator{cfg: Config{Durability: Interval, now: time.Now}, dir: dir, log: log, job: statedir.Job{Name: "job", Status: statedir.Running}, seq: sequencer.New(sequencer.Config{}), stopping: errDone}
		if lost {
			c.stopping = statedir.ErrOwnerLost
		}
		c.disk = newDiskCursor(c, 1)
		c.mem.next, c.mem.limit = 1, 1<<20
		c.seq.Step(sequencer.Input{Kind: sequencer.Submit, Session: 1, Request: 1, Count: 1})
		c.mem.append(entry{first: 1, count: 1, frame: sealed(100)})
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
	if !errors.Is(c.stopping, statedir.ErrOwnerLost) {
		t.Errorf("goes on: %v", c.stopping)
	}
}

// gathered is a coordinator with entries in memory, from sequence number first on, which its disk has yet to write.
func gathered(t *testing.T, fsys vfs.FS, first uint64, entries int) *coordinator {
	t.Helper()
	dir, err := statedir.Open("/state", statedir.Config{FS: fsys})
	if err != nil {
		t.Fatal(err)
	}
	c := newCoordinator(Config{Durability: Interval, now: time.Now}, dir, 1)
	c.stepped = true
	log, _, err := dir.OpenLog(wal.Config{First: 1})
	if err != nil {
		t.Fatal(err)
	}
	job := statedir.Job{Name: "job", Status: statedir.Running}
	if err := dir.PutJob(job); err != nil {
		t.Fatal(err)
	}
	if first > 1 {
		if err := errors.Join(log.Append([]wal.Record{{First: 1, Count: 10, Data: []byte("old")}}), log.Sync()); err != nil {
			t.Fatal(err)
		}
	}
	c.cfg.LogMemory = 1 << 30
	var brought []entry
	for i := range uint64(entries) {
		brought = append(brought, entry{first: first + i, count: 1, frame: sealed(1000)})
	}
	seq := sequencer.New(sequencer.Config{Base: first + uint64(entries) - 1})
	c.begin(job, log, seq, 0, brought)
	return c
}

// sealed returns a frame of size bytes.
func sealed(size int) []byte {
	frame := make([]byte, size)
	comm.Seal(frame, comm.KindBatch)
	return frame
}

// TestOneSyncForAllThatGathered: what gathered while a slow disk synced is written and synced in one go, however much it is:
// so what is not on disk is never older than the interval and two syncs.
func TestOneSyncForAllThatGathered(t *testing.T) {
	disk := memfs.New()
	c := gathered(t, disk, 1, 5000)
	syncs := 0
	disk.Inject(func(op memfs.Op) memfs.Fault {
		if op.Kind == memfs.Sync {
			syncs++
		}
		return memfs.Fault{}
	})
	if err := c.disk.writeAll(); err != nil {
		t.Fatal(err)
	}
	if c.log.Next() != 5001 || c.disk.next.Load() != 5001 || syncs > 1 {
		t.Errorf("the log goes on at %d, the disk's cursor at %d, after %d syncs", c.log.Next(), c.disk.next.Load(), syncs)
	}
}

// TestTakeoverKeepsTheLog: where replicas remember less than the disk lacks, the log on disk stays as it is until a checkpoint
// leads behind the gap; then it begins anew where memory does.
func TestTakeoverKeepsTheLog(t *testing.T) {
	for _, durability := range []Durability{Memory, Interval, Disk} {
		c := gathered(t, memfs.New(), 100, 50) // the log on disk ends at 10
		c.cfg.Durability, c.disk.lazy = durability, durability == Memory
		for _, sure := range []uint64{0, 50, 98} {
			c.saves.sure = sure
			if err := c.disk.dump(); !errors.Is(err, errGap) {
				t.Errorf("%s, checkpoint at %d: %v", durability, sure, err)
			}
			if c.log.First() != 1 || c.log.Next() != 11 {
				t.Fatalf("%s, checkpoint at %d: the log is from %d to before %d", durability, sure, c.log.First(), c.log.Next())
			}
		}
		c.saves.sure = 99
		if err := c.disk.dump(); err != nil {
			t.Fatal(err)
		}
		if c.log.First() != 100 || c.log.Next() != 150 {
			t.Errorf("%s: the log is from %d to before %d, the checkpoint at 99", durability, c.log.First(), c.log.Next())
		}
	}
}

// TestDivergenceWithoutEvidence: a worker has diverged, and the checkpoint that is to be the evidence cannot be written. It is
// put out all the same, and what was given up for the evidence goes on: audits, and the removal of old checkpoints.
func TestDivergenceWithoutEvidence(t *testing.T) {
	c := gathered(t, memfs.New(), 1, 1)
	a, b := pair(t)
	defer b.Close()
	s := &subscriber{c: c, conn: comm.NewConn(a), rank: 1, session: 7, wake: make(chan struct{}, 1)}
	c.audit.suspect, c.audit.wrong, c.audit.workers = s, 3, &wire.DigestT{Sequence: 42}
	c.mu.Lock()
	c.settle(&saveRound{suspect: s}, &wire.SavedT{Error: "no space left"})
	c.mu.Unlock()
	c.wg.Wait()
	if c.audit.suspect != nil || !c.quarantined[7] {
		t.Errorf("suspect %v, quarantined %v", c.audit.suspect, c.quarantined)
	}
	if len(c.early) != 1 || c.early[0].What != wire.HappeningDiverged || c.early[0].Rank != 1 || !strings.Contains(c.early[0].Text, "object 3 differs; more is not known: no space left") {
		t.Errorf("said: %+v", c.early)
	}
}

// TestAskedOnceOfAKeeper: a checkpoint that is asked of a keeper between its subscription and the end of its welcome is not
// asked for again, and no second mark is ordered.
func TestAskedOnceOfAKeeper(t *testing.T) {
	c := gathered(t, memfs.New(), 1, 1)
	a, b := pair(t)
	defer b.Close()
	c.ranks[keeperRank] = &subscriber{c: c, conn: comm.NewConn(a), role: wire.RoleKeeper, wake: make(chan struct{}, 1)}
	c.request(saveRequest{})
	head := c.seq.Head()
	if c.keeperBack(); c.seq.Head() != head || c.saves.active == nil || c.saves.queued != nil {
		t.Errorf("ordered up to %d, then %d; active %v, queued %v", head, c.seq.Head(), c.saves.active, c.saves.queued)
	}
}
