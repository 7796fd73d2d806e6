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
// sequencer, which moves the gate when it waits for that.
type diskCursor struct {
	c    *coordinator
	next atomic.Uint64 // sequence number wanted next; everything before it is on disk
	wake chan struct{}
	quit chan struct{}
	done chan struct{}
	ran  bool
	gone atomic.Bool // nothing may be written any more
	err  error       // of the last write of all, when it was the only one to fail; read after done
}

func newDiskCursor(c *coordinator, next uint64) *diskCursor {
	d := &diskCursor{c: c, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	d.next.Store(next)
	d.ran = c.cfg.Durability != Memory
	return d
}

// poke says that there may be something to write.
func (d *diskCursor) poke() {
	if d.ran {
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
}

// run writes until the job ends. Under durability interval it lets batches gather between two writes.
func (d *diskCursor) run() {
	defer d.c.wg.Done()
	defer close(d.done)
	for {
		select {
		case <-d.wake:
		case <-d.quit:
			if !d.gone.Load() {
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
		if err := d.writeAll(); err != nil {
			d.c.fail(err)
			<-d.quit
			return
		}
	}
}

// writeAll writes and syncs up to the head, in groups.
func (d *diskCursor) writeAll() error {
	c := d.c
	var entries []entry
	var records []checkpoint.Record
	for !d.gone.Load() {
		c.mu.Lock()
		entries, _ = c.mem.read(d.next.Load(), c.seq.Head(), entries[:0]) // never trimmed before it is on disk
		c.mu.Unlock()
		if len(entries) == 0 {
			return nil
		}
		records = records[:0]
		for _, e := range entries {
			records = append(records, checkpoint.Record{First: e.first, Count: e.count, Data: e.frame})
		}
		err := c.log.Append(records)
		if err == nil {
			err = c.log.Sync()
		}
		if err != nil {
			return d.explain(err)
		}
		last := entries[len(entries)-1].last()
		d.next.Store(last + 1)
		c.mu.Lock()
		effect := c.seq.Step(sequencer.Input{Kind: sequencer.Persisted, Sequence: last})[0]
		c.trimLocked()
		c.mu.Unlock()
		if effect.Kind == sequencer.Release {
			c.gate.Store(effect.Sequence)
			c.wake(nil)
		}
	}
	return nil
}

func (d *diskCursor) explain(err error) error {
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("state directory %s: no space left; free some and go on with --resume (%w)", d.c.cfg.StateDir, err)
	}
	return fmt.Errorf("writing the log in %s: %w", d.c.cfg.StateDir, err)
}

// finish ends run after a last write.
func (d *diskCursor) finish() error {
	if !d.ran {
		return nil
	}
	close(d.quit)
	<-d.done
	return d.err
}

// abandon ends run without another write.
func (d *diskCursor) abandon() {
	d.gone.Store(true)
	_ = d.finish() // nothing was written, so nothing failed
}

// dump writes what is only in memory to the log, when a job under durability memory ends without a last checkpoint.
func (d *diskCursor) dump() error {
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
	return d.writeAll()
}
