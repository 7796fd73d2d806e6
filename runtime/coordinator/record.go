package coordinator

import (
	"fmt"
	"slices"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
)

// This file is about job.json: it says what log and checkpoints hold at least, so that one that is missing, or older, is
// told from a crash. It says so only of what is on disk already.

// record changes what the state directory notes of the job, notes how far the log on disk reaches, and returns when that
// is on disk. It waits for the disk. Tasks call it, and Shutdown, one after the other.
func (c *Core) record(change func(*statedir.Job)) error {
	c.mu.Lock()
	change(&c.job)
	c.job.Log = c.log.Bound()
	job := c.job
	c.mu.Unlock()
	return c.dir.PutJob(job)
}

// recordSaved notes a checkpoint that the keeper has written and verified.
func (c *Core) recordSaved(seq uint64) error {
	kept, err := c.dir.Store().List()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(kept, func(k snapshot.Info) bool { return k.Seq == seq })
	if i < 0 {
		return fmt.Errorf("the checkpoint at sequence number %d is gone", seq)
	}
	return c.record(func(j *statedir.Job) { j.Checkpoint = boundOf(kept[i]) })
}

func boundOf(i snapshot.Info) statedir.CheckpointBound {
	return statedir.CheckpointBound{Sequence: i.Seq, Sum: i.Sum}
}

// recordFull notes how far the log reaches when a segment of it has become full. The clock calls it, so whoever waits for
// the disk does not wait for this.
func (c *Core) recordFull() {
	if !c.opened.Load() || !c.ports.Sure() {
		return
	}
	c.mu.Lock()
	noted := c.job.Log.Next
	c.mu.Unlock()
	if c.log.Rolled() <= noted {
		return
	}
	if err := c.record(func(*statedir.Job) {}); err != nil {
		c.cfg.Log.Error("noting how far the log reaches; trying again", "cause", err)
	}
}

// complete compares what a state directory holds with what its record says. newest is the newest checkpoint that
// verifies, which belongs to the log of number of; the zero Info when there is none.
func (c *Core) complete(job statedir.Job, newest snapshot.Info, of uint64, log *wal.Log) error {
	dir, noted := c.cfg.StateDir, job.Checkpoint
	switch reached := max(newest.Seq, log.Next()-1); {
	case newest.Epoch > job.Epoch:
		return statedir.Incomplete(dir, "its checkpoint at sequence number %d is of epoch %d, job.json knows of %d epochs: it is older", newest.Seq, newest.Epoch, job.Epoch)
	case newest.Seq > 0 && of != job.Log.ID && boundOf(newest) != noted: // but for one that a person has accepted
		return statedir.Incomplete(dir, "its checkpoint at sequence number %d is of another job", newest.Seq)
	case newest.Seq == noted.Sequence && newest.Sum != noted.Sum:
		return statedir.Incomplete(dir, "its checkpoint at sequence number %d is another than was written there", newest.Seq)
	case reached < noted.Sequence:
		return statedir.Incomplete(dir, "its checkpoint at sequence number %d is missing, the others and the log end at %d", noted.Sequence, reached)
	case newest.Seq < noted.Sequence:
		c.warn(fmt.Sprintf("checkpoint at sequence number %d is missing or cannot be used; the log has what it held", noted.Sequence))
	}
	return nil
}

// checkPlace looks whether the state directory is still where it was. Under durability sync a job whose directory is gone
// ends, because what it acknowledges would be lost; else that is said.
func (c *Core) checkPlace() {
	err := c.dir.Check()
	switch {
	case err == nil:
		c.moved = false
	case c.cfg.Durability == Sync:
		c.fail(err)
	case !c.moved:
		c.moved = true
		c.warn(err.Error())
	}
}
