package flat

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"dsss/internal/limits"
)

// A state is written as a stream of buffers, so that neither FlatBuffers' limit of 2 GiB nor that of a frame is met. A small
// state is one buffer of the state's own table. A larger one is parts, buffers of this table:
//
//	table Part {
//	  content:(the state, or what goes on) (id: 0);
//	  number:ulong (id: 1);  // of the part: the first is 0
//	  left:ulong (id: 2);    // the number of items that follow in later parts
//	  open:[uint] (id: 3);   // what this part leaves open
//	}
//	file_identifier "PART";
//
// A part that is full leaves open what has more items than fit: a vector, a string or a map that has its first items there,
// or the table of a pointer, which is empty there. The content of a later part is such a vector, string, map or table, with
// the next items; it has one at least. The content of the first part is the state.
//
// Places in open are distances from the end of the buffer, as an Offset is, and ascend. Behind a part come the parts of what
// it leaves open, in the order of open, each thing's parts in a row; and in between, behind a part that leaves something open
// itself, the parts of that.
//
// Items, the keys of maps, and what is open are in the order of the fields' ids, and where a part ends depends on the state
// alone: equal states give equal buffers. A reader that knows nothing of a field skips what is open of it.
const (
	partContent = iota
	partNumber
	partLeft
	partOpen
	partSlots
)

// partName is the file identifier. Where it stands a buffer of the state's own table has zeros or the length of a vtable.
const partName = "PART"

// open is something of which a part has only the first items.
type open struct {
	offset     Offset
	had, total int      // items
	depth      int      // of what refers to it
	path       []string // the Builder's, so far
	// part writes more items, from the first that no part has, and returns how many these are.
	part func(b *Builder, from int) (Offset, int)
}

// leave leaves open what stands at offset with had of its total items.
func (b *Builder) leave(offset Offset, had, total int, part func(b *Builder, from int) (Offset, int)) {
	if b.err == nil {
		b.open = append(b.open, open{offset, had, total, b.depth, slices.Clone(b.path[:b.depth+1]), part})
	}
}

// Save hands the buffers of state v, as build writes it, to emit, which may not keep them. The error is emit's, or wraps
// ErrEncode and names the field.
func Save[T any](emit func(chunk []byte) error, v T, build func(*Builder, T) Offset) error {
	return SaveParts(emit, limits.Piece, v, build)
}

// SaveParts is Save with buffers of about that many bytes. A buffer exceeds it by what a table has besides items.
func SaveParts[T any](emit func(chunk []byte) error, bytes int, v T, build func(*Builder, T) Offset) error {
	b := borrow(bytes, true)
	defer b.giveBack()
	root := build(b, v)
	if len(b.open) > 0 {
		s := saver{b: b, emit: emit}
		return s.part(root, 0)
	}
	if b.err != nil {
		return b.err
	}
	b.Finish(root)
	return emit(b.FinishedBytes())
}

// A saver numbers the parts of one state.
type saver struct {
	b      *Builder
	emit   func([]byte) error
	number uint64 // of the next part
}

