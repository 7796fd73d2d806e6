package coordinator

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/runtime/order"
)

// Accept takes what a state directory still holds for the state of its job, whatever its record says was there besides,
// and says what that is: the next run goes on from it. A missing record is rebuilt from checkpoint and log. The directory must not be in use.
// Nothing is changed where nothing is missing, and where what is left does not hang together.
func Accept(stateDir string, say func(line string)) (err error) {
	if _, _, err := statedir.Peek(stateDir); errors.Is(err, statedir.ErrNotStateDir) {
		return err
	}
	dir, err := statedir.Open(stateDir, statedir.Config{Incomplete: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Abandon()) }()
	job, recorded := dir.Job()
	newest, found, err := newestIn(dir, say)
	if err != nil {
		return err
	}
	parts, err := statedir.Parts(dir.Path())
	if err != nil {
		return err
	}
	cfg := wal.Config{First: newest.Seq + 1}
	switch {
	case len(parts) > 0:
		cfg.Bound.ID = job.Log.ID // what is left of the log is this job's
	case !found:
		return fmt.Errorf("state directory %s holds neither log nor checkpoint: there is nothing to accept; name another directory", dir.Path())
	}
	log, _, err := dir.OpenLog(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	table := order.Table{Head: newest.Seq, Sessions: newest.Sessions}
	f, err := survey(log, &table)
	if err != nil {
		return err
	}
	head, epoch := table.Head, f.epoch
	was := max(job.Checkpoint.Sequence, job.Log.Next, 1)
	if job.Log.ID == log.Bound().ID && job.Log.Next <= log.Next() && job.Checkpoint.Sequence <= head && max(epoch, newest.Epoch) <= job.Epoch {
		say(fmt.Sprintf("nothing is missing: job %s goes on at sequence number %d", job.Name, head))
		return nil
	}
	if !recorded {
		if job, err = f.rebuild(newest, filepath.Base(dir.Path()), say); err != nil {
			return err
		}
	}
	job.Epoch = max(job.Epoch, epoch, newest.Epoch)
	job.Log, job.Checkpoint = log.Bound(), boundOf(newest.Info)
	if err := dir.PutJob(job); err != nil {
		return err
	}
	text := fmt.Sprintf("job %s goes on at sequence number %d: checkpoint at %d, and %d mutations of the log", job.Name, head, newest.Seq, head-newest.Seq)
	switch {
	case was-1 > head:
		text += fmt.Sprintf("; %d mutations or more that were there are given up", was-1-head)
	case len(parts) == 0 && job.Status == statedir.Running: // a planned end has noted all there was
		text += "; what only the log had is given up"
	}
	say(text)
	return nil
}

// A newest checkpoint and what it says of itself.
type newest struct {
	snapshot.Info
	snapshot.Meta
	Seq   uint64
	Epoch uint64
	Run   uint64
}

// newestIn describes the newest checkpoint that verifies; found is false when there is none.
func newestIn(dir *statedir.Dir, say func(string)) (n newest, found bool, err error) {
	r, err := dir.Store().Newest(func(path string, err error) { say(fmt.Sprintf("checkpoint %s cannot be used: %v", path, err)) })
	if errors.Is(err, snapshot.ErrNone) {
		return n, false, nil
	}
	if err != nil {
		return n, false, err
	}
	n = newest{Info: r.Info(), Meta: r.Meta(), Seq: r.Info().Seq, Epoch: r.Info().Epoch, Run: r.Info().Run}
	return n, true, r.Close()
}

// survey folds the log behind the table into it.
func survey(log *wal.Log, table *order.Table) (f folded, err error) {
	switch base := table.Head; {
	case log.Next() <= base+1:
		return f, nil
	case log.First() > base+1:
		return f, fmt.Errorf("the log begins at sequence number %d, and the newest usable checkpoint ends at %d: what lies between is lost, and nothing can go on from here; see what is left with 'dsss checkpoint ls'", log.First(), base)
	}
	err = f.read(log, table, func(comm.Batch) error { return nil })
	return f, err
}

// rebuild makes the record of a job from what the order itself says: the last Start in the log, or the one in the checkpoint. name is
// the job's where no checkpoint says it.
func (f *folded) rebuild(newest newest, name string, say func(string)) (job statedir.Job, err error) {
	job = statedir.Job{Name: cmp.Or(newest.Job, name), Run: newest.Run, Status: statedir.Interrupted, Omitted: f.omitted}
	start := f.start
	if start == nil && len(newest.Record) > 0 {
		if start, err = comm.ParseControl(newest.Record); err != nil {
			return job, fmt.Errorf("the checkpoint's record of the job: %w", err)
		}
	}
	if start == nil {
		say("the record is rebuilt, but nothing is known any more of the program")
		return job, nil
	}
	job.Program, job.Build, job.Run, job.Classes, job.Durability = start.Program, start.Build, start.Run, classesOf(start.Classes), start.Durability
	for _, e := range start.Starts {
		job.Starts = append(job.Starts, statedir.Start{Epoch: e.Epoch, Base: e.Base})
		job.Epoch = max(job.Epoch, e.Epoch)
	}
	say("the record is rebuilt from checkpoint and log")
	return job, nil
}
