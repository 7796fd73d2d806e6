package dsss

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/class"
)

// A Codec says how values of A travel: as one FlatBuffers buffer each.
//
// dsss-gen writes codecs; a person may too. The functions are called by many goroutines at once.
type Codec[A any] struct {
	// Schema is the wire form as text, by convention the .fbs table. Two processes whose schemas differ do not
	// join the same job.
	Schema string
	// Build writes a into b and returns the root offset; the caller finishes and resets b. Build may not keep b.
	// It must be deterministic: equal values give equal bytes. nil, with Append nil too, means that there is nothing
	// to write.
	Build func(b *flatbuffers.Builder, a A) flatbuffers.UOffsetT
	// Append, when set, is used in place of Build: it appends the finished buffer to dst, whose length is a
	// multiple of 8, and returns the extended slice. It must not change what dst holds. It is how tables of fixed size
	// are written without a Builder, and how a value that cannot be written is told: the error, which should say which
	// argument it is about, is the call's, and nothing is sent.
	Append func(dst []byte, a A) ([]byte, error)
	// Read verifies buf and returns the value. buf is untrusted: a malformed one is an error (see package
	// dsss/flat), never a panic. The value may not alias buf. nil means that there is nothing to read.
	Read func(buf []byte) (A, error)
}

// A StateCodec says how the state of a class is written to checkpoints and sent to processes that join.
type StateCodec[T any] struct {
	// Schema is the wire form as text, as in Codec.
	Schema string
	// Save writes t's canonical encoding in chunks of at most a few MiB: equal states give equal chunks. emit does
	// not keep chunk. An error, which should say which field it is about, is the checkpoint's.
	Save func(t *T, emit func(chunk []byte) error) error
	// Load fills t, a zero state, from what Save wrote; next returns io.EOF after the last chunk. Chunks are
	// untrusted and may not be kept.
	Load func(t *T, next func() ([]byte, error)) error
}

// A Class is a Go type whose values may be shared. Make one a type, in a package-level variable, so that every
// process of the job, the keeper included, knows it before Join.
type Class[T any] struct {
	c    *class.Class
	save func(t *T, emit func(chunk []byte) error) error
}

// NewClass registers a class under a name that is unique in the program, "package.Type" by convention. The zero value
// of T is the state of a new object. It panics when the name is taken.
func NewClass[T any](name string, state StateCodec[T]) *Class[T] {
	c := &class.Class{
		Name:   name,
		Schema: state.Schema,
		New:    func() any { return new(T) },
		Save:   func(obj any, emit func([]byte) error) error { return state.Save(obj.(*T), emit) },
		Load: func(next func() ([]byte, error)) (any, error) {
			t := new(T)
			return t, state.Load(t, next)
		},
		Assign: func(dst, src any) { *dst.(*T) = *src.(*T) },
	}
	class.Register(c)
	return &Class[T]{c: c, save: state.Save}
}

// IDs says what the class's logs and checkpoints are made of, one line for each mutator, argument and field with its
// id, name and type, those of earlier forms of the class included. A program resumes what another has written when its
// class has all lines of the other's. dsss-gen writes it from dsss.lock. It returns c, and belongs to the same
// package-level variable.
func (c *Class[T]) IDs(lines string) *Class[T] {
	c.c.IDs = lines
	return c
}

// Reads says that a class without IDs replays the logs and loads the checkpoints of earlier forms of it, all of them
// named by their fingerprints. It returns c, and belongs to the same package-level variable.
func (c *Class[T]) Reads(fingerprints ...uint64) *Class[T] {
	c.c.Reads = fingerprints
	return c
}

// Fingerprint condenses the class's name, its mutators and the wire forms of arguments and state, once all mutators
// are registered. Two processes of one job have the same.
func (c *Class[T]) Fingerprint() uint64 { return c.c.Fingerprint() }

// Name returns the class's name.
func (c *Class[T]) Name() string { return c.c.Name }

// A Mutator is one registered way to change objects of class T: arguments A, result R. A mutator with several
// parameters takes a struct of them; one without takes struct{}.
type Mutator[T, A, R any] struct {
	id       uint32
	name     string
	encode   func(dst []byte, a A) ([]byte, error)
	copy     func(R) R // nil when results need no copy
	read     func(buf []byte) (A, error)
	merge    func(into *A, a A) (ok bool) // nil when calls do not combine
	commutes bool                         // calls may merge past any others
	detach   bool                         // arguments that wait to merge must be copied
}

