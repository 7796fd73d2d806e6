// Package flat verifies FlatBuffers as they are read, and has what generated codecs share: vectors as one copy of memory,
// maps as two columns, strings and slices that do not alias their buffer.
//
// The Go FlatBuffers library trusts its input: an offset that points outside the buffer panics in the accessor that
// follows it. Everything that DSSS reads from a connection or a file therefore passes through here first. A [Verifier]
// walks one buffer with the field layout that the caller states, and checks that every offset, vtable, vector and
// string lies inside the buffer and that nothing is visited more often than an honest encoder could have written it.
// After a walk that ends without an error the accessors that flatc generates are safe on every field that was walked. The
// Read functions verify and read in one go: what they return counts once Err has returned nil.
//
// The layout checked is the one of the FlatBuffers internals page (https://flatbuffers.dev/internals/):
//
//	buffer   u32 root      offset of the root table from the start
//	table    i32 vtable    distance back to the vtable, then the fields inline
//	vtable   u16 bytes of the vtable, u16 bytes of the table's inline part, then one u16 offset a field (0: absent)
//	vector   u32 count, then the elements
//	string   a vector of bytes, then a zero byte
//
// A state, which may be larger than a buffer, is written by [Save] as a stream of buffers and read by [Load]; the Create and
// Read functions see to what part of a value is in which.
//
// A Verifier is used by one goroutine; it holds no reference once dropped and copies nothing.
package flat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"dsss/internal/limits"
)

// ErrMalformed is what every error of this package wraps: the bytes are not the buffer that the caller expects.
var ErrMalformed = errors.New("malformed buffer")

// A Verifier checks one buffer. Its first error sticks: later checks do nothing and report false.
type Verifier struct {
	buf []byte
	// budget is the number of bytes that may still be visited. It starts at the buffer's length: an honest
	// encoder never lets two offsets share a table, vector or string (it shares only vtables, which are not
	// charged), so a walk that visits more than the buffer holds is an attempt to amplify.
	budget int
	err    error

	// Of a part of a state: where the next one comes from, and what this one leaves open and the walk has not come to,
	// as part.go tells. Both are nil for a buffer that is all there is.
	source *source
	open   []byte
}

// New starts the verification of buf, which must not change until the reading that follows is over.
func New(buf []byte) Verifier { return Verifier{buf: buf, budget: len(buf)} }

// Err returns the first error, or nil.
func (v *Verifier) Err() error { return v.err }

func (v *Verifier) fail(what string, at int) {
	if v.err == nil {
		v.err = fmt.Errorf("%w: %s at byte %d of %d", ErrMalformed, what, at, len(v.buf))
	}
}

// Failf lets a caller add a rule of its own (a required field, a range) to the walk.
func (v *Verifier) Failf(format string, args ...any) {
	if v.err == nil {
		v.err = fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
	}
}

func (v *Verifier) inside(at, n int) bool { return at >= 0 && n >= 0 && at <= len(v.buf)-n }

func (v *Verifier) charge(n, at int) bool {
	v.budget -= n
	if v.budget < 0 {
		v.fail("parts that overlap", at)
		return false
	}
	return true
}

// Root returns the verified root table.
func (v *Verifier) Root() Table { return v.root(1) }

// root is Root for a buffer that depth tables lead to, its own root included.
func (v *Verifier) root(depth int) Table {
	if v.err != nil {
		return Table{v: v}
	}
	if !v.inside(0, 4) {
		v.fail("no room for the root offset", 0)
		return Table{v: v}
	}
	off := binary.LittleEndian.Uint32(v.buf)
	if off > math.MaxInt32 {
		v.fail("root offset", 0)
		return Table{v: v}
	}
	return v.table(int(off), depth)
}

// table checks the header and vtable of the table at pos, which depth tables lead to, itself included.
func (v *Verifier) table(pos, depth int) Table {
	if depth > limits.TableDepth {
		v.fail("tables nested too deeply", pos)
		return Table{v: v}
	}
	if !v.inside(pos, 4) {
		v.fail("table outside", pos)
		return Table{v: v}
	}
	vt := pos - int(int32(binary.LittleEndian.Uint32(v.buf[pos:])))
	if !v.inside(vt, 4) {
		v.fail("vtable outside", vt)
		return Table{v: v}
	}
	// The size of the inline part, in the vtable's second word, is not looked at: Go's Builder shares one vtable
	// between tables that differ in nothing else, so the word is wrong for some. Fields are held to the buffer.
	vlen := int(binary.LittleEndian.Uint16(v.buf[vt:]))
	if vlen < 4 || vlen&1 != 0 || !v.inside(vt, vlen) {
		v.fail("vtable", vt)
		return Table{v: v}
	}
	if !v.charge(4, pos) {
		return Table{v: v}
	}
	return Table{v: v, pos: pos, vt: vt, vlen: vlen, depth: depth}
}

