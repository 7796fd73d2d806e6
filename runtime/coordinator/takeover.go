package coordinator

import (
	"errors"
	"fmt"

	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/stream"
	"dsss/runtime/order"
)

// remains is what the state directory holds of a running job.
type remains struct {
	job   statedir.Job
	log   *wal.Log
	saved uint64 // newest checkpoint
}

// remains opens what the state directory holds.
func (c *Core) remains() (remains, error) {
	job, exists := c.dir.Job()
	if !exists || job.Status != statedir.Running {
		return remains{}, usageError{fmt.Errorf("state directory %s holds no running job to take over", c.cfg.StateDir)}
	}
	infos, err := c.dir.Store().List()
	if err != nil {
		return remains{}, err
	}
	saved := uint64(0)
	if len(infos) > 0 {
		saved = infos[0].Seq // whether it verifies shows when it is needed: the keeper that wrote it has read it back
	}
	log, recovery, err := c.openLog(&job, saved, true)
	if err != nil {
		return remains{}, err
	}
	c.warnTorn(recovery)
	return remains{job, log, saved}, nil
}

// tails is what processes of a running job said that they remember.
type tails struct {
	base    *tail // nil: nobody was asked
	partial bool  // base is a worker's, and there are hosted objects: it lacks their calls and their sessions
	further *tail // of a worker that has come further than base; nil: none
}

// goOn goes on with the job: from what replicas remember, or, where that does not help, from checkpoint and log. It is a task.
func (c *Core) goOn(t tails) {
	o, err := c.rebuild(t)
	if err != nil {
		err = fmt.Errorf("taking over: %w", errors.Join(err, c.ready.log.Close()))
		c.mu.Lock()
		defer c.mu.Unlock()
		c.openError = err
		c.handleLocked(order.Event{Kind: order.NotBegun, Code: wire.RefusalEnded, Reason: err.Error()})
		return
	}
	c.handle(order.Event{Kind: order.Begun, Message: o, Held: c.held()})
	c.cfg.Log.Info("took over", "epoch", o.Epoch, "head", o.Table.Head)
}

// rebuild rebuilds the order.
func (c *Core) rebuild(ts tails) (*order.Opened, error) {
	job, log, saved := c.ready.job, c.ready.log, c.ready.saved
	t := ts.base
	if ts.partial {
		t, ts.further = nil, ts.base
	}
	if err := t.consecutive(); err != nil {
		return nil, err
	}
	onDisk := log.Next() - 1
	var table order.Table
	var clock int64
	known := t != nil && max(t.end.Sequence, onDisk) >= saved && (t.end.Sequence >= onDisk || log.First() <= t.end.Sequence+1)
	if known {
		c.origin = t.session
		table, clock = tableOf(t.end), t.end.Time
	} else {
		newest, meta, err := c.newestState()
		if err == nil {
			err = c.complete(job, newest, meta.Log, log)
		}
		if err != nil {
			return nil, err
		}
		table = order.Table{Head: newest.Seq, Sessions: meta.Sessions, Ended: meta.Ended}
		clock = clockOf(newest)
		saved, t = newest.Seq, &tail{}
	}
	persisted := min(onDisk, table.Head)
	if !known || onDisk > table.Head {
		f, err := c.fold(log, &table, &c.ready.job)
		if err != nil {
			return nil, err
		}
		job.Omitted = withOmitted(job, f.omitted)
		clock = max(clock, f.clock)
		persisted = max(persisted, min(onDisk, table.Head))
	}
	whole := uint64(0)
	if ts.further != nil {
		more, err := c.bridge(&table, ts.further, &clock)
		switch {
		case err == nil:
			t.entries, whole = append(t.entries, more...), wholeUpTo(more)
		case ts.partial:
			return nil, fmt.Errorf("no process that holds the hosted objects is left: %w: end the job and go on with --resume", err)
		default:
			c.warn(fmt.Sprintf("taking over: %v: what is behind that is lost", err))
		}
	}
	head := max(onDisk, table.Head)
	job.Epoch++
	if whole > 0 {
		job.Starts = append(job.Starts, statedir.Start{Epoch: job.Epoch, Base: whole})
	}
	job.Starts = append(job.Starts, statedir.Start{Epoch: job.Epoch, Base: head})
	job.Log = log.Bound()
	if err := c.dir.PutJob(job); err != nil {
		return nil, err
	}
	c.tell(&wire.EventT{What: wire.HappeningRecovered, Sequence: head, Count: head - min(head, onDisk)})
	return c.begin(job, log, table, clock, persisted, saved, t.entries), nil
}

// wholeUpTo returns the sequence number behind which the first hosted call is void; 0 when none is. Who holds all objects and has come
// further holds what that call did.
func wholeUpTo(entries []tailEntry) uint64 {
	for _, e := range entries {
		if e.stream == stream.Void {
			return e.first - 1
		}
	}
	return 0
}

// consecutive tells what is wrong with a tail whose entries do not follow one another up to its end; nil is fine.
func (t *tail) consecutive() error {
	if t == nil || len(t.entries) == 0 {
		return nil
	}
	next := t.entries[0].first
	for _, e := range t.entries {
		if e.first != next {
			return fmt.Errorf("%w: a tail without what lies before sequence number %d", comm.ErrProtocol, e.first)
		}
		next = e.last() + 1
	}
	if next != t.end.Sequence+1 {
		return fmt.Errorf("%w: a tail up to %d that ends at %d", comm.ErrProtocol, t.end.Sequence, next-1)
	}
	return nil
}

// bridge takes what a worker remembers behind the table's head into the table, and returns it as entries that follow one
// another: hosted calls, which a worker lacks, are void. An error says that calls of the replicated domain are missing; the table
// is as it was then.
func (c *Core) bridge(table *order.Table, t *tail, clock *int64) ([]tailEntry, error) {
	var entries []tailEntry
	to, f := table.Clone(), folded{clock: *clock}
	void := func(next uint64) {
		if next <= to.Head+1 { // it follows, or the disk reaches further
			return
		}
		e := tailEntry{first: to.Head + 1, stream: stream.Void, request: to.Sessions[stream.Void] + 1, count: uint32(next - to.Head - 1)}
		e.frame = comm.VoidBatch(e.request, e.first, e.count, c.ready.job.Epoch, f.clock)
		_ = to.Replay(e.stream, e.request, e.count, e.first) // it is the next
		entries = append(entries, e)
	}
	if t.from > to.Head+1 && t.end.Sequence > to.Head {
		return nil, fmt.Errorf("workers remember what follows sequence number %d, all else ends at %d", t.from-1, to.Head)
	}
	for _, e := range t.entries {
		if e.last() <= to.Head {
			continue
		}
		if e.first <= to.Head || e.previous > to.Head {
			return nil, fmt.Errorf("%w: a tail without what lies between sequence numbers %d and %d", comm.ErrProtocol, to.Head, e.first)
		}
		void(e.first)
		b, err := comm.ParseBatch(e.frame[comm.HeaderSize:])
		if err == nil {
			err = f.add(b, &to)
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	void(t.end.Sequence + 1)
	*table, *clock = to, f.clock
	return entries, nil
}