// NewMutator registers a mutator. The id is what logs hold: it must stay with this mutator for ever, and is never 0.
// apply runs on every replica, alone, and must be deterministic: no clock, randomness (but those of Order), I/O,
// goroutines, map order or globals; it may keep what a holds, which is its own. One that returns an error must have
// changed nothing.
func NewMutator[T, A, R any](c *Class[T], id uint32, name string, args Codec[A], apply func(o Order, t *T, a A) (R, error),
) *Mutator[T, A, R] {
	m := &Mutator[T, A, R]{id: id, name: name, encode: args.encoder(), read: args.Read}
	w := &watch{}
	c.c.Add(&class.Method{
		ID:     id,
		Name:   name,
		Schema: args.Schema,
		Apply: func(o class.Order, obj any, buf []byte, to class.Future) {
			var a A
			var r R
			var err error
			if args.Read != nil {
				if a, err = args.Read(buf); err != nil {
					err = fmt.Errorf("%s.%s: arguments: %w", c.Name(), name, err)
				}
			}
			switch {
			case err != nil:
			case checkErrors:
				r, err = applyChecked(w, c.save, name, apply, Order(o), obj.(*T), a)
			default:
				r, err = apply(Order(o), obj.(*T), a)
			}
			switch f := to.(type) {
			case nil:
			case *Future[R]:
				if m.copy != nil {
					r = m.copy(r)
				}
				f.result, f.err = r, err
			default: // several callers of merged calls, who have no result
				to.Put(err)
			}
		},
		JSON: func(buf []byte) string { return argsJSON(args, buf) },
	})
	return m
}

// CopyResult has results copied before their caller gets them, for mutators whose results share memory with the state.
// Only the process whose call it was copies. It returns m, and belongs to the same package-level variable.
func (m *Mutator[T, A, R]) CopyResult(copy func(R) R) *Mutator[T, A, R] {
	m.copy = copy
	return m
}

func argsJSON[A any](args Codec[A], buf []byte) string {
	if args.Read == nil {
		return "{}"
	}
	a, err := args.Read(buf)
	if err != nil {
		return err.Error()
	}
	text, err := json.Marshal(a)
	if err != nil {
		return fmt.Sprintf("%+v", a)
	}
	return string(text)
}

// Call runs the mutator on every replica and returns what it returned on ours, when it has been applied there.
//
// When ctx ends first the error is an *Error that wraps both ctx's cause and ErrUnconfirmed (the mutation was sent
// and may yet be applied) or ErrNotApplied (it was not sent and never will be).
func (m *Mutator[T, A, R]) Call(ctx context.Context, o *Object[T], a A) (R, error) {
	f := m.start(ctx, o, a, true)
	return f.Wait(ctx)
}

// Go starts the mutator and returns at once, unless the window of mutations in flight is full: then it waits for room.
// Mutations of one process are applied in the order in which they were started.
func (m *Mutator[T, A, R]) Go(ctx context.Context, o *Object[T], a A) *Future[R] {
	return m.start(ctx, o, a, false)
}

// encoder returns how arguments are appended to a batch: by Append, or else by Build and a copy.
func (c Codec[A]) encoder() func(dst []byte, a A) ([]byte, error) {
	switch {
	case c.Append != nil:
		return c.Append
	case c.Build == nil:
		return func(dst []byte, _ A) ([]byte, error) { return dst, nil }
	}
	return func(dst []byte, a A) ([]byte, error) {
		b := builders.Get().(*flatbuffers.Builder)
		defer builders.Put(b)
		b.Reset()
		b.Finish(c.Build(b, a))
		return append(dst, b.FinishedBytes()...), nil
	}
}

var builders = sync.Pool{New: func() any { return flatbuffers.NewBuilder(256) }}

func (m *Mutator[T, A, R]) start(ctx context.Context, o *Object[T], a A, lone bool) *Future[R] {
	f := &Future[R]{op: &m.name, object: o.o}
	if err := m.submit(ctx, o, a, f, lone); err != nil {
		f.Fail(err)
	}
	return f
}

// submit hands the call to the session; f may be nil. An error means that the call was not taken.
func (m *Mutator[T, A, R]) submit(ctx context.Context, o *Object[T], a A, f class.Future, lone bool) error {
	s := o.job.session
	if m.merge != nil {
		w, err := m.waiting(a)
		if err != nil {
			return err
		}
		return s.Merge(ctx, o.o.ID, m.id, w, f, lone)
	}
	frame, err := s.Begin(ctx, o.o.ID, m.id)
	if err != nil {
		return err
	}
	taken := false
	defer func() {
		if !taken { // what cannot be encoded, and what panicked: leave the batch as it was
			s.Abort()
		}
	}()
	if frame, err = m.encode(frame, a); err != nil {
		return notEncoded(err)
	}
	taken = true
	return s.Commit(frame, f, lone)
}

// notEncoded is the error of a call whose arguments cannot be encoded.
func notEncoded(err error) error { return fmt.Errorf("%w: arguments: %w", ErrNotApplied, err) }
