package flat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/internal/limits"
)

// ErrEncode is what errors about a value that cannot be written wrap: it refers to itself, its MarshalBinary fails, or it
// is larger than a buffer may be. ErrTooLarge is wrapped, too, in the last case.
var (
	ErrEncode   = errors.New("cannot be encoded")
	ErrTooLarge = errors.New("arguments too large")
)

// An Offset is where the Builder has written something, in bytes from the end of the buffer; 0 is nowhere.
type Offset = flatbuffers.UOffsetT

// A Builder is FlatBuffers' own together with what may go wrong in writing, and with what is left for later parts of a
// state. The first error sticks; what is built then is not to be used.
type Builder struct {
	flatbuffers.Builder
	// depth is how many tables are begun and not ended, in this part and in those that it continues; path has the field
	// that each of them is writing.
	depth int
	path  [limits.TableDepth + 1]string
	err   error

	// limit is the number of bytes at which a buffer is full. A call that gets there is an error. The parts of a state
	// take no more items then, and leave them, as what is open, to later parts.
	limit  int
	parted bool
	owed   int // bytes of the offsets of elements that are written and of which the vector is not
	open   []open
}

// Err returns the first error, or nil.
func (b *Builder) Err() error { return b.err }

// Fail makes err the error, with the place where it happened, unless there is one.
func (b *Builder) Fail(err error) {
	if b.err == nil {
		b.err = fmt.Errorf("%s%w: %w", b.where(), ErrEncode, err)
	}
}

// where says which field is being written.
func (b *Builder) where() string {
	names := slices.DeleteFunc(slices.Clone(b.path[1:b.depth+1]), func(name string) bool { return name == "" })
	if len(names) > pathNames {
		names = append(names[:pathNames:pathNames], "…")
	}
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, ".") + " "
}

// pathNames is how many fields the path of an error has at most; a cycle would have limits.TableDepth.
const pathNames = 4

// Field says which field of the table that was entered last is written next, for errors.
func (b *Builder) Field(name string) { b.path[b.depth] = name }

// Enter begins a table, before what it refers to is written, and tells whether to go on: not when tables are nested too
// deeply. Leave follows at its end when it is to be gone on.
func (b *Builder) Enter() bool {
	switch {
	case b.err != nil:
	case b.depth == limits.TableDepth:
		b.Fail(fmt.Errorf("values refer to each other through more than %d levels, or in a cycle; keep them in one slice or map and refer by index or key", limits.TableDepth))
	case !b.parted && int(b.Offset())+b.owed > b.limit:
		b.overflow()
	}
	if b.err != nil {
		return false
	}
	b.depth++
	b.path[b.depth] = ""
	return true
}

// Leave ends what Enter began, and returns the table.
func (b *Builder) Leave() Offset {
	b.depth--
	return b.EndObject()
}

func (b *Builder) overflow() { b.Fail(fmt.Errorf("%w: at most %d bytes fit", ErrTooLarge, b.limit)) }

// room is how many bytes there is room for. In a part it may be none; a part that has nothing yet takes one item,
// whatever its size.
func (b *Builder) room() int { return max(0, b.limit-int(b.Offset())-b.owed) }

// fit returns how many of n items of size bytes each to write here: all of them, but in a part only those that fit.
func (b *Builder) fit(n, size int) int {
	switch room := b.room() / size; {
	case n <= room:
		return n
	case b.parted && b.Offset() == 0:
		return max(1, room)
	case b.parted:
		return room
	}
	b.overflow()
	return 0
}

// takes tells whether to write one more item behind the n that a vector has here.
func (b *Builder) takes(n int) bool {
	switch {
	case b.err != nil:
		return false
	case b.room() > 0:
		return true
	case !b.parted:
		b.overflow()
		return false
	}
	return n == 0 && b.Offset() == 0
}

// begin makes b ready for a new buffer.
func (b *Builder) begin() {
	b.Reset()
	b.depth, b.err, b.owed, b.open = 0, nil, 0, nil
}

var builders = sync.Pool{New: func() any { return &Builder{Builder: *flatbuffers.NewBuilder(256)} }}

// keptBuilder is the largest buffer, in bytes, that a Builder keeps for its next use: that of a state's part, which has
// doubled once more than it had to.
const keptBuilder = 4 * limits.Piece

// borrow returns a Builder for one buffer of at most limit bytes, or for parts of about as many.
func borrow(limit int, parted bool) *Builder {
	b := builders.Get().(*Builder)
	b.begin()
	b.limit, b.parted = limit, parted
	return b
}

func (b *Builder) giveBack() {
	b.open = nil
	if cap(b.Bytes) <= keptBuilder {
		builders.Put(b)
	}
}

// Append appends the buffer of v, as build writes it, to dst. The error wraps ErrEncode and names the field; dst is then
// returned as it was.
func Append[T any](dst []byte, v T, build func(*Builder, T) Offset) ([]byte, error) {
	return appendWithin(limits.Call, dst, v, build)
}

// appendWithin is Append for a buffer of at most limit bytes.
func appendWithin[T any](limit int, dst []byte, v T, build func(*Builder, T) Offset) ([]byte, error) {
	b := borrow(limit, false)
	root := build(b, v)
	err := b.err
	if err == nil {
		b.Finish(root)
		dst = append(dst, b.FinishedBytes()...)
	}
	b.giveBack()
	return dst, err
}
