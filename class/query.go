package class

import "fmt"

// AddQuery registers a getter. It panics on an id of 0 or one used twice, both programming errors met at start.
func (c *Class) AddQuery(q *Query) {
	if q.ID == 0 {
		panic(fmt.Sprintf("dsss: class %s: getter %s has id 0; ids start at 1", c.Name, q.Name))
	}
	if other := c.queries[q.ID]; other != nil {
		panic(fmt.Sprintf("dsss: class %s: getters %s and %s share id %d", c.Name, other.Name, q.Name, q.ID))
	}
	if c.queries == nil {
		c.queries = map[uint32]*Query{}
	}
	c.queries[q.ID] = q
}

// Query returns the getter of that id, or nil.
func (c *Class) Query(id uint32) *Query { return c.queries[id] }

// A Getter is one registered way to read hosted objects of class T: arguments A, result R. A getter with several parameters
// takes a struct of them, one with several results returns one; struct{} stands for none. dsss.Ask asks it. All methods may
// be called concurrently.
type Getter[T, A, R any] struct {
	query  *Query
	name   string // with the class's, for errors
	encode func(dst []byte, a A) ([]byte, error)
	result func(buf []byte) (R, error) // nil when there is nothing to read
}

// NewGetter registers a getter. The id tells the getters of the class apart in one build of a program, is never 0, and need
// not stay: no log holds it. args and results say how arguments get to the host and results back; their schemas are not
// used. read runs on the host, one at a time and with nothing else meanwhile; it must only read t, and what it returns may share memory with it.
// NewGetter panics when the class has a getter of that id.
func NewGetter[T, A, R any](c *Of[T], id uint32, name string, args Codec[A], results Codec[R], read func(t *T, a A) (R, error),
) *Getter[T, A, R] {
	g := &Getter[T, A, R]{name: c.Name() + "." + name, encode: args.encoder(), result: results.Read}
	answer := results.encoder()
	g.query = &Query{
		ID:   id,
		Name: name,
		Read: func(obj any, buf []byte, to *Reply) {
			var a A
			var r R
			var err error
			if args.Read != nil {
				if a, err = args.Read(buf); err != nil {
					err = fmt.Errorf("%s: arguments: %w", g.name, err)
				}
			}
			if err == nil {
				r, err = read(obj.(*T), a)
			}
			answerTo(to, g.name, answer, r, err)
		},
	}
	c.c.AddQuery(g.query)
	return g
}

// Query returns the getter as hosts know it.
func (g *Getter[T, A, R]) Query() *Query { return g.query }

// Append appends the encoded arguments to dst, whose length is a multiple of 8, and returns the extended slice.
func (g *Getter[T, A, R]) Append(dst []byte, a A) ([]byte, error) { return g.encode(dst, a) }

// Decode returns the result that Query.Read has put into Reply.Data. data is untrusted: what is malformed is an error.
// The result does not refer to data.
func (g *Getter[T, A, R]) Decode(data []byte) (R, error) { return decodeResult(g.name, g.result, data) }
