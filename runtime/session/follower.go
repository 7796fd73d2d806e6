package session

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/stream"
	"dsss/runtime/history"
	"dsss/runtime/replica"
)

// A follower is what the frames of the order do: it applies batches to the replica, remembers them for a coordinator that
// takes over, and says what else the session has to do. It has no goroutine, clock or I/O, and belongs to the reader.
type follower struct {
	id      uint64
	replica *replica.Replica
	server  *server // of a host; nil: it is none
	tail    history.Tail
	bounds  limits.Bounds
	// own removes a batch of ours from those in flight.
	own func(request uint64, count uint32) (*outBatch, error)

	armed  []*wire.SaveT  // what is wanted at marks to come
	coming *wire.MembersT // what was said of the members last, until the replica has applied what lies before it; nil: nothing
	ours   []ownBatch     // applied since begin
	held   int            // bytes of batches since begin
	acked  int            // bytes of batches since we said how far we are
	mark   uint64         // at which the replica stands; 0: none
}

// effects are what the session has to do because of what the follower was brought.
type effects struct {
	ours     []ownBatch // to resolve and to account for; the follower's until the next begin
	caughtUp uint64     // last request of ours in a state that the replica was caught up with: its result is lost
	position bool       // say how far the replica is
	members  []int      // are the members now
	membered bool
	answer   *answer   // to a question
	result   *resultOf // of hosted calls of ours; valid until the connection is read again
	hosting  bool      // another host has joined
	beat     bool      // some time has passed
	replies  []byte    // frames of the host
	digest   *wire.DigestT
	undigest error       // why there is no digest
	save     *wire.SaveT // a checkpoint or state that is wanted of the replica as it stands
}

// A resultOf is a Result and its outcomes.
type resultOf struct {
	comm.Result
	outcomes comm.Outcomes
}

// An ownBatch is a batch of ours whose calls have been applied from sequence number first on.
type ownBatch struct {
	b     *outBatch
	first uint64
}

func (o ownBatch) resolve() {
	for i, f := range o.b.futures {
		if f != nil { // nil: posted
			f.Resolve(o.first + uint64(i))
		}
	}
}

// notMine is what is wrong with a message that could not be read (err) or is not ours.
func notMine(kind comm.Kind, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %v for another session", comm.ErrProtocol, kind)
}

// begin takes the replica's write side for a few batches; end gives it back.
func (f *follower) begin() {
	f.replica.Begin()
	f.ours, f.held = f.ours[:0], 0
}

// batch applies the batch in body. After a *replica.PanicError the replica is half changed, and end must not follow.
func (f *follower) batch(body []byte) error {
	f.held += len(body)
	b, err := comm.ParseBatch(body)
	last := b.Sequence + uint64(b.Count) - 1
	if err != nil || last <= f.replica.Applied() { // or it is a copy
		return err
	}
	var futures []class.Future
	if b.Stream == f.id { // our hosted calls are not applied here
		out, err := f.own(b.Request, b.Count)
		if err != nil {
			return err
		}
		futures = out.futures
		f.ours = append(f.ours, ownBatch{out, b.Sequence})
	}
	if err := f.replica.Apply(b, futures); err != nil {
		return f.failed(err, futures != nil)
	}
	f.mark = f.replica.TakeMark()
	if f.tail.Keep {
		f.tail.Add(b.Sequence, last, body)
		f.acked += len(body)
	}
	return nil
}

// failed takes back a batch of ours that was not applied. Of one that panicked, the report comes first.
func (f *follower) failed(err error, own bool) error {
	if p := (*replica.PanicError)(nil); own && !errors.As(err, &p) {
		n := len(f.ours) - 1
		f.ours[n].b.fail(fmt.Errorf("%w: %w", ErrUnconfirmed, err))
		f.ours = f.ours[:n]
	}
	return err
}

// more tells whether another batch may follow before readers are let in.
func (f *follower) more() bool { return f.mark == 0 && f.held < f.bounds.ApplyHold }

// end lets readers in, and says what has come of the batches since begin.
func (f *follower) end() (e effects) {
	f.replica.End()
	e.ours = f.ours
	if f.server != nil {
		f.server.serve()
		e.replies = f.server.take()
	}
	e.position = f.acked >= f.bounds.TailAck
	if e.position {
		f.acked = 0
	}
	f.reach(&e)
	return e
}

// reach takes over what was said of the members, once the replica is as far.
func (f *follower) reach(e *effects) {
	m := f.coming
	if m == nil || f.replica.Applied() < m.Sequence {
		return
	}
	f.coming, e.membered = nil, true
	for _, r := range m.Ranks {
		e.members = append(e.members, int(r))
	}
}

// atMark does what is wanted of us at the mark at which the replica stands, if it does. Marks that mean nothing to us, such
// as those of a log that we catch up from, are passed by.
func (f *follower) atMark() (e effects) {
	i := slices.IndexFunc(f.armed, func(m *wire.SaveT) bool { return m.Id == f.mark })
	f.mark = 0
	if i < 0 {
		return e
	}
	m := f.armed[i]
	f.armed = slices.Delete(f.armed, i, i+1)
	if m.Want != wire.WantDigest {
		e.save = m
		return e
	}
	d := &replica.Digester{First: int(m.First), Pieces: int(m.Pieces), Hosted: m.Hosted}
	if err := f.replica.Save(d); err != nil && !errors.Is(err, replica.ErrEnough) {
		e.undigest = err // nor can the keeper's, which says so
		return e
	}
	e.digest = digestMessage(f.id, m.Id, f.replica.Applied(), d)
	return e
}

