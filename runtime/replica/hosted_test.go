package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/stream"
)

// till counts: Next returns the next number, Long that many bytes, Deny fails; Count asks.
type till struct{ n uint64 }

func init() {
	answer := func(to class.Future, data []byte, err error) {
		if r, is := to.(*class.Reply); is && err == nil {
			r.Data = append(r.Data, data...)
		} else if to != nil {
			to.Put(err)
		}
	}
	c := &class.Class{
		Name: "replica.till",
		New:  func() any { return &till{} },
		Save: func(obj any, emit func([]byte) error) error {
			return emit(binary.LittleEndian.AppendUint64(nil, obj.(*till).n))
		},
		Load: func(next func() ([]byte, error)) (any, error) {
			chunk, err := next()
			if err == io.EOF || len(chunk) != 8 {
				return nil, errors.New("malformed")
			}
			return &till{binary.LittleEndian.Uint64(chunk)}, err
		},
		Assign: func(dst, src any) { *dst.(*till) = *src.(*till) },
	}
	c.Add(&class.Method{ID: 1, Name: "Next", Apply: func(o class.Order, obj any, _ []byte, to class.Future) {
		t := obj.(*till)
		t.n++
		answer(to, fmt.Appendf(nil, "%d of session %d", t.n, o.Session), nil)
	}})
	c.Add(&class.Method{ID: 2, Name: "Long", Apply: func(_ class.Order, _ any, args []byte, to class.Future) {
		answer(to, make([]byte, binary.LittleEndian.Uint32(args)), nil)
	}})
	c.Add(&class.Method{ID: 3, Name: "Deny", Apply: func(_ class.Order, _ any, args []byte, to class.Future) {
		answer(to, nil, errors.New(strings.Repeat("no", len(args))))
	}})
	c.AddQuery(&class.Query{ID: 7, Name: "Count", Read: func(obj any, args []byte, to *class.Reply) {
		if string(args) == "panic" {
			panic("ouch")
		}
		to.Data = fmt.Appendf(to.Data, "%d%s", obj.(*till).n, args)
	}})
	class.Register(c)
}

// A shop has a full replica, of a host, and a worker's, and what the host answers.
type shop struct {
	t            *testing.T
	host, worker *Replica
	seq, shared  uint64
	requests     map[uint64]uint64 // by stream
	answers      []string
	results      int // messages
}

func newShop(t *testing.T) *shop {
	s := &shop{t: t, host: New(nil, true), worker: New(nil, false), requests: map[uint64]uint64{}}
	s.host.OnResult(s.result)
	s.order(stream.Of(1, stream.Replicated), call{comm.CatalogID, comm.CreateID, string(comm.CreateArgs("shared", "replica.blob", false))},
		call{comm.CatalogID, comm.CreateID, string(comm.CreateArgs("till", "replica.till", true))})
	return s
}

func (s *shop) result(frame []byte) {
	s.t.Helper()
	m, all, err := comm.ParseResult(frame[comm.HeaderSize:])
	if err != nil {
		s.t.Fatal(err)
	}
	s.results++
	for i := range uint64(m.Count) {
		outcome, data, _ := all.Next()
		text := string(data[:min(len(data), 20)])
		if len(data) > 20 {
			text = fmt.Sprintf("%d bytes", len(data))
		}
		s.answers = append(s.answers, fmt.Sprintf("%d@%d %v %s", m.Request+i, m.Sequence+i, outcome, text))
	}
}

