// Package keeper turns a replica into checkpoints. The keeper is the user's own program, started once more beside the
// coordinator: it follows the order like any worker, submits nothing, and writes a checkpoint when asked, so that no
// worker pauses for one. While it encodes its replica it applies nothing; what is ordered meanwhile waits for it in the log.
package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/comm/wire"
	"dsss/runtime/replica"
	"dsss/runtime/session"
)

// A request is a checkpoint that is wanted at the place where the replica stands. done is closed when it has been read.
type request struct {
	save *wire.SaveT
	done chan struct{}
}

// requests is how many may wait: the coordinator asks for one at a time, and again after a reconnect.
const requests = 4

// Run joins as the keeper and works until the job ends. It returns nil when the coordinator said that all is well.
// stateDir is the job's state directory, as this process reaches it.
func Run(ctx context.Context, cfg session.Config, stateDir string) error {
	wanted := make(chan request, requests)
	cfg.Hello.Role = wire.RoleKeeper
	cfg.Hello.Rank = -1
	cfg.OnSave = func(m *wire.SaveT) <-chan struct{} {
		r := request{m, make(chan struct{})}
		select {
		case wanted <- r:
		default: // the coordinator has given up those that wait; it will ask again
			close(r.done)
		}
		return r.done
	}
	store, release, err := statedir.HoldStore(stateDir)
	if err != nil {
		return err
	}
	defer release()
	s, err := session.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	k := &Keeper{Session: s, Store: store, Job: cfg.Hello.Job, Now: time.Now}
	for {
		select {
		case r := <-wanted:
			s.Saved(k.Save(r.save, func() { close(r.done) }))
		case <-s.Ended():
			if err := s.Err(); !errors.Is(err, session.ErrClosed) {
				return err
			}
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// A Keeper writes checkpoints of its session's replica.
type Keeper struct {
	Session *session.Session
	Store   snapshot.Store
	Job     string // its name
	Now     func() time.Time
}

// Save writes one checkpoint of the replica as it is now, as m wants it, and reports on it. It calls read, once, when it
// needs the replica no more.
func (k *Keeper) Save(m *wire.SaveT, read func()) *wire.SavedT {
	began, id := k.Now(), m.Id
	info, err := k.write(m, read)
	if err != nil {
		text := fmt.Sprintf("writing a checkpoint in %s: %v", k.Store.Dir, err)
		if errors.Is(err, unix.ENOSPC) {
			text = fmt.Sprintf("no space left for a checkpoint in %s: free some; the last one stays valid (%v)", k.Store.Dir, err)
		}
		return &wire.SavedT{Id: id, Error: text}
	}
	return &wire.SavedT{Id: id, Sequence: info.Seq, Path: info.Path, Bytes: uint64(info.Bytes), Nanos: uint64(k.Now().Sub(began))}
}

func (k *Keeper) write(m *wire.SaveT, read func()) (snapshot.Info, error) {
	sink := &fileSink{k: k}
	digest := &replica.Digester{First: int(m.First), Pieces: int(m.Pieces), Hosted: m.Hosted, To: sink}
	err := k.Session.Replica().Save(digest)
	read() // what is left to do needs the file alone
	if err != nil {
		if sink.w != nil {
			sink.w.Abort()
		}
		return snapshot.Info{}, err
	}
	if digest.Pieces > 0 {
		k.Session.SendDigest(m.Id, sink.seq, digest)
	}
	return sink.w.Commit()
}

// fileSink writes a replica's state into a checkpoint file.
type fileSink struct {
	k   *Keeper
	w   *snapshot.Writer
	seq uint64
}

func (f *fileSink) Begin(end replica.ItemEnd) error {
	f.seq = end.Sequence
	welcome := f.k.Session.Welcome()
	w, err := f.k.Store.Create(snapshot.Meta{
		Seq: end.Sequence, Epoch: welcome.Epoch, Run: welcome.Run, Job: f.k.Job, Time: later(f.k.Now(), end.Nanos), Sessions: end.Sessions, Log: welcome.Log,
		Ended: end.Ended, Record: end.Record,
	})
	f.w = w
	return err
}

// later is when a state is current that was ordered last at nanos of the coordinator's clock, which may be ahead of ours: a
// resumed job's clock goes on from it.
func later(now time.Time, nanos int64) time.Time {
	if last := time.Unix(0, nanos); last.After(now) {
		return last
	}
	return now
}

func (f *fileSink) Object(o *replica.Object) error {
	return f.w.BeginObject(snapshot.Object{ID: o.ID, Name: o.Name, Class: o.Class.Name, Fingerprint: o.Class.Fingerprint(), Schema: o.Class.Schema, Hosted: o.Hosted})
}

func (f *fileSink) Piece(data []byte) error { return f.w.Chunk(data) }