func digestMessage(session, id, seq uint64, d *replica.Digester) *wire.DigestT {
	m := &wire.DigestT{Id: id, Sequence: seq, Session: session}
	for _, o := range d.Found {
		m.Objects = append(m.Objects, &wire.ObjectDigestT{Object: uint64(o.Object), Digest: o.Digest})
	}
	return m
}

// frame takes a frame that is not a batch.
func (f *follower) frame(kind comm.Kind, body []byte) (e effects, err error) {
	switch kind {
	case comm.KindHeartbeat:
		m, err := comm.ParseHeartbeat(body)
		if err != nil {
			return e, err
		}
		f.tail.Forget(m.Stable)
		f.replica.Advance(m.Applied)
		e.beat = true
		f.reach(&e)
	case comm.KindSynced:
		m, err := comm.ParseSynced(body)
		if err != nil || m.Session != f.id {
			return e, notMine(kind, err)
		}
		e.answer = &answer{kind: comm.KindSync, id: m.Id, head: m.Head, position: Position{Head: m.Head}}
	case comm.KindStats:
		m, err := comm.ParseStats(body)
		if err != nil || m.Session != f.id {
			return e, notMine(kind, err)
		}
		e.answer = &answer{kind: kind, id: m.Id, position: Position{Stats: m}}
	case comm.KindSaved:
		m, err := comm.ParseSaved(body)
		if err != nil || m.Session != f.id {
			return e, notMine(kind, err)
		}
		e.answer = &answer{kind: comm.KindSave, id: m.Id, position: Position{Head: m.Sequence}}
		if m.Error != "" {
			e.answer.err = errors.New(m.Error)
		}
	case comm.KindSave:
		m, err := comm.ParseSave(body)
		if err != nil || m.Session != f.id {
			return e, notMine(kind, err)
		}
		f.arm(m, &e)
	case comm.KindResult:
		r, outcomes, err := comm.ParseResult(body)
		if err != nil || r.Stream != stream.Of(f.id, stream.Hosted) {
			return e, notMine(kind, err)
		}
		e.result = &resultOf{r, outcomes}
	case comm.KindAnswer:
		m, err := comm.ParseAnswer(body)
		if err != nil || m.Session != f.id {
			return e, notMine(kind, err)
		}
		e.answer = &answer{kind: comm.KindQuery, id: m.Id, position: Position{Outcome: m.Outcome, Data: bytes.Clone(m.Data)}}
	case comm.KindHosting:
		m, err := comm.ParseHosting(body)
		if err != nil || m.Session != f.id {
			return e, notMine(kind, err)
		}
		e.hosting = true
	case comm.KindQuery:
		m, err := comm.ParseQuery(body)
		if err != nil {
			return e, err
		}
		if f.server == nil {
			return e, notMine(kind, nil)
		}
		f.server.ask(m)
		e.replies = f.server.take()
	case comm.KindResend:
		m, err := comm.ParseResend(body)
		if err != nil {
			return e, err
		}
		if f.server == nil {
			return e, notMine(kind, nil)
		}
		f.replica.Results(m.Stream, f.server.result)
		e.replies = f.server.take()
	case comm.KindMembers:
		m, err := comm.ParseMembers(body)
		if err != nil || m.Session != f.id {
			return e, notMine(kind, err)
		}
		f.coming = m
		f.reach(&e)
	case comm.KindStop:
		m, err := comm.ParseStop(body)
		if err != nil || m.Session != 0 && m.Session != f.id { // 0: of all behind the connection
			return e, notMine(kind, err)
		}
		return e, stopError(m)
	default:
		return e, fmt.Errorf("%w: %v to a replica", comm.ErrProtocol, kind)
	}
	return e, nil
}

// arm has what m wants done at its mark, or now if it has none.
func (f *follower) arm(m *wire.SaveT, e *effects) {
	if m.Id == 0 {
		e.save = &wire.SaveT{Want: wire.WantState}
		return
	}
	f.armed = append(f.armed, m)
	f.armed = f.armed[max(len(f.armed)-f.bounds.Armed, 0):]
}

func stopError(m *wire.StopT) error {
	switch {
	case m.Evicted:
		return fmt.Errorf("%w: %s", ErrEvicted, m.Reason)
	case m.Reason == "":
		return ErrClosed
	}
	return fmt.Errorf("%w: %s", ErrStopped, m.Reason)
}

// welcomed takes what comes with a Welcome, first being the session's first: the mutations to leave out, and what next
// returns of a state, when the replica is empty or too far behind for the log.
func (f *follower) welcomed(w *wire.WelcomeT, first bool, next func() (replica.Item, error)) (e effects, err error) {
	if first {
		f.replica.Omit(w.Omitted)
	}
	f.tail.Keep = w.Remember
	if f.server != nil {
		defer func() {
			f.server.again()
			e.replies = f.server.take()
		}()
	}
	switch {
	case !w.State:
		return e, nil
	case first:
		err = f.replica.Restore(next)
		f.tail.Skip(f.replica.Applied())
		return e, err
	}
	end, err := f.replica.Catch(next)
	if err != nil {
		return e, err
	}
	f.tail.Skip(end.Sequence)
	f.reach(&e)
	e.caughtUp = end.Sessions[f.id]
	return e, nil
}
