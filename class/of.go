package class

// Of is a class whose values are of Go type T. Make one a type, in a package-level variable, so that every process of
// the job, the keeper included, knows it before Join.
type Of[T any] struct {
	c    *Class
	save func(t *T, emit func(chunk []byte) error) error
}

// New registers a class under a name that is unique in the program, "package.Type" by convention. The zero value of T is
// the state of a new object. It panics when the name is taken.
func New[T any](name string, state StateCodec[T]) *Of[T] {
	c := &Class{
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
	Register(c)
	return &Of[T]{c: c, save: state.Save}
}

// IDs says what the class's logs and checkpoints are made of, one line for each mutator, argument and field with its
// id, name and type, those of earlier forms of the class included. A program resumes what another has written when its
// class has all lines of the other's. dsss-gen writes it from dsss.lock. It returns c, and belongs to the same
// package-level variable.
func (c *Of[T]) IDs(lines string) *Of[T] {
	c.c.IDs = lines
	return c
}

// Reads says that a class without IDs replays the logs and loads the checkpoints of earlier forms of it, all of them
// named by their fingerprints. It returns c, and belongs to the same package-level variable.
func (c *Of[T]) Reads(fingerprints ...uint64) *Of[T] {
	c.c.Reads = fingerprints
	return c
}

// Fingerprint condenses the class's name, its mutators and the wire forms of arguments and state, once all mutators
// are registered. Two processes of one job have the same.
func (c *Of[T]) Fingerprint() uint64 { return c.c.Fingerprint() }

// Name returns the class's name.
func (c *Of[T]) Name() string { return c.c.Name }
