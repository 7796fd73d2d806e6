package coordinator

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/vfs"
	"dsss/runtime/order"
)

// A transfer is a checkpoint that a worker sends: because neither log nor checkpoints let a new keeper get up and the
// worker's replica is all that is left, or because its replica has diverged. It arrives as its position, its objects with
// their pieces, and its position again.
type transfer struct {
	session uint64
	store   snapshot.Store    // where the file goes
	w       *snapshot.Writer  // nil before the first frame
	classes map[string]uint64 // fingerprints by name
	whole   bool              // it becomes a checkpoint, and comes from a worker: there must be no hosted objects
}

// take has a peer's state taken. mu is held.
func (c *Core) take(e *order.Effect) {
	p := c.peers[e.Peer]
	if p == nil {
		return
	}
	t := &transfer{session: e.Session, store: c.dir.Store(), whole: !e.Audit && !p.all}
	if e.Audit {
		t.store.Dir = c.keptDir(int32(e.Count))
	}
	p.transfer = t
	p.asked.Store(true)
	c.room.Broadcast() // its batches before the state have room
}

// keptDir is where the states of a divergence of a rank, or of the host, are kept.
func (c *Core) keptDir(rank int32) string {
	name := fmt.Sprintf("rank-%04d", rank)
	if rank == order.Host {
		name = "host"
	}
	return filepath.Join(c.cfg.StateDir, "diverged", name)
}

