package dsss

import (
	"context"
	"reflect"
)

// Combine lets calls of m that wait to be sent merge: when merge can add the later call's arguments a to an earlier
// one's, it does so in *into and returns true, and one call travels in place of two. Calls of m must commute, and a
// merged call must leave the state as the two would have; sums, maxima, minima and histogram bins do. merge is called
// with the session locked: it only computes.
//
// Merged calls share one application, so a mutator that combines has no result (R is struct{}) and returns no error;
// Combine panics when R is something else, a programming error met at start. It returns m, and belongs to the same
// package-level variable.
func (m *Mutator[T, A, R]) Combine(merge func(into *A, a A) bool) *Mutator[T, A, R] {
	var r R
	if _, none := any(r).(struct{}); !none {
		panic("dsss: mutator " + m.name + " has a result, which merged calls could not share: it cannot combine")
	}
	m.merge = merge
	m.detach = refers(reflect.TypeFor[A]())
	return m
}

// Commutes declares that calls of m, which has to combine, commute with every call of every mutator, on any object: that no
// result, no error and no state in the end depends on which of two neighbours comes first. Then a call of m may merge with an
// earlier one past other calls of the same process that wait to be sent, and others past it, where Combine alone merges
// only neighbours. A merged call has the earlier call's place in the order.
//
// What can be seen of it: a call may be applied before ones that the same process began earlier, of any object, as long as
// those had not been sent. Whoever waits for each call before the next one sees nothing of it, as what was answered was
// sent. Other processes, and getters of this one, may see a later call's effect without that of an earlier one that it has
// overtaken, and never the reverse of what Flush, or waiting for a future, has made sure of. It returns m, and belongs to the
// same package-level variable; it panics when m does not combine, a programming error met at start.
func (m *Mutator[T, A, R]) Commutes() *Mutator[T, A, R] {
	if m.merge == nil {
		panic("dsss: mutator " + m.name + " does not combine: call Combine before Commutes")
	}
	m.commutes = true
	return m
}

// refers tells whether values of type t share memory with others of it that they were copied to.
func refers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return refers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if refers(t.Field(i).Type) {
				return true
			}
		}
		return false
	case reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return true
	}
	return false
}

// waiting returns the call as it may wait for others. It outlives submit, whose caller may do what it likes with what a
// refers to afterwards: so such arguments are taken as they travel.
func (m *Mutator[T, A, R]) waiting(a A) (*waitingCall[T, A, R], error) {
	if m.detach {
		buf, err := m.encode(nil, a)
		if err != nil {
			return nil, notEncoded(err)
		}
		if a, err = m.read(buf); err != nil {
			return nil, err
		}
	}
	return &waitingCall[T, A, R]{m, a}, nil
}

// Post starts the mutator and forgets it: nothing resolves when it has been applied, and Job.Flush waits for all that
// were posted. The error says that it was not taken, because the job has ended or ctx did while the window was full.
func (m *Mutator[T, A, R]) Post(ctx context.Context, o *Object[T], a A) error {
	return asError(m.name, o.o.Name, m.submit(ctx, o, a, nil, false))
}

// A waiting call is what session.Pending needs to know of one that may still merge.
type waitingCall[T, A, R any] struct {
	m *Mutator[T, A, R]
	a A
}

// Absorb merges a later call of the same mutator.
func (w *waitingCall[T, A, R]) Absorb(later any) bool {
	l, same := later.(*waitingCall[T, A, R])
	return same && l.m == w.m && w.m.merge(&w.a, l.a)
}

// Commutes tells whether the mutator commutes with everything.
func (w *waitingCall[T, A, R]) Commutes() bool { return w.m.commutes }

// Append encodes the arguments as they are now.
func (w *waitingCall[T, A, R]) Append(dst []byte) ([]byte, error) {
	dst, err := w.m.encode(dst, w.a)
	if err != nil {
		err = notEncoded(err)
	}
	return dst, err
}

// Flush returns once every mutation that this process has started so far, posted ones included, has been applied to
// its replica.
func (j *Job) Flush(ctx context.Context) error {
	return asError("Flush", "", j.session.Flush(ctx))
}
