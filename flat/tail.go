package flat

import "encoding/binary"

// The functions below are for root tables with a layout: a fixed part, written and compared as a whole by generated
// code, behind which strings and vectors follow in a known order. Places in the fixed part are bytes from the start of
// the buffer. The vectors stand where alignment first allows; a buffer in which they stand elsewhere is left to a
// [Verifier], which takes every valid one.

// AppendString appends s to the buffer that begins at dst[start], and puts the offset to it into the field at that
// place.
func AppendString[S ~string](dst []byte, start, field int, s S) []byte {
	dst = beginVector(dst, start, field, 4, len(s))
	return append(append(dst, s...), 0)
}

// AppendNumbers is AppendString for a vector of numbers, with one copy of its memory. For nil it marks the field as
// absent in the vtable, at entry, and appends nothing.
func AppendNumbers[E Number](dst []byte, start, entry, field int, s []E) []byte {
	if s == nil {
		binary.LittleEndian.PutUint16(dst[start+entry:], 0)
		return dst
	}
	dst = beginVector(dst, start, field, max(4, min(8, size[E]())), len(s))
	first := len(dst)
	dst = append(dst, memory(s)...)
	if bigEndian {
		swap(dst[first:], word[E]())
	}
	return dst
}

// beginVector appends padding and the count, such that the elements behind it are aligned. A count that has more than 32
// bits is cut: no frame takes a buffer of that length.
func beginVector(dst []byte, start, field, align, count int) []byte {
	var zeros [12]byte
	at := vectorAt(len(dst)-start, align)
	dst = append(dst, zeros[:start+at+4-len(dst)]...)
	binary.LittleEndian.PutUint32(dst[start+field:], uint32(at-field))
	binary.LittleEndian.PutUint32(dst[start+at:], uint32(count))
	return dst
}

// vectorAt is the first place not below end for the count of a vector whose elements are so aligned.
func vectorAt(end, align int) int { return (end+4+align-1)&^(align-1) - 4 }

// Byte is b as it stands in a table.
func Byte[B ~bool](b B) byte {
	if b {
		return 1
	}
	return 0
}

// A Tail reads, in their order, the vectors behind the fixed part of a buffer. It verifies them; the first that is not
// where a layout has it ends the reading, and all that is read from then on is empty.
type Tail struct {
	buf []byte
	at  int // behind the last vector; negative once the reading has ended
}

// TailOf begins behind a fixed part of that many bytes.
func TailOf(buf []byte, fixed int) Tail { return Tail{buf, fixed} }

// Whole tells whether all vectors were where a layout has them.
func (t *Tail) Whole() bool { return t.at >= 0 }

// next returns the elements of the vector that field refers to, each of size bytes, and end more bytes behind them.
func (t *Tail) next(field, size, end int) (elements []byte, ok bool) {
	if t.at < 0 {
		return nil, false
	}
	at := vectorAt(t.at, max(4, min(8, size)))
	t.at = -1
	if len(t.buf)-at < 4+end || int(binary.LittleEndian.Uint32(t.buf[field:])) != at-field {
		return nil, false
	}
	bytes := int(binary.LittleEndian.Uint32(t.buf[at:])) * size
	if bytes > len(t.buf)-at-4-end {
		return nil, false
	}
	t.at = at + 4 + bytes + end
	return t.buf[at+4 : at+4+bytes], true
}

// TailString returns the string that the field at that place refers to.
func TailString[S ~string](t *Tail, field int) S {
	text, ok := t.next(field, 1, 1)
	if ok && t.buf[t.at-1] != 0 {
		t.at = -1
		return ""
	}
	return S(text)
}

// TailNumbers returns the vector of numbers that the field at that place refers to, as memory of its own.
func TailNumbers[S ~[]E, E Number](t *Tail, field int) S {
	elements, ok := t.next(field, size[E](), 0)
	if !ok {
		return nil
	}
	return numbersOf[S](elements)
}
