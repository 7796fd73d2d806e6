package replica

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"dsss/class"
	"dsss/comm"
	"dsss/internal/limits"
)

// blob is a shared byte string: Append adds its arguments, Fail fails, Panic panics.
type blob struct{ b []byte }

var errBlob = errors.New("no")

func init() {
	c := &class.Class{
		Name: "replica.blob",
		New:  func() any { return &blob{} },
		Save: func(obj any, emit func([]byte) error) error {
			b := obj.(*blob).b
			if string(b) == "unspeakable" {
				panic("no words")
			}
			for len(b) > 0 { // chunks of odd sizes, empty ones too, that do not fit pieces
				n := min(len(b), 700_001)
				if err := errors.Join(emit(b[:n]), emit(nil)); err != nil {
					return err
				}
				b = b[n:]
			}
			return nil
		},
		Load: func(next func() ([]byte, error)) (any, error) {
			o := &blob{}
			for {
				chunk, err := next()
				if err == io.EOF {
					return o, nil
				}
				if err != nil {
					return nil, err
				}
				o.b = append(o.b, chunk...)
			}
		},
		Assign: func(dst, src any) { *dst.(*blob) = *src.(*blob) },
	}
	c.Add(&class.Method{ID: 1, Name: "Append", Apply: func(_ class.Order, obj any, args []byte, _ class.Future) {
		obj.(*blob).b = append(obj.(*blob).b, args...)
	}})
	c.Add(&class.Method{ID: 1000, Name: "Fail", Apply: func(_ class.Order, _ any, _ []byte, to class.Future) {
		if to != nil {
			to.Put(errBlob)
		}
	}})
	c.Add(&class.Method{ID: 3, Name: "Panic", Apply: func(class.Order, any, []byte, class.Future) { panic("ouch") },
		JSON: func(args []byte) string { return fmt.Sprintf("%q", args) }})
	class.Register(c)
}

type outcome struct {
	err error
	seq uint64
}

func (o *outcome) Put(err error)      { o.err = err }
func (o *outcome) Resolve(seq uint64) { o.seq = seq }
func (o *outcome) Fail(err error)     { o.err = err }

type call struct {
	object, method uint32
	args           string
}

// feeder makes the batches of one session and applies them.
type feeder struct {
	t   *testing.T
	r   *Replica
	seq uint64
	req uint64
}

