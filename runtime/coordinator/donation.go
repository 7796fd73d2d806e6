package coordinator

import (
	"fmt"
	"time"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/comm/wire"
)

// A donation is a checkpoint that a worker sends: because neither log nor checkpoints let a new keeper get up and the
// worker's replica is all that is left, or as evidence that its replica has diverged. It arrives as its position, its
// objects with their pieces, and its position again.
//
// Whoever asks for it puts it into its subscriber's ask under mu; from the first frame on it belongs to the reader of
// the worker's connection.
type donation struct {
	store   snapshot.Store           // where the file goes
	then    func(info snapshot.Info) // called once it is written
	w       *snapshot.Writer         // nil before the first frame
	classes map[string]uint64        // fingerprints by name
}

// askForStateLocked asks the worker that has come furthest for its state, unless one was asked already.
func (c *coordinator) askForStateLocked() {
	if c.donor != nil && c.subs[c.donor] {
		return
	}
	c.donor = nil
	for s := range c.subs {
		if s.role != wire.RoleWorker || s.ask != nil {
			continue
		}
		if d := c.donor; d == nil || s.applied.Load() > d.applied.Load() || s.applied.Load() == d.applied.Load() && s.rank < d.rank {
			c.donor = s
		}
	}
	if c.donor == nil {
		return
	}
	c.donor.awaitLocked(&donation{store: c.dir.Store(), then: func(info snapshot.Info) {
		_ = c.snapshots.forget() // it was only read
		c.mu.Lock()
		defer c.mu.Unlock()
		c.donor = nil
		c.saves.last, c.saves.sure = max(c.saves.last, info.Seq), max(c.saves.sure, info.Seq)
		c.disk.poke() // which may have waited for it
		c.saves.written++
	}})
	c.donor.post(comm.Frame(comm.KindSave, &wire.SaveT{Want: wire.WantState}))
}

// awaitLocked lets s send its state, which d takes.
func (s *subscriber) awaitLocked(d *donation) {
	s.ask = d
	s.asked.Store(true)
	s.c.room.Broadcast() // its batches before the state have room
}

// donate takes a frame of the state that s was asked for.
func (c *coordinator) donate(s *subscriber, kind comm.Kind, body []byte) error {
	c.mu.Lock()
	d, job := s.ask, c.job
	c.mu.Unlock()
	if d == nil {
		return fmt.Errorf("%w: %v from a replica that was not asked for its state", comm.ErrProtocol, kind)
	}
	info, done, err := d.take(kind, body, job)
	if err == nil && !done {
		return nil
	}
	if err != nil {
		d.abort()
	}
	c.mu.Lock()
	s.ask = nil
	s.asked.Store(false)
	c.mu.Unlock()
	if done {
		d.then(info)
	}
	return err
}

// abort gives up what has been written.
func (d *donation) abort() {
	if d.w != nil {
		d.w.Abort()
	}
}

// take takes one frame; done when the checkpoint is written.
func (d *donation) take(kind comm.Kind, body []byte, job statedir.Job) (info snapshot.Info, done bool, err error) {
	switch {
	case kind == comm.KindStateEnd && d.w == nil:
		return info, false, d.begin(body, job)
	case d.w == nil:
		return info, false, fmt.Errorf("%w: %v before a state's position", comm.ErrProtocol, kind)
	case kind == comm.KindStateEnd:
		info, err := d.w.Commit()
		return info, err == nil, err
	case kind == comm.KindStateObject:
		m, err := comm.ParseStateObject(body)
		if err != nil {
			return info, false, err
		}
		return info, false, d.w.BeginObject(snapshot.Object{ID: m.Id, Name: m.Name, Class: m.Class, Fingerprint: d.classes[m.Class]})
	}
	data, err := comm.StateChunkData(body)
	if err != nil {
		return info, false, err
	}
	return info, false, d.w.Chunk(data)
}

// begin opens the file for a state at the position in body.
func (d *donation) begin(body []byte, job statedir.Job) error {
	m, err := comm.ParseStateEnd(body)
	if err != nil {
		return err
	}
	d.classes = map[string]uint64{}
	for _, k := range job.Classes {
		d.classes[k.Name] = k.Fingerprint
	}
	meta := snapshot.Meta{Seq: m.Sequence, Epoch: job.Epoch, Run: job.Run, Job: job.Name, Time: time.Now(), Sessions: map[uint64]uint64{}, Log: job.Log.ID}
	for _, s := range m.Sessions {
		meta.Sessions[s.Id] = s.Request
	}
	d.w, err = d.store.Create(meta)
	return err
}
