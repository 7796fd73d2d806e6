package coordinator

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"

	"dsss/checkpoint/snapshot"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/inspect"
	"dsss/internal/limits"
)

// An audit compares one worker's state with the keeper's. With every checkpoint the next worker in turn digests a window
// of its state at the checkpoint's mark, and the keeper does so on the way to the file. If the two differ, the next mark
// is for evidence: the keeper writes a checkpoint and the worker sends its state, both of which stand at that mark; the
// first difference between them is named, and the worker is quarantined. Guarded by mu.
type audit struct {
	rank    int32  // of the worker audited last
	first   uint32 // pieces to pass over next time
	id      uint64 // of the mark at which subject digests
	subject *subscriber
	workers *wire.DigestT // what subject said; nil: nothing yet
	keepers *wire.DigestT

	suspect   *subscriber    // whose digest was wrong; nil: nobody
	wrong     uint64         // the first object of which it was wrong
	evidence  *snapshot.Info // its state
	reference *snapshot.Info // the keeper's, at the same mark
}

// auditLocked has somebody digest at the round's mark, or send the evidence that is wanted.
func (c *coordinator) auditLocked(round *saveRound, save *wire.SaveT) {
	a := &c.audit
	if s := round.suspect; s != nil {
		if c.subs[s] {
			s.awaitLocked(&donation{store: c.evidenceOf(s), then: func(info snapshot.Info) {
				c.mu.Lock()
				defer c.mu.Unlock()
				a.evidence = &info
				c.judgeLocked()
			}})
			s.post(comm.Frame(comm.KindSave, &wire.SaveT{Id: round.id, Want: wire.WantState}))
		}
		return
	}
	if a.suspect != nil {
		return // one at a time
	}
	a.subject, a.workers, a.keepers = nil, nil, nil
	var ranks []int32
	for rank := range c.ranks {
		if rank != keeperRank {
			ranks = append(ranks, rank)
		}
	}
	if len(ranks) == 0 {
		return
	}
	slices.Sort(ranks)
	i, _ := slices.BinarySearch(ranks, a.rank+1)
	a.rank = ranks[i%len(ranks)]
	a.subject, a.id = c.ranks[a.rank], round.id
	save.First, save.Pieces = a.first, limits.DigestPieces
	a.subject.post(comm.Frame(comm.KindSave, &wire.SaveT{Id: round.id, Want: wire.WantDigest, First: save.First, Pieces: save.Pieces}))
}

// evidenceOf is where the state of a suspect goes.
func (c *coordinator) evidenceOf(s *subscriber) snapshot.Store {
	store := c.dir.Store()
	store.Dir = filepath.Join(c.cfg.StateDir, "diverged", fmt.Sprintf("rank-%04d", s.rank))
	return store
}

// digested takes what a worker or the keeper found at a mark.
func (c *coordinator) digested(s *subscriber, m *wire.DigestT) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &c.audit
	switch {
	case a.subject == nil || m.Id != a.id:
		return // of an audit that was given up
	case s.role == wire.RoleKeeper:
		a.keepers = m
	case s == a.subject:
		a.workers = m
	}
	if a.workers == nil || a.keepers == nil {
		return
	}
	subject := a.subject
	a.subject = nil
	if a.workers.Sequence != a.keepers.Sequence {
		return // one of them lost its connection at the mark
	}
	wrong, differ := firstWrong(a.workers.Objects, a.keepers.Objects)
	if !differ {
		if a.first += limits.DigestPieces; len(a.keepers.Objects) == 0 {
			a.first = 0
		}
		return
	}
	a.suspect, a.wrong, a.evidence, a.reference = subject, wrong, nil, nil
	c.cfg.Log.Info("digests differ", "rank", subject.rank, "sequence", a.workers.Sequence, "object", wrong)
	if c.saves.active == nil {
		c.startLocked(&saveRound{suspect: subject})
		return
	}
	if c.saves.queued == nil {
		c.saves.queued = &saveRound{}
	}
	c.saves.queued.suspect = subject
}

// firstWrong names the first object of which two digests differ.
func firstWrong(a, b []*wire.ObjectDigestT) (object uint64, differ bool) {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return b[i].Object, true
		case i >= len(b) || *a[i] != *b[i]:
			return a[i].Object, true
		}
	}
	return 0, false
}

// judgeLocked names the difference once both states are there.
func (c *coordinator) judgeLocked() {
	a := &c.audit
	s, evidence, reference := a.suspect, a.evidence, a.reference
	if s == nil || evidence == nil || reference == nil {
		return
	}
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		c.condemn(s, evidence.Seq, difference(evidence.Path, reference.Path)+fmt.Sprintf("; its state is kept in %s", evidence.Path))
	}()
}

