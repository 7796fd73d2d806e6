package replica

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dsss/class"
	"dsss/comm"
	"dsss/internal/applying"
)

// during is what the mutators of class replica.during do; no two tests use it at once.
var during = func() {}

// render is how their arguments are rendered; a rendering that hangs outlives its test.
var render atomic.Pointer[func() string]

func init() {
	c := &class.Class{Name: "replica.during", New: func() any { return new(int) }, Assign: func(dst, src any) { *dst.(*int) = *src.(*int) }}
	do := func(class.Order, any, []byte, class.Future) { during() }
	c.Add(&class.Method{ID: 1, Name: "Do", Apply: do, JSON: func([]byte) string { return (*render.Load())() }})
	c.Add(&class.Method{ID: 2, Name: "Other", Apply: func(_ class.Order, o any, _ []byte, _ class.Future) { *o.(*int)++ }})
	c.Add(&class.Method{ID: 3, Name: "Third", Apply: func(_ class.Order, o any, _ []byte, _ class.Future) { *o.(*int)++ }})
	class.Register(c)
}

// What is shown while a mutator runs, between calls and after them.
func TestShowsWhatItApplies(t *testing.T) {
	slot := applying.Own()
	f := &feeder{t: t, r: New(slot, false)}
	f.apply(create("o", "replica.during"), create("p", "replica.during"))
	var seen []string
	during = func() { seen = append(seen, fmt.Sprint(slot.Look(), " after ", slot.Reached())) }
	f.apply(call{1, 1, ""}, call{1, 2, ""}, call{2, 1, ""}, call{2, 1, ""})
	want := []string{
		`replica.during.Do on object "o" (sequence number 3) after 2`,
		`replica.during.Do on object "p" (sequence number 5) after 4`,
		`replica.during.Do on object "p" (sequence number 6) after 5`,
	}
	if fmt.Sprint(seen) != fmt.Sprint(want) || slot.Look() != (applying.Call{}) || slot.Reached() != 6 {
		t.Errorf("shown %q, then %v after %d", seen, slot.Look(), slot.Reached())
	}
}

// A reader that keeps the replica is shown, once a mutation waits for it.
func TestShowsThatAReaderHoldsIt(t *testing.T) {
	slot := applying.Own()
	f := &feeder{t: t, r: New(slot, false)}
	f.apply(create("o", "replica.during"))
	o := f.r.Object("o")
	o.RLock()
	begun := make(chan struct{})
	go func() {
		f.r.Begin()
		close(begun)
	}()
	for slot.Look().Phase != applying.Waiting {
		runtime.Gosched()
	}
	if c := slot.Look(); c.Sequence != 2 {
		t.Errorf("shown %+v", c)
	}
	o.RUnlock()
	<-begun
	if c := slot.Look(); c.Phase != applying.Idle {
		t.Errorf("shown %+v when it has the write side", c)
	}
	f.r.End()
}

// Whatever renders the arguments of a call that panicked does, the panic is reported, and what it was in stays shown until
// the job knows.
func TestPanicReportSurvivesItsRendering(t *testing.T) {
	for name, c := range map[string]struct {
		render func() string
		want   string
	}{
		"panics": {func() string { panic("MarshalJSON") }, "(not shown: rendering it panicked: MarshalJSON)"},
		"goexit": {func() string { runtime.Goexit(); return "" }, "(not shown: rendering it ended the goroutine)"},
		"hangs":  {func() string { select {} }, "(not shown: rendering it took longer than 1s)"},
	} {
		t.Run(name, func(t *testing.T) {
			slot := applying.Own()
			f := &feeder{t: t, r: New(slot, false)}
			f.apply(create("o", "replica.during"))
			during = func() { panic("ouch") }
			render.Store(&c.render)
			f.r.Begin()
			err := f.r.Apply(f.batch(call{1, 1, ""}), nil)
			var p *PanicError
			if !errors.As(err, &p) || p.Arguments != c.want || p.Value != "ouch" || !strings.Contains(p.Stack, "applying_test.go") {
				t.Errorf("got %v with arguments %s", err, p.Arguments)
			}
			if got := slot.Look(); got.Sequence != 2 || got.Phase != applying.Applying {
				t.Errorf("shown %+v", got)
			}
			f.r.Noted()
			if got := slot.Look(); got.Phase != applying.Idle {
				t.Errorf("shown %+v once it is noted", got)
			}
		})
	}
}

// A mutator that ends the applying goroutine is reported as one that panicked.
func TestGoexit(t *testing.T) {
	f := &feeder{t: t, r: New(nil, false)}
	f.apply(create("o", "replica.during"))
	during = runtime.Goexit
	nothing := func() string { return "{}" }
	render.Store(&nothing)
	reported := make(chan *PanicError, 1)
	f.r.OnExit(func(p *PanicError) { reported <- p })
	b := f.batch(call{1, 1, ""})
	go func() {
		f.r.Begin()
		_ = f.r.Apply(b, nil) // does not return
		reported <- nil
	}()
	select {
	case p := <-reported:
		if p == nil || p.Seq != 2 || p.Method != "Do" || !strings.Contains(p.Value, "runtime.Goexit") {
			t.Errorf("reported %v", p)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was reported")
	}
}

// BenchmarkApply is what one mutation costs its replica: the same mutator again and again, and two in turn.
func BenchmarkApply(b *testing.B) {
	const calls = 1000
	for name, methods := range map[string][2]uint32{"same": {2, 2}, "turns": {2, 3}} {
		b.Run(name, func(b *testing.B) {
			r := New(applying.Own(), false)
			frame := comm.AppendCall(comm.BeginBatch(nil), comm.CatalogID, comm.CreateID, comm.CreateArgs("o", "replica.during", false))
			comm.FinishBatch(frame, 1, 1, 1)
			comm.Order(frame, 1, 1, 1, 0)
			batch, err := comm.ParseBatch(frame[comm.HeaderSize:])
			if err != nil {
				b.Fatal(err)
			}
			r.Begin()
			defer r.End()
			if err := r.Apply(batch, nil); err != nil {
				b.Fatal(err)
			}
			frame = comm.BeginBatch(nil)
			for i := range calls {
				frame = comm.AppendCall(frame, 1, methods[i%2], nil)
			}
			comm.FinishBatch(frame, 1, 2, calls)
			comm.Order(frame, 2, 1, 1, 0)
			if batch, err = comm.ParseBatch(frame[comm.HeaderSize:]); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				batch.Sequence = r.Applied() + 1
				if err := r.Apply(batch, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*calls), "ns/mutation")
		})
	}
}
