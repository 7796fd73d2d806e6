package coordinator

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/runtime/history"
	"dsss/runtime/order"
)

// A Disk is the disk as a reader of the log: it takes what gathered, appends it as one group, syncs, and tells the
// machine, which moves the gate when it waits for that. Under durability memory it writes only when memory runs short
// (spill), so that who is behind can be served, and does not sync.
type Disk struct {
	c *Core
	// next is the sequence number wanted next. Everything before it is on disk, or was given up for a checkpoint that
	// holds it.
	next    atomic.Uint64
	wake    chan struct{}
	quit    chan struct{}
	done    chan struct{}
	lazy    bool        // durability memory
	spilled atomic.Bool // lazy, and memory ran short since the last write, or it is to last; or a checkpoint is awaited (errGap)
	lasting atomic.Bool // lazy, and what is in memory now must last
	gone    atomic.Bool // nothing may be written any more
	err     error       // of the last write of all, when it was the only one to fail; read after done
	cursor  *history.Cursor
	upto    uint64 // what a round takes: up to the head at its beginning
	taken   uint64 // what it has taken
	waits   bool   // for a checkpoint (errGap)
	broken  bool   // it has failed
	records []wal.Record
}

func newDisk(c *Core, next uint64) *Disk {
	d := &Disk{c: c, cursor: c.hist.NewCursor(next, true), wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	d.next.Store(next)
	d.lazy = c.cfg.Durability == Memory
	return d
}

// poke says that there may be something to write.
func (d *Disk) poke() {
	if !d.lazy || d.spilled.Load() {
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
}

// spill has a lazy cursor write what is in memory, and, when that must last, sync.
func (d *Disk) spill(lasting bool) {
	if lasting {
		d.lasting.Store(true)
	}
	d.spilled.Store(true)
	d.poke()
}

// Woken is how the owner is told that there may be something to write.
func (d *Disk) Woken() <-chan struct{} { return d.wake }

// run writes until the job ends. Under durability interval it lets batches gather between two writes.
func (d *Disk) run() {
	defer close(d.done)
	for {
		select {
		case <-d.wake:
		case <-d.quit:
			if !d.gone.Load() && !d.lazy {
				d.err = d.dump()
			}
			return
		}
		if d.c.cfg.Durability == Interval {
			select {
			case <-time.After(d.c.cfg.LogInterval):
			case <-d.quit:
			}
		}
		if d.Begin() != nil || d.writeAll() != nil {
			<-d.quit
			return
		}
	}
}

// Begin begins to write what has gathered. What a checkpoint is needed for first is tried again when there is one. An error
// has ended the job.
func (d *Disk) Begin() error {
	d.spilled.Store(false)
	err := d.catchUp()
	if errors.Is(err, errGap) {
		d.spilled.Store(true)
		d.waits = true
		return nil
	}
	d.waits = false
	return d.failed(err)
}

// Put writes what has gathered by now and syncs; false when there is nothing. It counts as on disk only after Wrote. An error
// has ended the job.
func (d *Disk) Put() (more bool, err error) {
	if !d.waits {
		more, err = d.round()
	}
	if err != nil {
		return false, d.failed(err)
	}
	if !more {
		d.dumped()
	}
	return more, nil
}

func (d *Disk) failed(err error) error {
	if err != nil {
		d.broken = true
		d.c.fail(err)
	}
	return err
}

func (d *Disk) writeAll() error {
	for {
		more, err := d.Put()
		if err != nil || !more {
			return err
		}
		d.Wrote()
	}
}

// round writes everything that has gathered by its beginning, in groups, and then syncs once: what a sync costs, on a network
// file system tens of milliseconds, does not add up however much there is. It returns false when there is nothing.
func (d *Disk) round() (bool, error) {
	d.begin()
	wrote := false
	for d.gather() {
		if err := d.put(); err != nil {
			return false, d.explain(err)
		}
		wrote = true
	}
	if wrote && (!d.lazy || d.lasting.Swap(false)) {
		if err := d.c.log.Sync(); err != nil {
			return false, d.explain(err)
		}
	}
	return wrote, nil
}

// begin says how far a round goes.
func (d *Disk) begin() {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	d.upto, d.taken = d.c.machine.Head(), d.next.Load()-1
	d.cursor.Seek(d.taken + 1)
}

// gather takes the round's next group from memory, which is never trimmed before it is on disk; false when there is nothing
// left to write.
func (d *Disk) gather() bool {
	if d.gone.Load() {
		return false
	}
	d.records = d.records[:0]
	for _, e := range d.cursor.Entries(d.upto) {
		head, sum := comm.GroupSum(e.Frame)
		d.records = append(d.records, wal.Record{First: e.First, Count: e.Count, Data: e.Frame, Head: head, Sum: sum})
		d.taken = e.Last()
	}
	return len(d.records) > 0
}

// put writes the group.
func (d *Disk) put() error {
	err := d.c.log.Append(d.records)
	d.cursor.Done(true)
	clear(d.records)
	return err
}

// Wrote tells everybody that what the round took is on disk.
func (d *Disk) Wrote() {
	c := d.c
	d.next.Store(d.taken + 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.short = true
	c.handleLocked(order.Event{Kind: order.Persisted, Sequence: d.taken})
	c.handleLocked(order.Event{Kind: order.Tick, Held: c.held()}) // replicas may forget more
}

func (d *Disk) explain(err error) error {
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("state directory %s: no space left; free some and go on with --resume (%w)", d.c.cfg.StateDir, err)
	}
	return fmt.Errorf("writing the log in %s: %w", d.c.cfg.StateDir, err)
}

// finish ends run after a last write.
func (d *Disk) finish() error {
	close(d.quit)
	<-d.done
	return d.err
}

// abandon ends run without another write.
func (d *Disk) abandon() {
	d.gone.Store(true)
	_ = d.finish() // nothing was written, so nothing failed
}

// dump writes what is only in memory to the log, so that it lasts.
func (d *Disk) dump() error {
	if d.gone.Load() {
		return nil
	}
	d.lasting.Store(true)
	if err := d.catchUp(); err != nil {
		return err
	}
	for {
		more, err := d.round()
		if err != nil || !more {
			return err
		}
		d.Wrote()
	}
}

// dumped frees memory, also when a checkpoint has made all of what was to be written superfluous meanwhile.
func (d *Disk) dumped() {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	d.c.makeRoom()
}

// errGap: what lies between the log on disk and what is in memory is in replicas alone.
var errGap = errors.New("no checkpoint holds what lies between")

// catchUp brings the cursor to what is in memory. Where that begins behind the end of the log on disk, the log begins again
// there: what was never written is in a checkpoint, or, after a takeover, in replicas alone. But the log on disk is given up
// only for a checkpoint that holds all up to there and has been verified, because a job whose processes all die goes on from
// one of the two. Until there is one the error is errGap, and one is asked for.
func (d *Disk) catchUp() error {
	c := d.c
	c.mu.Lock()
	first, sure := c.hist.First(), c.machine.Sure()
	c.mu.Unlock()
	next := c.log.Next()
	if next >= first {
		d.next.Store(next)
		return nil
	}
	if sure+1 < first {
		newest, _, err := c.newestState()
		if err != nil {
			return d.explain(err)
		}
		sure = newest.Seq
	}
	if !c.mayRenew(sure, first) {
		return fmt.Errorf("the log in %s ends at sequence number %d, memory begins behind %d: %w", c.cfg.StateDir, next-1, first-1, errGap)
	}
	if err := c.log.TruncateBefore(first); err != nil {
		return d.explain(err)
	}
	d.next.Store(first)
	return nil
}

// mayRenew asks whether the log on disk may begin again at first, where the newest checkpoint that verifies is at sure.
func (c *Core) mayRenew(sure, first uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renew = false
	c.handleLocked(order.Event{Kind: order.Behind, Sequence: sure, Held: order.Held{First: first}})
	return c.renew
}

// disk is the log on disk as package history reads it.
type disk struct{ *wal.Log }

func (d disk) Read(from uint64) (history.Reader, error) {
	r, err := d.Log.Read(from)
	return diskReader{r}, err
}

type diskReader struct{ *wal.Reader }

func (r diskReader) Next() (history.Entry, error) {
	rec, err := r.Reader.Next()
	if err != nil {
		return history.Entry{}, err
	}
	return history.Entry{First: rec.First, Count: rec.Count, Domain: uint8(comm.DomainOf(rec.Data)), Frame: rec.Data}, nil
}