// A Table is a table whose header and vtable were verified. The zero position stands for an absent or refused one:
// every check on it is true and does nothing, so a walk needs no branches.
type Table struct {
	v     *Verifier
	pos   int // byte of the table in the buffer; 0 when absent (byte 0 holds the root offset)
	vt    int
	vlen  int
	depth int // tables that lead here from the root, this one included
}

// Fail refuses the buffer for a rule of the caller's.
func (t Table) Fail(format string, args ...any) { t.v.Failf(format, args...) }

// Present tells whether there is a table here.
func (t Table) Present() bool { return t.pos != 0 }

// field returns the position of the slot's inline bytes, or 0 when the field is absent or the walk failed.
func (t Table) field(slot, size int) int {
	if t.pos == 0 || t.v.err != nil {
		return 0
	}
	at := 4 + 2*slot
	if at+2 > t.vlen {
		return 0
	}
	off := int(binary.LittleEndian.Uint16(t.v.buf[t.vt+at:]))
	if off == 0 {
		return 0
	}
	if off < 4 || !t.v.inside(t.pos+off, size) {
		t.v.fail("field outside", t.pos+off)
		return 0
	}
	if !t.v.charge(size, t.pos+off) {
		return 0
	}
	return t.pos + off
}

// Has tells whether the slot is written, whatever its type.
func (t Table) Has(slot int) bool { return t.field(slot, 0) != 0 }

// Scalar checks an inline field (a number, a boolean, a struct) of size bytes; slot counts fields from 0.
func (t Table) Scalar(slot, size int) { t.field(slot, size) }

// follow returns where the slot's offset points, or 0.
func (t Table) follow(slot int) int {
	at := t.field(slot, 4)
	if at == 0 {
		return 0
	}
	return t.v.offset(at)
}

func (v *Verifier) offset(at int) int {
	off := binary.LittleEndian.Uint32(v.buf[at:])
	if off < 4 || off > uint32(math.MaxInt32) || !v.inside(at+int(off), 4) {
		v.fail("offset outside", at)
		return 0
	}
	return at + int(off)
}

// Vector checks a vector of inline elements of size bytes each and returns its count.
func (t Table) Vector(slot, size int) int {
	n, _ := t.vector(slot, size)
	return n
}

func (t Table) vector(slot, size int) (n, first int) {
	at := t.follow(slot)
	if at == 0 {
		return 0, 0
	}
	return t.v.vector(at, size)
}

func (v *Verifier) vector(at, size int) (n, first int) {
	n = int(binary.LittleEndian.Uint32(v.buf[at:]))
	// n is compared, not multiplied: a count of 4e9 must not overflow on its way to the check.
	if n > (len(v.buf)-at-4)/size {
		v.fail("vector longer than its buffer", at)
		return 0, 0
	}
	if !v.charge(4+n*size, at) {
		return 0, 0
	}
	return n, at + 4
}

// String checks a string: its bytes and the zero behind them.
func (t Table) String(slot int) {
	if at := t.follow(slot); at != 0 {
		t.v.str(at)
	}
}

// str returns the string's bytes, nil when the walk failed.
func (v *Verifier) str(at int) []byte {
	n, first := v.vector(at, 1)
	if v.err != nil {
		return nil
	}
	if !v.inside(first+n, 1) || v.buf[first+n] != 0 {
		v.fail("string without its final zero", at)
		return nil
	}
	return v.buf[first : first+n]
}

// Tables calls each for every table of a vector of tables, verified.
func (t Table) Tables(slot int, each func(Table)) {
	run := t.Run(slot, 4)
	for i := 0; i < run.n && t.v.err == nil; i++ {
		each(run.Table(i))
	}
}

// Sub returns the verified table that the slot refers to; its zero value when the slot is absent.
func (t Table) Sub(slot int) Table {
	at := t.follow(slot)
	if at == 0 {
		return Table{v: t.v}
	}
	return t.v.table(at, t.depth+1)
}

// at returns the verified table that the offset at that place refers to; its zero value once the walk has failed.
func (t Table) at(place int) Table {
	if t.v.err != nil {
		return Table{v: t.v}
	}
	at := t.v.offset(place)
	if at == 0 {
		return Table{v: t.v}
	}
	return t.v.table(at, t.depth+1)
}