// batch makes the next batch of a stream.
func (s *shop) batch(id uint64, calls ...call) comm.Batch {
	s.t.Helper()
	frame := comm.BeginBatch(nil)
	for _, c := range calls {
		frame = comm.AppendCall(frame, c.object, c.method, []byte(c.args))
	}
	comm.FinishBatch(frame, id, s.requests[id]+1, uint32(len(calls)))
	comm.Order(frame, s.seq+1, 1, 1, s.shared)
	s.requests[id] += uint64(len(calls))
	s.seq += uint64(len(calls))
	if stream.Domain(id) == stream.Replicated {
		s.shared = s.seq
	}
	b, err := comm.ParseBatch(frame[comm.HeaderSize:])
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// order applies a batch where it is to be applied.
func (s *shop) order(id uint64, calls ...call) {
	s.t.Helper()
	b := s.batch(id, calls...)
	s.apply(s.host, b)
	if b.Domain() == stream.Replicated {
		s.apply(s.worker, b)
	}
}

func (s *shop) apply(r *Replica, b comm.Batch) {
	s.t.Helper()
	r.Begin()
	defer r.End()
	if err := r.Apply(b, nil); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) want(answers ...string) {
	s.t.Helper()
	if fmt.Sprint(s.answers) != fmt.Sprint(answers) {
		s.t.Errorf("answers %q, want %q", s.answers, answers)
	}
	s.answers = nil
}

const tillID = 3 // behind the shared object and the results

func ack(upto uint64) call { return call{2, comm.AcknowledgeID, string(comm.AckArgs(upto))} }

// TestHostedCalls: calls of hosted objects return on the host what the mutator does, those of another domain nothing.
func TestHostedCalls(t *testing.T) {
	s := newShop(t)
	mine := stream.Of(1, stream.Hosted)
	s.order(mine, call{tillID, 1, ""}, call{tillID, 3, "x"}, call{tillID, 99, ""}, call{1, 1, "into the shared one"}, call{tillID, 1, ""})
	s.want("1@3 Done 1 of session 1", "2@4 Failed no", "3@5 Failed 35 bytes", "4@6 Failed 35 bytes", "5@7 Done 2 of session 1")
	s.order(stream.Of(1, stream.Replicated), call{tillID, 1, ""}, call{1, 1, "a"})
	s.want()
	if got := content(s.host, "shared"); string(got) != "a" {
		t.Errorf("shared object %q", got)
	}
	if s.worker.Applied() != 9 || string(content(s.worker, "shared")) != "a" || s.worker.Object("till").State != nil || !s.worker.HasHosted() {
		t.Errorf("worker stands at %d, %+v", s.worker.Applied(), s.worker.Object("till"))
	}
	s.order(mine, call{tillID, 3, strings.Repeat("x", limits.ErrorText)})
	s.want(fmt.Sprintf("6@10 Failed %d bytes", limits.ErrorText))
}

// TestLongResults: what a batch returns is cut where it gets long, and a result that does not fit is the call's error.
func TestLongResults(t *testing.T) {
	s := newShop(t)
	long := func(n int) call { return call{tillID, 2, string(binary.LittleEndian.AppendUint32(nil, uint32(n)))} }
	s.order(stream.Of(1, stream.Hosted), long(limits.ResultAim/2), long(limits.ResultAim/2), long(30), long(limits.Call), long(limits.Call+1))
	s.want("1@3 Done 131072 bytes", "2@4 Done 131072 bytes", "3@5 Done 30 bytes", fmt.Sprintf("4@6 Done %d bytes", limits.Call), "5@7 Failed 71 bytes")
	if s.results != 3 {
		t.Errorf("%d messages", s.results)
	}
}

// TestPlacement: an object is opened as it was made, everywhere.
func TestPlacement(t *testing.T) {
	s := newShop(t)
	b := s.batch(1, call{comm.CatalogID, comm.CreateID, string(comm.CreateArgs("till", "replica.till", false))},
		call{comm.CatalogID, comm.CreateID, string(comm.CreateArgs("shared", "replica.blob", true))},
		call{comm.CatalogID, comm.CreateID, string(comm.CreateArgs("till", "replica.till", true))})
	for _, r := range []*Replica{s.host, s.worker} {
		futures := []class.Future{&outcome{}, &outcome{}, &outcome{}}
		r.Begin()
		if err := r.Apply(b, futures); err != nil {
			t.Fatal(err)
		}
		r.End()
		for i, want := range []error{ErrPlacement, ErrPlacement, nil} {
			if err := futures[i].(*outcome).err; !errors.Is(err, want) {
				t.Errorf("call %d: %v", i, err)
			}
		}
	}
}

// TestGaps: a worker's replica takes a batch of its domain behind hosted ones, and none that leaves out one of its own; a full
// one takes only the next.
func TestGaps(t *testing.T) {
	s := newShop(t)
	hosted := s.batch(stream.Of(1, stream.Hosted), call{tillID, 1, ""})
	first, second := s.batch(1, call{1, 1, "a"}), s.batch(1, call{1, 1, "b"})
	for _, c := range []struct {
		r *Replica
		b comm.Batch
	}{{s.host, first}, {s.worker, hosted}, {s.worker, second}} {
		c.r.Begin()
		if err := c.r.Apply(c.b, nil); !errors.Is(err, ErrOrder) {
			t.Errorf("batch at %d behind %d: %v", c.b.Sequence, c.r.Applied(), err)
		}
		c.r.End()
	}
	s.worker.Advance(3)
	s.host.Advance(3)
	if s.worker.Applied() != 3 || s.host.Applied() != 2 {
		t.Errorf("worker at %d, host at %d", s.worker.Applied(), s.host.Applied())
	}
	s.apply(s.worker, first)
	s.apply(s.worker, second)
	for _, b := range []comm.Batch{hosted, first, second} {
		s.apply(s.host, b)
	}
	if string(content(s.worker, "shared")) != "ab" || string(content(s.host, "shared")) != "ab" {
		t.Error("the replicas differ")
	}
}

// TestVoid: hosted calls that were lost take their sequence numbers, however many, and nothing else.
func TestVoid(t *testing.T) {
	s := newShop(t)
	frame := comm.VoidBatch(1, 3, 1<<30, 2, 1)
	b, err := comm.ParseBatch(frame[comm.HeaderSize:])
	if err != nil {
		t.Fatal(err)
	}
	s.apply(s.host, b)
	s.want()
	if s.host.Applied() != 2+1<<30 {
		t.Errorf("applied %d", s.host.Applied())
	}
}

// retainedOf is what is retained of all streams, as text.
func retainedOf(t *testing.T, r *Replica) string {
	s := &shop{t: t}
	r.Results(0, func(frame []byte) {
		m, _, err := comm.ParseResult(frame[comm.HeaderSize:])
		if err != nil {
			t.Fatal(err)
		}
		s.answers = append(s.answers, fmt.Sprintf("session %d:", stream.Session(m.Stream)))
		s.result(frame)
	})
	return strings.Join(s.answers, " ")
}

// TestRetention: results are kept until they are acknowledged, or their session has ended, and no longer; the state carries them.
func TestRetention(t *testing.T) {
	s := newShop(t)
	one, two := stream.Of(1, stream.Hosted), stream.Of(2, stream.Hosted)
	s.order(one, call{tillID, 1, ""}, call{tillID, 1, ""})
	s.order(two, call{tillID, 1, ""})
	s.order(one, call{tillID, 3, "x"})
	all := "session 1: 1@3 Done 1 of session 1 2@4 Done 2 of session 1 session 1: 3@6 Failed no session 2: 1@5 Done 3 of session 2"
	if got := retainedOf(t, s.host); got != all {
		t.Errorf("retained %q", got)
	}
	var saved, again tape
	if err := s.host.Save(&saved); err != nil {
		t.Fatal(err)
	}
	next := New(nil, true)
	if err := next.Restore(saved.source()); err != nil {
		t.Fatal(err)
	}
	if err := next.Save(&again); err != nil || fmt.Sprint(flat(saved)) != fmt.Sprint(flat(again)) || retainedOf(t, next) != all {
		t.Errorf("a restored host retains %q, %v", retainedOf(t, next), err)
	}
	s.order(one, ack(1), call{tillID, 1, ""}) // half a batch is kept whole
	s.order(one, ack(3))
	if got := retainedOf(t, s.host); got != "session 1: 4@7 Done  5@8 Done 4 of session 1 session 1: 6@9 Done  session 2: 1@5 Done 3 of session 2" {
		t.Errorf("retained after an acknowledgement %q", got)
	}
	end := func(session uint64) call {
		return call{comm.CatalogID, comm.ControlID, string(comm.ControlArgs(&wire.ControlT{Kind: wire.ControlKindEnd, Session: session}))}
	}
	s.order(stream.Coordinator, end(1))
	if got := retainedOf(t, s.host); got != "session 2: 1@5 Done 3 of session 2" {
		t.Errorf("retained after an end %q", got)
	}
	s.order(stream.Coordinator, end(2))
	if got := retainedOf(t, s.host); got != "" || s.host.results == nil || len(s.host.results.streams) != 0 {
		t.Errorf("retained after all ends %q", got)
	}
}

// TestRetentionIsBounded: the oldest results are lost when a session acknowledges nothing, and said to be.
func TestRetentionIsBounded(t *testing.T) {
	s := newShop(t)
	mine := stream.Of(1, stream.Hosted)
	for range 6 {
		s.order(mine, call{tillID, 2, string(binary.LittleEndian.AppendUint32(nil, limits.Retained/5))})
	}
	s.answers = nil
	s.host.Results(mine, s.result)
	if len(s.answers) != 6 || s.answers[0] != "1@3 Lost " || s.answers[1] != "2@4 Lost " || strings.Contains(strings.Join(s.answers[2:], " "), "Lost") {
		t.Errorf("%q", s.answers)
	}
	if kept := s.host.results.streams[mine].bytes; kept > limits.Retained {
		t.Errorf("%d bytes are kept", kept)
	}
}

// TestWorkersState: the state that a worker is sent has hosted objects by name alone, and its digest is that of the keeper for
// what both have.
func TestWorkersState(t *testing.T) {
	s := newShop(t)
	s.order(stream.Of(1, stream.Hosted), call{tillID, 1, ""})
	s.order(1, call{1, 1, "abc"})
	var full tape
	if err := s.host.Save(&full); err != nil {
		t.Fatal(err)
	}
	joiner := New(nil, false)
	items, hosted := []Item{full.items[0]}, false
	for _, item := range full.items[1:] { // as the coordinator sends it
		if item.Object != nil {
			hosted = item.Object.Hosted
		}
		if item.Piece == nil || !hosted {
			items = append(items, item)
		}
	}
	if err := joiner.Restore((&tape{items}).source()); err != nil {
		t.Fatal(err)
	}
	if string(content(joiner, "shared")) != "abc" || joiner.Object("till") == nil || joiner.Object("till").State != nil || !joiner.HasHosted() {
		t.Error("the joiner lacks something, or has too much")
	}
	digest := func(r *Replica, hosted bool) string {
		d := &Digester{Pieces: 100, Hosted: hosted, To: noSink{}}
		if err := r.Save(d); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(d.Found)
	}
	if digest(joiner, false) != digest(s.host, false) || digest(s.worker, false) != digest(s.host, false) {
		t.Error("digests of what both have differ")
	}
	if digest(s.host, true) == digest(s.host, false) {
		t.Error("the host's digest leaves hosted objects out")
	}
	var partial tape
	if err := joiner.Save(&partial); err != nil {
		t.Fatal(err)
	}
	if err := New(nil, true).Restore(partial.source()); err == nil {
		t.Error("a host takes a worker's state for a whole one")
	}
}

// TestQueries: a getter answers from the state, and what is wrong with it is its own error.
func TestQueries(t *testing.T) {
	s := newShop(t)
	s.order(stream.Of(1, stream.Hosted), call{tillID, 1, ""})
	for _, c := range []struct {
		object, query uint32
		args, want    string
	}{
		{tillID, 7, "!", "1!"},
		{tillID, 8, "", "error: malformed call: class replica.till has no getter 8"},
		{1, 7, "", "error: malformed call: there is no hosted object 1"},
		{99, 7, "", "error: malformed call: there is no hosted object 99"},
		{tillID, 7, "panic", "error: getter Count of till panicked: ouch"},
	} {
		r := &class.Reply{}
		s.host.Read(c.object, c.query, []byte(c.args), r)
		got := string(r.Data)
		if r.Err != nil {
			got = "error: " + r.Err.Error()
		}
		if got != c.want {
			t.Errorf("getter %d of object %d: %s", c.query, c.object, got)
		}
	}
}
