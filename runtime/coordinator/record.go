package coordinator

import (
	"fmt"

	"dsss/checkpoint"
	"dsss/comm"
	"dsss/comm/wire"
)

// record changes what the state directory notes of the job, and returns when that is on disk.
func (c *coordinator) record(change func(*checkpoint.Job)) error {
	c.recording.Lock() // so that what is written last is what was changed last
	defer c.recording.Unlock()
	c.mu.Lock()
	change(&c.job)
	job := c.job
	c.mu.Unlock()
	return c.dir.PutJob(job)
}

// mark records how the job ended.
func (c *coordinator) mark(status checkpoint.Status) error {
	return c.record(func(j *checkpoint.Job) { j.Status = status })
}

// reach records that checkpoints and log lead to seq, both on disk: a later run that finds less is refused.
func (c *coordinator) reach(seq uint64) {
	c.mu.Lock()
	known := seq <= c.job.Reached
	c.mu.Unlock()
	if known {
		return
	}
	if err := c.record(func(j *checkpoint.Job) { j.Reached = max(j.Reached, seq) }); err != nil {
		c.event(&wire.EventT{What: wire.HappeningWarned, Text: fmt.Sprintf("noting in the state directory how far it leads: %v", err)})
	}
}

// reached tells whether log and checkpoints, which lead to head, are all that the record knows of.
func (c *coordinator) reached(job checkpoint.Job, head uint64, found checkpoint.Recovery) error {
	foreign := ""
	if found.Foreign != "" {
		foreign = fmt.Sprintf(" (log/%s is no file of this log)", found.Foreign)
	}
	switch {
	case head < job.Reached:
		return fmt.Errorf("log and checkpoints lead to sequence number %d, job.json knows that they led to %d%s: files are missing or older than it; %s", head, job.Reached, foreign, putBack)
	case found.Tag > job.Epoch:
		return fmt.Errorf("the log was written in epoch %d, job.json knows of %d epochs: it is older than the log; %s", found.Tag, job.Epoch, putBack)
	case head == 0 && foreign != "":
		return fmt.Errorf("nothing of a log was found%s: it is of another version of DSSS, or another program's; %s", foreign, putBack)
	}
	return nil
}

// putBack is the next step when a part of the state directory is not what it was.
const putBack = "put back a copy of the directory as it was at one moment, or name another directory"

// void records that the mutation at seq panicked: later runs leave it out. The log says so too, for a record that is
// older than it.
func (c *coordinator) void(seq uint64) error {
	if err := logVoid(c.log, seq); err != nil {
		return c.disk.explain(err)
	}
	return c.record(func(j *checkpoint.Job) {
		j.Voids = withVoid(j.Voids, seq)
		j.Status = checkpoint.Failed
	})
}

// logVoid has the log say, durably, that the mutation at seq is left out.
func logVoid(log *checkpoint.Log, seq uint64) error {
	note := comm.Frame(comm.KindPanic, &wire.PanicT{Sequence: seq})
	if err := log.Append([]checkpoint.Record{{First: log.Next(), Data: note}}); err != nil {
		return err
	}
	return log.Sync()
}

// voidOf reads a control record of the log; 0 when it is of another kind.
func voidOf(frame []byte) (uint64, error) {
	if len(frame) < comm.HeaderSize {
		return 0, fmt.Errorf("%w: frame of %d bytes", comm.ErrProtocol, len(frame))
	}
	m, err := comm.ParsePanic(frame[comm.HeaderSize:])
	if err != nil {
		return 0, err
	}
	return m.Sequence, nil
}

// checkPlace looks whether the state directory is still where it was. Under durability sync a job whose directory is gone
// ends, because what it acknowledges would be lost; else that is said.
func (c *coordinator) checkPlace() {
	if !c.opened.Load() {
		return
	}
	err := c.dir.Check()
	switch {
	case err == nil:
		c.moved = false
	case c.cfg.Durability == Disk:
		c.fail(err)
	case !c.moved:
		c.moved = true
		c.event(&wire.EventT{What: wire.HappeningWarned, Text: err.Error()})
	}
}

// placed is the error of a job that ends in a state directory that is not where its path leads.
func (c *coordinator) placed() error {
	c.mu.Lock()
	abandoned := abandons(c.stopping)
	c.mu.Unlock()
	if abandoned {
		return nil
	}
	return c.dir.Check()
}
