package flat

import (
	"fmt"
	"sync"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/internal/limits"
)

// An Offset is where the Builder has written something; 0 is nowhere.
type Offset = flatbuffers.UOffsetT

// A Builder is FlatBuffers' own together with what may go wrong in writing: a value nested more deeply than a reader
// would take, which a cycle of pointers is, and a MarshalBinary that fails. The first error sticks; what is built then is
// not to be used.
type Builder struct {
	flatbuffers.Builder
	depth int
	err   error
}

// Err returns the first error, or nil.
func (b *Builder) Err() error { return b.err }

// Fail makes err the error unless there is one.
func (b *Builder) Fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// Enter begins a table, before what it refers to is written, and tells whether to go on: not when tables are nested too
// deeply. Leave follows at its end when it is to be gone on.
func (b *Builder) Enter() bool {
	if b.depth == limits.TableDepth {
		b.Fail(fmt.Errorf("values refer to each other through more than %d levels, or in a cycle; keep them in one slice or map and refer by index or key", limits.TableDepth))
	}
	if b.err != nil {
		return false
	}
	b.depth++
	return true
}

// Leave ends what Enter began, and returns the table.
func (b *Builder) Leave() Offset {
	b.depth--
	return b.EndObject()
}

var builders = sync.Pool{New: func() any { return &Builder{Builder: *flatbuffers.NewBuilder(256)} }}

// keptBuilder is the largest buffer, in bytes, that a Builder keeps for its next use: that of a state's chunk, which has
// doubled once more than it had to.
const keptBuilder = 4 * limits.Piece

// Use hands the buffer of v, as build writes it, to use, which may not keep it. Its error is use's or the Builder's.
func Use[T any](v T, build func(*Builder, T) Offset, use func(buf []byte) error) error {
	b := builders.Get().(*Builder)
	b.Reset()
	b.depth, b.err = 0, nil
	root := build(b, v)
	err := b.err
	if err == nil {
		b.Finish(root)
		err = use(b.FinishedBytes())
	}
	if cap(b.Bytes) <= keptBuilder {
		builders.Put(b)
	}
	return err
}

// Append appends the buffer of v, as build writes it, to dst. What cannot be written is a mistake of the program that
// called, and a panic with an error.
func Append[T any](dst []byte, v T, build func(*Builder, T) Offset) []byte {
	b := builders.Get().(*Builder)
	b.Reset()
	b.depth, b.err = 0, nil
	root := build(b, v)
	if b.err != nil {
		panic(fmt.Errorf("dsss: a value that cannot travel: %w", b.err))
	}
	b.Finish(root)
	dst = append(dst, b.FinishedBytes()...)
	if cap(b.Bytes) <= keptBuilder {
		builders.Put(b)
	}
	return dst
}
