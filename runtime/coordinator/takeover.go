package coordinator

import (
	"errors"
	"fmt"

	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/comm/wire"
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

// goOn goes on with the job: from what a replica remembers, or, when tail is nil or does not help, from checkpoint and log.
// It is a task.
func (c *Core) goOn(t *tail) {
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
func (c *Core) rebuild(t *tail) (*order.Opened, error) {
	job, log, saved := c.ready.job, c.ready.log, c.ready.saved
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
	head := max(onDisk, table.Head)
	job.Epoch++
	job.Starts = append(job.Starts, statedir.Start{Epoch: job.Epoch, Base: head})
	job.Log = log.Bound()
	if err := c.dir.PutJob(job); err != nil {
		return nil, err
	}
	c.tell(&wire.EventT{What: wire.HappeningRecovered, Sequence: head, Count: head - min(head, onDisk)})
	return c.begin(job, log, table, clock, persisted, saved, t.entries), nil
}
