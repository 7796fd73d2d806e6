package coordinator

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"dsss/checkpoint"
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
	spilled atomic.Bool // lazy, and memory ran short since the last write
	last    atomic.Bool // the job ends: what is written now must last
	gone    atomic.Bool // nothing may be written any more
	err     error       // of the last write of all, when it was the only one to fail; read after done
	// gap, when not 0, is a sequence number up to which a checkpoint has to lead before anything is written: what lies
	// between the disk's log and next is in replicas alone, and the log stays as it is until it is needed no more. Guarded
	// by the coordinator's mu.
	gap     uint64
	upto    uint64  // what a round takes: up to the head at its beginning
	taken   uint64  // what it has taken
	entries []entry // the group that is being written
	records []checkpoint.Record
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
				d.err = d.writeAll()
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

func (d *diskCursor) writeMore() error {
	if d.lazy {
		d.spilled.Store(false)
		return d.dump()
	}
	return d.writeAll()
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
	if d.gap != 0 {
		d.upto = d.taken
	}
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
		d.records = append(d.records, checkpoint.Record{First: e.first, Count: e.count, Data: e.frame})
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

// release lets the cursor go on that waited for a checkpoint, now that one leads to saved: the log begins anew behind it.
func (d *diskCursor) release(saved uint64) error {
	d.c.mu.Lock()
	waited := d.gap != 0 && saved >= d.gap
	d.c.mu.Unlock()
	if !waited {
		return nil
	}
	if err := d.c.log.TruncateBefore(saved + 1); err != nil {
		return d.explain(err)
	}
	d.c.mu.Lock()
	d.gap = 0
	d.next.Store(saved + 1)
	d.c.mu.Unlock()
	d.poke()
	return nil
}

// dump writes what is only in memory to the log. What was never written, because checkpoints made it superfluous, leaves
// the log to begin anew behind it.
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

// catchUp brings the cursor, and the log, to what is in memory.
func (d *diskCursor) catchUp() error {
	d.c.mu.Lock()
	first := d.c.mem.first()
	d.c.mu.Unlock()
	if next := d.c.log.Next(); next < first {
		if err := d.c.log.TruncateBefore(first); err != nil {
			return d.explain(err)
		}
	} else {
		first = next
	}
	d.next.Store(first)
	return nil
}
