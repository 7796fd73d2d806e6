// Package class is what generated code and classes written by hand stand on: the Go type of a shared object (Of) together
// with its mutators, each with a stable numeric id, and the codecs of its arguments and its state. Programs that use
// dsss-gen need only package dsss.
//
// Of, Mutator, Codec and Outcome know the Go types. They fill the functions of Class and Method, which do not: those
// are what a replica applies calls of, whatever the program's types are.
//
// A class is complete once its package has been initialised. All functions are safe for concurrent use.
package class

import (
	"fmt"
	"hash/fnv"
	"slices"
	"sort"
	"strings"
)

// A Class describes one Go type whose values may be shared, without its type: see Of.
type Class struct {
	// Name is unique in a program, "package.Type" by convention, and is what checkpoints and logs refer to.
	Name string
	// Schema is the state's wire form as text (.fbs for generated code). It only feeds the fingerprint.
	Schema string
	// IDs are the mutators, arguments and fields that the class has, and has had, one a line with its id, name and
	// type. They decide whose logs and checkpoints the class replays, see Known. Empty for a class without a lock file.
	IDs string
	// Reads are, of a class without IDs, the fingerprints of earlier forms of it whose logs and checkpoints it replays.
	Reads []uint64
	// New returns a pointer to the zero state.
	New func() any
	// Save writes the state's canonical encoding in chunks: equal states give equal chunks. emit does not keep
	// chunk. Save is called under the replica's read side.
	Save func(obj any, emit func(chunk []byte) error) error
	// Load reads what Save wrote; next returns io.EOF after the last chunk. The chunks are untrusted: a malformed
	// one is an error, never a panic. Load may not keep a chunk.
	Load func(next func() ([]byte, error)) (any, error)
	// Assign makes *dst what *src is. It lets a replica take over a loaded state while handles keep pointing to the
	// object that they know.
	Assign func(dst, src any)

	methods []*Method // ascending ids
	byID    []*Method // dense, for ids below denseIDs
	sparse  map[uint32]*Method
	queries map[uint32]*Query
}

// A Method is one mutator, without its types: see Mutator.
type Method struct {
	// ID is stable for the life of every log and checkpoint that holds a call of it. It is never 0.
	ID   uint32
	Name string
	// Schema is the wire form of the arguments as text; it only feeds the fingerprint.
	Schema string
	// Apply decodes and verifies args, calls the mutator on obj and, when to is not nil, puts result and error
	// into it. It may not keep args. Malformed arguments are the call's error and change nothing. Apply is called
	// by the replica's one writer and may panic only if the mutator does.
	Apply func(o Order, obj any, args []byte, to Future)
	// JSON renders arguments for people (reports of a mutator that panicked). Optional.
	JSON func(args []byte) string
}

// denseIDs bounds the slice that maps ids to methods; ids from generated code are small, others go through a map.
const denseIDs = 256

// Add registers a method. It panics on an id of 0 or one used twice, both programming errors met at start.
func (c *Class) Add(m *Method) {
	if m.ID == 0 {
		panic(fmt.Sprintf("dsss: class %s: mutator %s has id 0; ids start at 1", c.Name, m.Name))
	}
	if other := c.Method(m.ID); other != nil {
		panic(fmt.Sprintf("dsss: class %s: mutators %s and %s share id %d", c.Name, other.Name, m.Name, m.ID))
	}
	c.methods = append(c.methods, m)
	sort.Slice(c.methods, func(i, j int) bool { return c.methods[i].ID < c.methods[j].ID })
	if m.ID < denseIDs {
		for len(c.byID) <= int(m.ID) {
			c.byID = append(c.byID, nil)
		}
		c.byID[m.ID] = m
		return
	}
	if c.sparse == nil {
		c.sparse = map[uint32]*Method{}
	}
	c.sparse[m.ID] = m
}

// Method returns the mutator of that id, or nil.
func (c *Class) Method(id uint32) *Method {
	if int(id) < len(c.byID) {
		return c.byID[id]
	}
	return c.sparse[id]
}

// Methods returns the mutators by ascending id. The slice belongs to the class.
func (c *Class) Methods() []*Method { return c.methods }

// Fingerprint condenses all that two processes must agree on to replay each other's calls: the class name, the ids,
// names and wire forms of the mutators, and the wire form of the state. Queries are no part of it: they stand in no log, and
// the processes of a run are of one build.
func (c *Class) Fingerprint() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s\x00", c.Name, c.Schema)
	for _, m := range c.methods {
		fmt.Fprintf(h, "%d\x00%s\x00%s\x00", m.ID, m.Name, m.Schema)
	}
	return h.Sum64()
}

// Known condenses what logs and checkpoints of the class may be made of, one number for each line of IDs: a program
// can replay what another has written when its class knows all that the other's knew. Of a class without IDs it is the
// fingerprints that it reads, its own included.
func (c *Class) Known() []uint64 {
	if c.IDs == "" {
		return append(slices.Clone(c.Reads), c.Fingerprint())
	}
	var known []uint64
	for line := range strings.Lines(c.IDs) {
		h := fnv.New64a()
		h.Write([]byte(strings.TrimSuffix(line, "\n")))
		known = append(known, h.Sum64())
	}
	return known
}
