package class

import "reflect"

// Combine lets calls of m that wait to be sent merge: when merge can add the later call's arguments a to an earlier
// one's, it does so in *into and returns true, and one call travels in place of two. Calls of m must commute, and a
// merged call must leave the state as the two would have; sums, maxima, minima and histogram bins do. merge is called
// with the session locked: it only computes.
//
// Merged calls share one application, so a mutator that combines has no result (R is struct{}) and returns no error;
// Combine panics when R is something else, a programming error met at start. It returns m, and belongs to the same
// package-level variable.
func (m *Mutator[T, A, R]) Combine(merge func(into *A, a A) bool) *Mutator[T, A, R] {
	if !hasNone[R]() {
		panic("dsss: mutator " + m.method.Name + " has a result, which merged calls could not share: it cannot combine")
	}
	m.merge = merge
	m.detach = refers(reflect.TypeFor[A]())
	return m
}

// Commutes declares that calls of m, which has to combine, commute with every call of every mutator, on any object: no
// result, no error and no state in the end depends on which of two neighbours comes first. Then a call of m may merge
// with an earlier one past other calls of the same process that wait to be sent, and others past it, where Combine
// alone merges only neighbours. A merged call has the earlier call's place in the order.
//
// So a call may be applied before calls of any object that the same process began earlier, as long as those had not been
// sent. Other processes, and getters of this one, may see a later call's effect without that of an earlier call. The
// order that Flush, or waiting for a future, has established is kept. Commutes returns m, and belongs to the same
// package-level variable; it panics when m does not combine, a programming error met at start.
func (m *Mutator[T, A, R]) Commutes() *Mutator[T, A, R] {
	if m.merge == nil {
		panic("dsss: mutator " + m.method.Name + " does not combine: call Combine before Commutes")
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

// Combines tells whether calls of m may merge.
func (m *Mutator[T, A, R]) Combines() bool { return m.merge != nil }

// A Waiting is a call of a mutator that combines, while it waits to be sent. It is for one goroutine at a time.
type Waiting[T, A, R any] struct {
	m *Mutator[T, A, R]
	a A
}

// Waiting returns the call of m, which combines, with arguments a. The caller may go on to change what a refers to: the
// call has a copy. An error says that a cannot be encoded.
func (m *Mutator[T, A, R]) Waiting(a A) (*Waiting[T, A, R], error) {
	if m.detach {
		buf, err := m.encode(nil, a)
		if err != nil {
			return nil, err
		}
		if a, err = m.read(buf); err != nil {
			return nil, err
		}
	}
	return &Waiting[T, A, R]{m, a}, nil
}

// Absorb merges a later call of the same mutator, and tells whether it did.
func (w *Waiting[T, A, R]) Absorb(later any) bool {
	l, same := later.(*Waiting[T, A, R])
	return same && l.m == w.m && w.m.merge(&w.a, l.a)
}

// Commutes tells whether the mutator commutes with everything.
func (w *Waiting[T, A, R]) Commutes() bool { return w.m.commutes }

// Append is Mutator.Append for the arguments as they are now.
func (w *Waiting[T, A, R]) Append(dst []byte) ([]byte, error) { return w.m.encode(dst, w.a) }
