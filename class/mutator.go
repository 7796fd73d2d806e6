package class

import "fmt"

// A Mutator is one registered way to change objects of class T: arguments A, result R. A mutator with several
// parameters takes a struct of them; one without takes struct{}. dsss.Call, dsss.Go and dsss.Post call it.
type Mutator[T, A, R any] struct {
	method   *Method
	encode   func(dst []byte, a A) ([]byte, error)
	copy     func(R) R // nil when results need no copy
	read     func(buf []byte) (A, error)
	name     string                                // with the class's, for errors
	answer   func(dst []byte, r R) ([]byte, error) // nil when nothing says how results travel
	result   func(buf []byte) (R, error)           // nil when there is nothing to read
	merge    func(into *A, a A) (ok bool)          // nil when calls do not combine
	commutes bool                                  // calls may merge past any others
	detach   bool                                  // arguments that wait to merge must be copied
}

// NewMutator registers a mutator. The id is what logs hold: it must stay with this mutator for ever, and is never 0.
// apply runs on every replica that holds the object, alone, and must be deterministic: no clock, randomness (but those of
// dsss.Order), I/O, goroutines, map order or globals; it may keep what a holds, which is its own. One that returns an error
// must have changed nothing. NewMutator panics when the class has a mutator of that id.
func NewMutator[T, A, R any](c *Of[T], id uint32, name string, args Codec[A], apply func(o Order, t *T, a A) (R, error),
) *Mutator[T, A, R] {
	m := &Mutator[T, A, R]{encode: args.encoder(), read: args.Read, name: c.Name() + "." + name}
	w := &watch{}
	m.method = &Method{
		ID:     id,
		Name:   name,
		Schema: args.Schema,
		Apply: func(o Order, obj any, buf []byte, to Future) {
			var a A
			var r R
			var err error
			if args.Read != nil {
				if a, err = args.Read(buf); err != nil {
					err = fmt.Errorf("%s: arguments: %w", m.name, err)
				}
			}
			switch {
			case err != nil:
			case checkErrors:
				r, err = applyChecked(w, c.save, name, apply, o, obj.(*T), a)
			default:
				r, err = apply(o, obj.(*T), a)
			}
			switch f := to.(type) {
			case nil:
			case *Outcome[R]:
				if m.copy != nil {
					r = m.copy(r)
				}
				f.result, f.err = r, err
			case *Reply:
				m.reply(f, r, err)
			default: // several callers of merged calls, which have no result
				to.Put(err)
			}
		},
		JSON: func(buf []byte) string { return argsJSON(args, buf) },
	}
	c.c.Add(m.method)
	return m
}

// CopyResult has results copied before their caller gets them, for mutators whose results share memory with the state.
// Only the process whose call it was copies. It returns m, and belongs to the same package-level variable.
func (m *Mutator[T, A, R]) CopyResult(copy func(R) R) *Mutator[T, A, R] {
	m.copy = copy
	return m
}

// Method returns the mutator as replicas know it.
func (m *Mutator[T, A, R]) Method() *Method { return m.method }

// Append appends the encoded arguments to dst, whose length is a multiple of 8, and returns the extended slice.
func (m *Mutator[T, A, R]) Append(dst []byte, a A) ([]byte, error) { return m.encode(dst, a) }