func (f *feeder) batch(calls ...call) comm.Batch {
	f.t.Helper()
	frame := comm.BeginBatch(nil)
	for _, c := range calls {
		frame = comm.AppendCall(frame, c.object, c.method, []byte(c.args))
	}
	comm.FinishBatch(frame, 1, f.req+1, uint32(len(calls)))
	comm.Order(frame, f.seq+1, 1, 1, 0)
	f.seq += uint64(len(calls))
	f.req += uint64(len(calls))
	b, err := comm.ParseBatch(frame[comm.HeaderSize:])
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

func (f *feeder) apply(calls ...call) []*outcome {
	f.t.Helper()
	b := f.batch(calls...)
	futures, outcomes := make([]class.Future, len(calls)), make([]*outcome, len(calls))
	for i := range calls {
		outcomes[i] = &outcome{}
		futures[i] = outcomes[i]
	}
	f.r.Begin()
	defer f.r.End()
	if err := f.r.Apply(b, futures); err != nil {
		f.t.Fatal(err)
	}
	return outcomes
}

func create(name, class string) call {
	return call{comm.CatalogID, comm.CreateID, string(comm.CreateArgs(name, class, false))}
}

func content(r *Replica, name string) []byte {
	o := r.Object(name)
	o.RLock()
	defer o.RUnlock()
	return bytes.Clone(o.State.(*blob).b)
}

func TestCallsAndTheirErrors(t *testing.T) {
	f := &feeder{t: t, r: New(nil, false)}
	got := f.apply(
		create("a", "replica.blob"),
		create("a", "replica.blob"), // there already: nothing happens
		create("a", "replica.other"),
		create("b", "nowhere"),
		call{comm.CatalogID, comm.CreateID, "junk"},
		call{comm.CatalogID, 99, ""},
		call{1, 1, "hello"},
		call{1, 1000, ""},
		call{1, 2, ""},
		call{2, 1, ""},
	)
	for i, want := range []error{nil, nil, ErrClass, ErrClass, comm.ErrProtocol, ErrMalformed, nil, errBlob, ErrMalformed, ErrMalformed} {
		if !errors.Is(got[i].err, want) {
			t.Errorf("call %d: %v, want %v", i, got[i].err, want)
		}
	}
	if string(content(f.r, "a")) != "hello" || f.r.Object("b") != nil || f.r.Applied() != 10 {
		t.Errorf("a is %q, b is %v, applied %d", content(f.r, "a"), f.r.Object("b"), f.r.Applied())
	}
}

func TestBatchesOutOfOrder(t *testing.T) {
	f := &feeder{t: t, r: New(nil, false)}
	f.apply(create("a", "replica.blob"))
	again := f.batch(call{1, 1, "x"})
	for range 2 { // the second time it is skipped
		f.r.Begin()
		if err := f.r.Apply(again, nil); err != nil {
			t.Error(err)
		}
		f.r.End()
	}
	f.seq++
	gap := f.batch(call{1, 1, "y"})
	f.r.Begin()
	err := f.r.Apply(gap, nil)
	f.r.End()
	if !errors.Is(err, ErrOrder) || string(content(f.r, "a")) != "x" {
		t.Errorf("gap: %v, a is %q", err, content(f.r, "a"))
	}
}

func TestPanicIsDescribed(t *testing.T) {
	f := &feeder{t: t, r: New(nil, false)}
	f.apply(create("a", "replica.blob"))
	f.r.Begin()
	err := f.r.Apply(f.batch(call{1, 1, "x"}, call{1, 3, "args"}), nil)
	f.r.End()
	var p *PanicError
	if !errors.As(err, &p) || p.Seq != 3 || p.Object != "a" || p.Method != "Panic" || p.Arguments != `"args"` || p.Value != "ouch" || !strings.Contains(p.Stack, "replica_test.go") {
		t.Errorf("%+v", err)
	}
	if f.r.Applied() != 1 {
		t.Errorf("applied %d after a panic at 3 in a batch from 2", f.r.Applied())
	}
}

func TestVoidsAreLeftOut(t *testing.T) {
	f := &feeder{t: t, r: New(nil, false)}
	f.r.Omit([]uint64{3})
	f.apply(create("a", "replica.blob"))
	f.apply(call{1, 1, "x"}, call{1, 3, ""}, call{1, 1, "z"})
	if string(content(f.r, "a")) != "xz" {
		t.Errorf("a is %q", content(f.r, "a"))
	}
}

// TestAwaitedChanges: a waiter is told of the next change of its object, and of no other's.
func TestAwaitedChanges(t *testing.T) {
	f := &feeder{t: t, r: New(nil, false)}
	f.apply(create("a", "replica.blob"), create("b", "replica.blob"))
	a := f.r.Object("a")
	ok, changed := a.Check(func() bool { return false })
	if ok {
		t.Fatal("ready?")
	}
	f.apply(call{2, 1, "other"})
	select {
	case <-changed:
		t.Error("woken by another object")
	default:
	}
	f.apply(call{1, 1, "x"})
	select {
	case <-changed:
	default:
		t.Error("not woken")
	}
	if ok, _ := a.Check(func() bool { return true }); !ok {
		t.Error("not ready")
	}
}

// tape is a Sink that remembers, and a source of what it remembers.
type tape struct{ items []Item }

func (p *tape) Begin(end ItemEnd) error {
	p.items = []Item{{End: &end}}
	return nil
}

func (p *tape) Object(o *Object) error {
	p.items = append(p.items, Item{Object: &ItemObject{o.ID, o.Name, o.Class.Name, o.Hosted}})
	return nil
}

func (p *tape) Piece(data []byte) error {
	if len(data) == 0 || len(data) > limits.Piece {
		return fmt.Errorf("piece of %d bytes", len(data))
	}
	p.items = append(p.items, Item{Piece: bytes.Clone(data)})
	return nil
}

// source returns the items as a connection would: the end last.
func (p *tape) source() func() (Item, error) {
	items := append(append([]Item{}, p.items[1:]...), p.items[0])
	return func() (Item, error) {
		if len(items) == 0 {
			return Item{}, io.EOF
		}
		item := items[0]
		items = items[1:]
		return item, nil
	}
}

func TestStateRoundTrip(t *testing.T) {
	f := &feeder{t: t, r: New(nil, false)}
	f.apply(create("big", "replica.blob"), create("empty", "replica.blob"), create("small", "replica.blob"))
	large := bytes.Repeat([]byte("0123456789"), 350_000) // over several pieces and chunks
	f.apply(call{1, 1, string(large)}, call{3, 1, "s"})
	var first, second tape
	if err := f.r.Save(&first); err != nil {
		t.Fatal(err)
	}
	restored := New(nil, false)
	if err := restored.Restore(first.source()); err != nil {
		t.Fatal(err)
	}
	if err := restored.Save(&second); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(flat(first)) != fmt.Sprint(flat(second)) {
		t.Error("a restored state is saved otherwise")
	}
	g := &feeder{t: t, r: restored, seq: f.seq, req: f.req}
	g.apply(call{3, 1, "t"}, create("small", "replica.blob"), create("new", "replica.blob"))
	if string(content(restored, "small")) != "st" || !bytes.Equal(content(restored, "big"), large) || restored.Object("new").ID != 4 {
		t.Error("the restored replica does not go on as the saved one would")
	}
}

// TestStateBreaksOff: a source that ends or fails anywhere before a state's end gives that error and not ErrState, because
// another source may have the state; and the replica can take it from there.
func TestStateBreaksOff(t *testing.T) {
	f := &feeder{t: t, r: New(nil, false)}
	f.apply(create("a", "replica.blob"), create("empty", "replica.blob"), call{1, 1, strings.Repeat("0123456789", 250_000)})
	var whole tape
	if err := f.r.Save(&whole); err != nil {
		t.Fatal(err)
	}
	for _, broken := range []error{io.EOF, errors.New("cut")} {
		for n := range len(whole.items) {
			source, left := whole.source(), n
			r := New(nil, false)
			err := r.Restore(func() (Item, error) {
				if left--; left < 0 {
					return Item{}, broken
				}
				return source()
			})
			if want := broken; errors.Is(err, ErrState) || !errors.Is(err, want) && (want != io.EOF || err != io.ErrUnexpectedEOF) {
				t.Errorf("after %d items, %v: %v", n, broken, err)
			}
			if err := r.Restore(whole.source()); err != nil || r.Applied() != f.r.Applied() {
				t.Errorf("after %d items, %v: then %v, applied %d", n, broken, err, r.Applied())
			}
		}
	}
}

func flat(p tape) (out []string) {
	for _, i := range p.items {
		switch {
		case i.Object != nil:
			out = append(out, fmt.Sprint(*i.Object))
		case i.End != nil:
			out = append(out, fmt.Sprint(*i.End))
		default:
			out = append(out, string(i.Piece))
		}
	}
	return out
}

// noSink is a Sink to nowhere.
type noSink struct{}

func (noSink) Begin(ItemEnd) error  { return nil }
func (noSink) Object(*Object) error { return nil }
func (noSink) Piece([]byte) error   { return nil }

// TestSavePanics: a class whose Save panics costs a checkpoint, with an error that names the object.
func TestSavePanics(t *testing.T) {
	f := &feeder{t: t, r: New(nil, false)}
	f.apply(create("a", "replica.blob"), create("b", "replica.blob"), call{2, 1, "unspeakable"})
	if err := f.r.Save(noSink{}); err == nil || err.Error() != "encoding the state of b: panic: no words" {
		t.Errorf("error %v", err)
	}
	f.apply(call{2, 1, "."})
	if err := f.r.Save(noSink{}); err != nil {
		t.Errorf("error %v", err)
	}
}

// FuzzRestore: whatever a state is made of, restoring it gives a replica or an error.
func FuzzRestore(f *testing.F) {
	le := binary.LittleEndian.AppendUint32
	f.Add([]byte("O1a\x00"), le(nil, 3))
	f.Add([]byte("OPE"), append(le(nil, 5), "hello"...))
	f.Add([]byte("OPPE"), le(nil, 1<<31))
	f.Fuzz(func(t *testing.T, script, data []byte) {
		names := []string{"a", "b", ""}
		i, objects := 0, uint32(0)
		err := New(nil, false).Restore(func() (Item, error) {
			if i == len(script) {
				return Item{}, io.EOF
			}
			op := script[i]
			i++
			switch op % 4 {
			case 0:
				objects++
				return Item{Object: &ItemObject{objects, names[i%3], "replica.blob", false}}, nil
			case 1:
				return Item{Object: &ItemObject{uint32(op), "x", "replica.none", false}}, nil
			case 2:
				return Item{End: &ItemEnd{Sequence: 3, Sessions: map[uint64]uint64{1: 2}}}, nil
			}
			return Item{Piece: append([]byte{}, data...)}, nil
		})
		if err != nil && !errors.Is(err, ErrState) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("error %v", err)
		}
	})
}
