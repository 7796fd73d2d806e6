package coordinator

import (
	"fmt"
	"time"

	"dsss/checkpoint"
	"dsss/comm"
	"dsss/comm/wire"
)

// A donation is a checkpoint that a worker sends, because neither log nor checkpoints let a new keeper get up: the
// worker's replica is all that is left. It arrives as its position, its objects with their pieces, and its position
// again. It belongs to the reader of the worker's connection.
type donation struct {
	w       *checkpoint.Writer // nil before the first frame
	seq     uint64
	classes map[string]uint64 // fingerprints by name
	began   time.Time
}

// askForStateLocked asks the worker that has come furthest for its state, unless one was asked already.
func (c *coordinator) askForStateLocked() {
	if c.donor != nil && c.subs[c.donor] {
		return
	}
	c.donor = nil
	for s := range c.subs {
		if s.role == wire.RoleWorker && (c.donor == nil || s.applied.Load() > c.donor.applied.Load()) {
			c.donor = s
		}
	}
	if c.donor != nil {
		c.donor.post(comm.Frame(comm.KindSave, &wire.SaveT{Want: wire.WantState}))
	}
}

// donate takes a frame of the state that s was asked for.
func (c *coordinator) donate(s *subscriber, kind comm.Kind, body []byte) error {
	c.mu.Lock()
	asked := c.donor == s
	job := c.job
	c.mu.Unlock()
	if !asked {
		return fmt.Errorf("%w: %v from a replica that was not asked for its state", comm.ErrProtocol, kind)
	}
	d := s.donation
	if d == nil {
		d = &donation{classes: map[string]uint64{}, began: time.Now()}
		for _, k := range job.Classes {
			d.classes[k.Name] = k.Fingerprint
		}
		s.donation = d
	}
	done, err := d.take(kind, body, c.dir.CheckpointDir(), job)
	if err != nil || done {
		s.donation = nil
		if err != nil && d.w != nil {
			d.w.Abort()
		}
		c.mu.Lock()
		c.donor = nil
		if err == nil {
			c.saves.last = max(c.saves.last, d.seq)
			c.saves.written++
		}
		c.mu.Unlock()
	}
	return err
}

// take takes one frame; done when the checkpoint is written.
func (d *donation) take(kind comm.Kind, body []byte, dir string, job checkpoint.Job) (done bool, err error) {
	switch {
	case kind == comm.KindStateEnd && d.w == nil:
		m, err := comm.ParseStateEnd(body)
		if err != nil {
			return false, err
		}
		meta := checkpoint.Meta{Seq: m.Sequence, Epoch: job.Epoch, Run: job.Run, Job: job.Name, Time: d.began, Sessions: map[uint64]uint64{}}
		for _, s := range m.Sessions {
			meta.Sessions[s.Id] = s.Request
		}
		d.seq = m.Sequence
		d.w, err = checkpoint.Create(dir, meta)
		return false, err
	case d.w == nil:
		return false, fmt.Errorf("%w: %v before a state's position", comm.ErrProtocol, kind)
	case kind == comm.KindStateEnd:
		_, err := d.w.Commit()
		return err == nil, err
	case kind == comm.KindStateObject:
		m, err := comm.ParseStateObject(body)
		if err != nil {
			return false, err
		}
		return false, d.w.BeginObject(checkpoint.Object{ID: m.Id, Name: m.Name, Class: m.Class, Fingerprint: d.classes[m.Class]})
	}
	data, err := comm.StateChunkData(body)
	if err != nil {
		return false, err
	}
	return false, d.w.Chunk(data)
}
