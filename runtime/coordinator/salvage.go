package coordinator

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
)

// Accept takes what a state directory still holds for the state of its job, whatever its record says was there besides,
// and says what that is: the next run goes on from it. A missing record is made anew. The directory must not be in use.
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
	newest, name, err := newestIn(dir, say)
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
	case newest.Path == "":
		return fmt.Errorf("state directory %s holds neither log nor checkpoint: there is nothing to accept; name another directory", dir.Path())
	}
	log, _, err := dir.OpenLog(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	head, epoch, err := survey(log, newest.Seq)
	if err != nil {
		return err
	}
	was := max(job.Checkpoint.Sequence, job.Log.Next, 1)
	if job.Log.ID == log.Bound().ID && job.Log.Next <= log.Next() && job.Checkpoint.Sequence <= head && max(epoch, newest.Epoch) <= job.Epoch {
		say(fmt.Sprintf("nothing is missing: job %s goes on at sequence number %d", job.Name, head))
		return nil
	}
	if !recorded {
		say("the record is made anew: nothing is known any more of the program, and mutations that panicked are tried again")
		job = statedir.Job{Name: cmp.Or(name, filepath.Base(dir.Path())), Run: newest.Run, Status: statedir.Interrupted}
	}
	job.Epoch = max(job.Epoch, epoch, newest.Epoch)
	job.Log, job.Checkpoint = log.Bound(), boundOf(newest)
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

// newestIn describes the newest checkpoint that verifies, the zero Info when there is none, and names its job.
func newestIn(dir *statedir.Dir, say func(string)) (snapshot.Info, string, error) {
	r, err := dir.Store().Newest(func(path string, err error) { say(fmt.Sprintf("checkpoint %s cannot be used: %v", path, err)) })
	if errors.Is(err, snapshot.ErrNone) {
		return snapshot.Info{}, "", nil
	}
	if err != nil {
		return snapshot.Info{}, "", err
	}
	return r.Info(), r.Meta().Job, r.Close()
}

// survey reads the log behind base: up to where mutations go on from there, and the last epoch that ordered any.
func survey(log *wal.Log, base uint64) (head, epoch uint64, err error) {
	head = max(base, log.Next()-1)
	switch {
	case head == base:
		return head, 0, nil
	case log.First() > base+1:
		return 0, 0, fmt.Errorf("the log begins at sequence number %d, and the newest usable checkpoint ends at %d: what lies between is lost, and nothing can go on from here; see what is left with 'dsss checkpoint ls'", log.First(), base)
	}
	r, err := log.Read(base + 1)
	if err != nil {
		return 0, 0, err
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return head, epoch, nil
		}
		if err != nil {
			return 0, 0, err
		}
		b, err := batchOf(rec.Data)
		if err != nil {
			return 0, 0, fmt.Errorf("log record at sequence number %d: %w", rec.First, err)
		}
		epoch = max(epoch, b.Epoch)
	}
}