// takeState takes a frame of a state.
func (p *Peer) takeState(kind comm.Kind, body []byte) error {
	c := p.c
	c.mu.Lock()
	t, job := p.transfer, c.job
	c.mu.Unlock()
	if t == nil {
		return fmt.Errorf("%w: %v from a replica that was not asked for its state", comm.ErrProtocol, kind)
	}
	info, done, err := t.add(kind, body, job, c.ports.Now())
	if err == nil && !done {
		return nil
	}
	if err != nil {
		t.abort()
	}
	if done {
		err = c.snapshots.forget()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p.transfer = nil
	p.asked.Store(false)
	if done {
		c.handleLocked(order.Event{Kind: order.Arrived, Session: t.session, Sequence: info.Seq, Reason: info.Path, Held: c.held()})
		c.disk.poke() // which may have waited for it
	}
	return err
}

// abort gives up what has been written.
func (t *transfer) abort() {
	if t.w != nil {
		t.w.Abort()
	}
}

// add takes one frame; done when the checkpoint is written.
func (t *transfer) add(kind comm.Kind, body []byte, job statedir.Job, now time.Time) (info snapshot.Info, done bool, err error) {
	switch {
	case kind == comm.KindStateEnd && t.w == nil:
		return info, false, t.begin(body, job, now)
	case t.w == nil:
		return info, false, fmt.Errorf("%w: %v before a state's position", comm.ErrProtocol, kind)
	case kind == comm.KindStateEnd:
		info, err := t.w.Commit()
		return info, err == nil, err
	case kind == comm.KindStateObject:
		m, err := comm.ParseStateObject(body)
		if err != nil {
			return info, false, err
		}
		if m.Hosted && t.whole {
			return info, false, fmt.Errorf("%w: a worker's state, which lacks hosted object %s", comm.ErrProtocol, m.Name)
		}
		return info, false, t.w.BeginObject(snapshot.Object{ID: m.Id, Name: m.Name, Class: m.Class, Fingerprint: t.classes[m.Class], Hosted: m.Hosted})
	}
	data, err := comm.StateChunkData(body)
	if err != nil {
		return info, false, err
	}
	return info, false, t.w.Chunk(data)
}

// begin opens the file for a state at the position in body.
func (t *transfer) begin(body []byte, job statedir.Job, now time.Time) error {
	m, err := comm.ParseStateEnd(body)
	if err != nil {
		return err
	}
	t.classes = map[string]uint64{}
	for _, k := range job.Classes {
		t.classes[k.Name] = k.Fingerprint
	}
	meta := metaOf(m)
	meta.Epoch, meta.Run, meta.Job, meta.Log, meta.Time = job.Epoch, job.Run, job.Name, job.Log.ID, now
	t.w, err = t.store.Create(meta)
	return err
}

// metaOf is what a state's position says of the checkpoint that it becomes.
func metaOf(m *wire.StateEndT) snapshot.Meta {
	meta := snapshot.Meta{Seq: m.Sequence, Record: m.Record}
	meta.Sessions, meta.Ended = comm.Tables(m)
	return meta
}

// positionOf is the reverse.
func positionOf(meta snapshot.Meta) *wire.StateEndT {
	end := &wire.StateEndT{Sequence: meta.Seq, Time: meta.Time.UnixNano(), Record: meta.Record}
	comm.PutTables(end, meta.Sessions, meta.Ended)
	return end
}

// tableOf is the table at a state's position.
func tableOf(m *wire.StateEndT) order.Table {
	sessions, ended := comm.Tables(m)
	return order.Table{Head: m.Sequence, Sessions: sessions, Ended: ended}
}

// sendState sends the newest checkpoint to a replica that has nothing. What follows it in the log is not trimmed meanwhile,
// because p is already a cursor there. The writer calls it.
func (c *Core) sendState(p *Peer) error {
	began := time.Now()
	r, err := c.newestCheckpoint()
	if err != nil {
		return err
	}
	if r == nil {
		return c.fits(0)
	}
	defer r.release() // it was only read
	meta := r.Meta()
	if err := c.fits(meta.Seq); err != nil {
		return err
	}
	for _, o := range r.Objects() {
		if err := p.conn.Send(comm.KindStateObject, &wire.StateObjectT{Id: o.ID, Name: o.Name, Class: o.Class, Hosted: o.Hosted}); err != nil {
			return err
		}
		if o.Hosted && !p.all {
			continue
		}
		for piece, err := range r.Chunks(o.ID) {
			if err == nil {
				err = p.conn.SendChunk(piece)
			}
			if err != nil {
				return err
			}
		}
	}
	p.cursor.Seek(meta.Seq + 1)
	end := positionOf(meta)
	end.Session = p.session
	c.cfg.Log.Info("sent state", "rank", p.rank, "sequence", meta.Seq, "took", time.Since(began))
	return p.conn.Send(comm.KindStateEnd, end)
}

// fits tells whether the log goes on behind the newest checkpoint that verifies. It may be an older one than was thought:
// then another is asked for, if need be, before any is sent.
func (c *Core) fits(seq uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.held()
	fits := seq > 0 && held.Has(seq+1)
	c.handleLocked(order.Event{Kind: order.Unsaved, Sequence: seq, Clean: fits})
	if fits {
		return nil
	}
	return fmt.Errorf("the newest usable checkpoint is at sequence number %d, and the log no longer holds what follows: another is being written", seq)
}

// note records a checkpoint that the keeper has written and verified, and removes what it makes superfluous: it is noted
// before that goes.
func (c *Core) note(report *wire.SavedT, keep bool) {
	err := c.snapshots.forget() // before anybody is sent an older one
	c.pace.observe(time.Duration(min(report.Nanos, 1<<63-1)))
	c.disk.poke() // which may have waited for it
	if err == nil {
		err = c.recordSaved(report.Sequence)
	}
	if err == nil && !keep {
		err = c.prune()
	}
	if err != nil {
		c.warn(fmt.Sprintf("noting the newest checkpoint, or removing what it made superfluous: %v", err))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.short = true
	c.handleLocked(order.Event{Kind: order.Noted})
}

// prune keeps the last Keep checkpoints, and of the log what follows the oldest of them.
func (c *Core) prune() error {
	if err := c.dir.Store().Retain(c.cfg.Keep); err != nil {
		return err
	}
	kept, err := c.dir.Store().List()
	if err != nil || len(kept) == 0 {
		return err
	}
	oldest := kept[len(kept)-1].Seq
	if oldest+1 > c.disk.next.Load() {
		return nil // the log on disk is behind the checkpoint and goes on where it is
	}
	return c.log.TruncateBefore(oldest + 1)
}

// hold keeps the keeper's state beside the one that differs from it, and tells. Its Detail is the two files, in which the
// launcher finds the field that differs.
func (c *Core) hold(d *order.Divergence) {
	if d.Evidence != "" && d.Reference != "" {
		to := filepath.Join(filepath.Dir(d.Evidence), "keeper", filepath.Base(d.Reference))
		if err := c.copyFile(d.Reference, to); err != nil {
			c.warn(fmt.Sprintf("keeping the keeper's state beside the one that differs: %v", err))
		} else {
			d.Event.Detail = d.Evidence + "\n" + to
			d.Event.Text += fmt.Sprintf(", the keeper's in %s", to)
		}
	}
	c.tell(d.Event)
}

// copyFile copies a file, which is whole or not there.
func (c *Core) copyFile(from, to string) error {
	fsys := c.ports.FS
	if fsys == nil {
		fsys = vfs.OS
	}
	src, err := fsys.OpenFile(from, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer src.Close()
	size, err := src.Size()
	if err != nil {
		return err
	}
	if err := fsys.Mkdir(filepath.Dir(to)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := vfs.NewDraft(fsys, to, to+vfs.TmpSuffix, nil, func(dst vfs.File) error {
		buf := make([]byte, limits.Piece)
		for at := int64(0); at < size; at += int64(len(buf)) {
			part := buf[:min(int64(len(buf)), size-at)]
			if n, err := src.ReadAt(part, at); n < len(part) {
				return err
			}
			if _, err := dst.WriteAt(part, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.Commit()
}