// part ends a part of that content, and emits it and the parts of what it leaves open.
func (sv *saver) part(content Offset, left int) error {
	b := sv.b
	if b.err != nil {
		return b.err
	}
	list := b.open
	var places Offset
	if len(list) > 0 {
		s := make([]uint32, len(list))
		for i, o := range list {
			s[i] = uint32(o.offset)
		}
		places = writeNumbers(b, s)
	}
	b.StartObject(partSlots)
	PutNumber(b, partNumber, sv.number)
	PutNumber(b, partLeft, uint64(left))
	PutOffset(b, partContent, content)
	PutOffset(b, partOpen, places)
	b.FinishWithFileIdentifier(b.EndObject(), []byte(partName))
	sv.number++
	if err := sv.emit(b.FinishedBytes()); err != nil {
		return err
	}
	for i := range list {
		if err := sv.rest(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

// rest emits the parts of what is open.
func (sv *saver) rest(o *open) error {
	b := sv.b
	for o.had < o.total {
		b.begin()
		b.depth = o.depth
		copy(b.path[:], o.path)
		content, n := o.part(b, o.had)
		o.had += n
		if err := sv.part(content, o.total-o.had); err != nil {
			return err
		}
	}
	o.part = nil // and what it holds, such as the keys of a map
	return nil
}

// Load reads the state that Save wrote, its table by read. next returns io.EOF after the last buffer, and need not keep
// one when it is called again. The error is next's, or wraps ErrMalformed. What is allocated is a small multiple of what was
// read, whatever it claims.
func Load[T any](next func() ([]byte, error), read func(Table) T) (v T, err error) {
	first, err := next()
	if err == io.EOF {
		return v, fmt.Errorf("%w: a state without a buffer", ErrMalformed)
	}
	if err != nil {
		return v, err
	}
	check := &Verifier{}
	if isPart(first) {
		part := partOf(first, &source{next: next}, 0)
		if check = part.v; part.Has(partLeft) {
			part.Fail("a state with items to come")
		}
		v = read(part.Sub(partContent))
		check.skipOpen(0)
	} else {
		*check = New(first)
		v = read(check.Root())
	}
	if check.err == nil {
		if _, err := next(); err == nil {
			check.Failf("a buffer behind the state")
		} else if err != io.EOF {
			check.err = err
		}
	}
	if check.err != nil {
		var zero T
		return zero, check.err
	}
	return v, nil
}

// A source is where the parts of one state come from.
type source struct {
	next   func() ([]byte, error)
	number uint64 // of the next part
}

func isPart(buf []byte) bool { return len(buf) >= 8 && string(buf[4:8]) == partName }

// claim tells whether what stands at that place is open, and makes its parts the next ones.
func (v *Verifier) claim(at, depth int) bool {
	if v.source == nil {
		return false
	}
	place := uint32(len(v.buf) - at)
	for len(v.open) > 0 && v.err == nil {
		first := binary.LittleEndian.Uint32(v.open)
		if first > place {
			return false
		}
		v.open = v.open[4:]
		if first == place {
			return true
		}
		v.skip(depth)
	}
	return false
}

// skipOpen reads over the parts of all that is open and was not asked for. Their nesting is bounded, as that of tables is.
func (v *Verifier) skipOpen(depth int) {
	for len(v.open) > 0 && v.err == nil {
		v.open = v.open[4:]
		v.skip(depth)
	}
}

// skip reads over the parts of one thing that is open.
func (v *Verifier) skip(depth int) {
	if depth > 2*limits.TableDepth {
		v.Failf("parts nested too deeply")
	}
	for left := uint64(math.MaxUint64); left > 0 && v.err == nil; {
		part := v.part(1)
		if part.v == nil {
			return
		}
		now := ReadNumber[uint64](part, partLeft)
		if now >= left {
			part.Fail("a part with %d items to come behind one with %d", now, left)
		}
		left = now
		part.v.skipOpen(depth + 1)
		v.err = part.v.err
	}
}

// part reads the next buffer as a Part that stands in place of the table so deep. It is without a Verifier when the walk has
// failed.
func (v *Verifier) part(depth int) Table {
	buf, err := v.source.next()
	if err == io.EOF {
		v.Failf("a state that ends before the parts of what is open")
	} else if err != nil && v.err == nil {
		v.err = err
	}
	if v.err != nil {
		return Table{}
	}
	return partOf(buf, v.source, depth)
}

// partOf reads a buffer as a Part that stands in place of the table so deep.
func partOf(buf []byte, from *source, depth int) Table {
	check := &Verifier{buf: buf, budget: len(buf), source: from}
	if !isPart(buf) {
		check.Failf("a buffer that is no part of a larger state")
	}
	t := check.root(depth)
	if number := ReadNumber[uint64](t, partNumber); number != from.number {
		t.Fail("part %d of a state in place of part %d", number, from.number)
	}
	from.number++
	if n, at := t.vector(partOpen, 4); n > 0 {
		check.buf = bytes.Clone(buf) // it is read on after the parts of what it leaves open
		check.open = check.buf[at : at+4*n]
	}
	return t
}

// A rest reads the parts of something that is open, one by one. The zero rest has none. It is a value, so that a Verifier
// may stay on the stack.
type rest struct {
	owner Table // what refers to it
	part  Table // the part that is being read; its slot partContent has the items
	had   int   // items that stand before the part
	left  int   // items that follow it
	total int   // items in all; -1 while that is not known
}

// rest returns the parts of what stands at that place and is referred to by t.
func (t Table) rest(at int) rest {
	if !t.v.claim(at, t.depth) {
		return rest{}
	}
	return rest{owner: t, total: -1}
}

// more tells whether there is one more part behind the had items that were read, and makes it the part to be read.
func (r *rest) more(had int) bool {
	v := r.owner.v
	if v == nil {
		return false
	}
	if r.part.v != nil {
		r.ended(had)
		if r.left == 0 {
			return false
		}
	}
	if v.err != nil {
		return false
	}
	part := v.part(r.owner.depth)
	if part.v == nil {
		return false
	}
	left := ReadNumber[uint64](part, partLeft)
	if left > math.MaxInt64/2 {
		part.Fail("a part with %d items to come", left)
	}
	r.part, r.had, r.left = part, had, int(left)
	if v.err = part.v.err; v.err != nil {
		return false
	}
	return true
}

// text returns the bytes of a string that the part has.
func (r *rest) text() []byte {
	if at := r.part.follow(partContent); at != 0 {
		return r.part.v.str(at)
	}
	return nil
}

// ended checks the part that was read, with which there are had items.
func (r *rest) ended(had int) {
	v := r.part.v
	if r.total < 0 {
		r.total = had + r.left
	}
	if v.err == nil && (had == r.had || had+r.left != r.total) {
		v.Failf("a part after which there are %d items and %d to come, of %d", had, r.left, r.total)
	}
	v.skipOpen(r.part.depth)
	r.owner.v.err = v.err
}

// grow returns s with room for n more items, of total in all. It makes room for a part of the total that is at most so
// many times what is there already, because the total is a claim; in steps that lead to the total itself.
func grow[S ~[]E, E any](s S, n, total, times int) S {
	need := len(s) + n
	if need <= cap(s) {
		return s
	}
	size := max(total, need)
	for size/times >= need {
		size /= times
	}
	larger := make(S, len(s), size) // memory new from the system need not be cleared, as slices.Grow would
	copy(larger, s)
	return larger
}