// suspectLost condemns a worker that went before it had sent its state.
func (c *coordinator) suspectLost(s *subscriber) {
	c.mu.Lock()
	a := &c.audit
	lost := a.suspect == s && a.evidence == nil
	var seq, wrong uint64
	if lost {
		seq, wrong = a.workers.Sequence, a.wrong
	}
	c.mu.Unlock()
	if lost {
		c.condemn(s, seq, fmt.Sprintf("object %d differs; it was gone before it could say more", wrong))
	}
}

// unprovenLocked puts out a worker whose digest was wrong though the keeper could not write its state down beside it.
func (c *coordinator) unprovenLocked(s *subscriber, why string) {
	a := &c.audit
	if a.suspect != s || a.workers == nil {
		return
	}
	seq, wrong := a.workers.Sequence, a.wrong
	a.suspect = nil
	c.wg.Go(func() {
		c.condemn(s, seq, fmt.Sprintf("object %d differs; more is not known: %s", wrong, why))
	})
}

// condemn quarantines a worker and tells Control, which knows what that means for the job.
func (c *coordinator) condemn(s *subscriber, seq uint64, how string) {
	text := fmt.Sprintf("rank %d (pid %d) has diverged from the job by sequence number %d: %s", s.rank, s.pid, seq, how)
	c.mu.Lock()
	c.quarantined[s.session] = true
	c.audit.suspect = nil
	c.mu.Unlock()
	c.event(&wire.EventT{What: wire.HappeningDiverged, Role: s.role, Rank: s.rank, Pid: s.pid, Incarnation: s.incarnation, Sequence: seq, Text: text})
	s.post(comm.Frame(comm.KindStop, &wire.StopT{Reason: text, Evicted: true}))
}

// difference names the first difference between two checkpoints of one sequence number.
func difference(worker, keeper string) string {
	a, err := snapshot.Open(worker)
	if err != nil {
		return err.Error()
	}
	defer a.Close()
	b, err := snapshot.Open(keeper)
	if err != nil {
		return err.Error()
	}
	defer b.Close()
	return firstDifference(a, b)
}

func firstDifference(a, b *snapshot.Reader) string {
	if a.Meta().Seq != b.Meta().Seq {
		return fmt.Sprintf("the states are of sequence numbers %d and %d", a.Meta().Seq, b.Meta().Seq)
	}
	as, bs := a.Objects(), b.Objects()
	for i := range max(len(as), len(bs)) {
		switch {
		case i >= len(as):
			return fmt.Sprintf("object %q is missing", bs[i].Name)
		case i >= len(bs):
			return fmt.Sprintf("object %q is one too many", as[i].Name)
		case as[i].ID != bs[i].ID || as[i].Name != bs[i].Name || as[i].Class != bs[i].Class:
			return fmt.Sprintf("object %d is %q of class %s instead of %q of class %s", as[i].ID, as[i].Name, as[i].Class, bs[i].Name, bs[i].Class)
		}
		if same, err := samePieces(a, b, as[i].ID); err != nil {
			return err.Error()
		} else if !same {
			return fmt.Sprintf("object %q of class %s differs%s", as[i].Name, as[i].Class, place(bs[i].Schema, a, b, as[i].ID))
		}
	}
	return "the digests differed, and the states do not any more"
}

// place names the first field and key in which an object differs between a worker's state and the keeper's, as far as
// its schema tells.
func place(schema string, worker, keeper *snapshot.Reader, id uint32) string {
	if schema == "" {
		return ""
	}
	a, stopA := inspect.Unpack(worker.Chunks(id))
	defer stopA()
	b, stopB := inspect.Unpack(keeper.Chunks(id))
	defer stopB()
	path, left, right, differ, err := inspect.FirstDifference(schema, a, b)
	if err != nil || !differ {
		return "" // a class written by hand: its schema is not one that view reads
	}
	return fmt.Sprintf(": %s is %s in the worker's state and %s in the keeper's", path, left, right)
}

// samePieces compares an object's pieces in two checkpoints.
func samePieces(a, b *snapshot.Reader, id uint32) (same bool, err error) {
	nextB, stop := iter.Pull2(b.Chunks(id))
	defer stop()
	for x, err := range a.Chunks(id) {
		y, errB, ok := nextB()
		if err := errors.Join(err, errB); err != nil {
			return false, err
		}
		if !ok || !slices.Equal(x, y) {
			return false, nil
		}
	}
	_, _, more := nextB()
	return !more, nil
}
