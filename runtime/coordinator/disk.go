package coordinator

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/runtime/sequencer"
)

// diskCursor is the disk as a reader of the log: it takes what gathered, appends it as one group, syncs, and tells the
// sequencer, which moves the gate when it waits for that. Under durability memory it writes only when memory runs short
// (spill), so that who is behind can be served, and does not sync.
type diskCursor struct {
	c *coordinator
	// next is the sequence number wanted next. Everything before it is on disk, or was given up for a checkpoint that
	// holds it.
	next    atomic.Uint64
	wake    chan struct{}
	quit    chan struct{}
	done    chan struct{}
	lazy    bool        // durability memory
	spilled atomic.Bool // lazy, and memory ran short since the last write; or a checkpoint is awaited (errGap)
	last    atomic.Bool // the job ends: what is written now must last
	gone    atomic.Bool // nothing may be written any more
	err     error       // of the last write of all, when it was the only one to fail; read after done
	upto    uint64      // what a round takes: up to the head at its beginning
	taken   uint64      // what it has taken
	entries []entry     // the group that is being written
	records []wal.Record
}

func newDiskCursor(c *coordinator, next uint64) *diskCursor {
	d := &diskCursor{c: c, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	d.next.Store(next)
	d.lazy = c.cfg.Durability == Memory
	return d
}

// poke says that there may be something to write.
func (d *diskCursor) poke() {
	if !d.lazy || d.spilled.Load() {
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
}

// spill has a lazy cursor write what is in memory.
func (d *diskCursor) spill() {
	d.spilled.Store(true)
	d.poke()
}

// run writes until the job ends. Under durability interval it lets batches gather between two writes.
func (d *diskCursor) run() {
	defer d.c.wg.Done()
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
		if err := d.writeMore(); err != nil {
			d.c.fail(err)
			<-d.quit
			return
		}
	}
}

// writeMore is dump for a job that goes on: what a checkpoint is needed for first is tried again when there is one.
func (d *diskCursor) writeMore() error {
	d.spilled.Store(false)
	err := d.dump()
	if errors.Is(err, errGap) {
		d.spilled.Store(true)
		return nil
	}
	return err
}

// writeAll writes and syncs up to the head, in rounds.
func (d *diskCursor) writeAll() error {
	for {
		more, err := d.round()
		if err != nil || !more {
			return err
		}
		d.wrote()
	}
}

// round writes everything that has gathered by its beginning, in groups, and then syncs once: what a sync costs, on a network
// file system tens of milliseconds, does not add up however much there is. It returns false when there is nothing.
func (d *diskCursor) round() (bool, error) {
	d.begin()
	wrote := false
	for d.gather() {
		if err := d.put(); err != nil {
			return false, d.explain(err)
		}
		wrote = true
	}
	if wrote && (!d.lazy || d.last.Load()) {
		if err := d.c.log.Sync(); err != nil {
			return false, d.explain(err)
		}
	}
	return wrote, nil
}

// begin says how far a round goes.
func (d *diskCursor) begin() {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	d.upto, d.taken = d.c.seq.Head(), d.next.Load()-1
}

// gather takes the round's next group from memory; false when there is nothing left to write.
func (d *diskCursor) gather() bool {
	if d.gone.Load() {
		return false
	}
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	d.entries, _ = d.c.mem.read(d.taken+1, d.upto, d.entries[:0]) // never trimmed before it is on disk
	return len(d.entries) > 0
}

// put writes the group.
func (d *diskCursor) put() error {
	d.records = d.records[:0]
	for _, e := range d.entries {
		d.records = append(d.records, wal.Record{First: e.first, Count: e.count, Data: e.frame, Head: comm.HeaderSize, Sum: comm.BodySum(e.frame)})
	}
	err := d.c.log.Append(d.records)
	d.taken = d.entries[len(d.entries)-1].last()
	clear(d.entries)
	clear(d.records)
	return err
}

// wrote tells everybody that what the round took is on disk.
func (d *diskCursor) wrote() {
	c := d.c
	last := d.taken
	d.next.Store(last + 1)
	c.mu.Lock()
	effect := c.seq.Step(sequencer.Input{Kind: sequencer.Persisted, Sequence: last})[0]
	c.trimLocked()
	c.mu.Unlock()
	if effect.Kind == sequencer.Release {
		c.gate.Store(effect.Sequence)
		c.wake(nil)
	}
	c.tellStable()
}

func (d *diskCursor) explain(err error) error {
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("state directory %s: no space left; free some and go on with --resume (%w)", d.c.cfg.StateDir, err)
	}
	return fmt.Errorf("writing the log in %s: %w", d.c.cfg.StateDir, err)
}

// finish ends run after a last write.
func (d *diskCursor) finish() error {
	d.last.Store(true)
	close(d.quit)
	<-d.done
	return d.err
}

// abandon ends run without another write.
func (d *diskCursor) abandon() {
	d.gone.Store(true)
	_ = d.finish() // nothing was written, so nothing failed
}

// dump writes what is only in memory to the log.
func (d *diskCursor) dump() error {
	if err := d.catchUp(); err != nil {
		return err
	}
	err := d.writeAll()
	d.dumped()
	return err
}

// dumped frees memory, also when a checkpoint has made all of what was to be written superfluous meanwhile.
func (d *diskCursor) dumped() {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	d.c.trimLocked()
}

// errGap: what lies between the log on disk and what is in memory is in replicas alone.
var errGap = errors.New("no checkpoint holds what lies between")

// catchUp brings the cursor to what is in memory. Where that begins behind the end of the log on disk, the log begins anew
// there: what was never written is in a checkpoint, or, after a takeover, in replicas alone. But the log on disk is given up
// only for a checkpoint that holds all up to there and has been verified, because a job whose processes all die goes on from
// one of the two. Until there is one the error is errGap, and one is asked for.
func (d *diskCursor) catchUp() error {
	c := d.c
	c.mu.Lock()
	first, sure := c.mem.first(), c.saves.sure
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
	if sure+1 < first && c.cfg.without != NoCover {
		c.fillGap(sure)
		return fmt.Errorf("the log in %s ends at sequence number %d, memory begins behind %d: %w", c.cfg.StateDir, next-1, first-1, errGap)
	}
	if err := c.log.TruncateBefore(first); err != nil {
		return d.explain(err)
	}
	d.next.Store(first)
	return nil
}

// retryDisk has the disk's cursor look again whether there is the checkpoint that it waits for.
func (c *coordinator) retryDisk() {
	if c.opened.Load() && c.disk.spilled.Load() {
		c.disk.poke()
	}
}

// fillGap asks for a checkpoint, where the newest that verifies is at sure. Under durability sync no replica sees a mark that
// is not on disk, so a worker sends its state as it is.
func (c *coordinator) fillGap(sure uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saves.last = min(c.saves.last, sure)
	switch {
	case c.cfg.Durability == Disk:
		c.askForStateLocked()
	case c.saves.active == nil && c.saves.queued == nil:
		c.requestLocked(saveRequest{})
	}
}
