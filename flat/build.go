package flat

import (
	"encoding/binary"
	"time"
	"unsafe"
)

// The Create functions write what a table's field refers to and return its offset, for PutOffset. All of them return 0
// for nil (and CreateString for ""), which leaves the field absent: on the wire absent means nil, and an empty vector
// means empty. They are called between tables, as the Builder wants, and keep nothing, but for what is left to later
// parts of a state. The Put functions write inline fields of the table that StartObject began; zeros are left out.

// CreateString writes s.
func CreateString[S ~string](b *Builder, s S) Offset {
	if s == "" {
		return 0
	}
	return createString(b, s)
}

// createString writes s as an element of a vector, which is there even when it is empty.
func createString[S ~string](b *Builder, s S) Offset {
	offset, n := stringPart(b, s)
	if n < len(s) {
		b.leave(offset, n, len(s), func(b *Builder, from int) (Offset, int) { return stringPart(b, s[from:]) })
	}
	return offset
}

func stringPart[S ~string](b *Builder, s S) (Offset, int) {
	n := b.fit(len(s), 1)
	return b.CreateString(string(s[:n])), n
}

// CreateNumbers writes a vector of numbers with one copy of its memory.
func CreateNumbers[E Number](b *Builder, s []E) Offset {
	return createInline(b, s, size[E](), writeNumbers[E])
}

// CreateBools writes a vector of booleans, a byte each.
func CreateBools[E ~bool](b *Builder, s []E) Offset { return createInline(b, s, 1, writeBools[E]) }

// CreateTimes writes a vector of times.
func CreateTimes(b *Builder, s []time.Time) Offset { return createInline(b, s, timeSize, writeTimes) }

// createInline writes a vector of elements of so many bytes.
func createInline[E any](b *Builder, s []E, bytes int, write func(*Builder, []E) Offset) Offset {
	if s == nil {
		return 0
	}
	n := b.fit(len(s), bytes)
	offset := write(b, s[:n])
	if n < len(s) {
		b.leave(offset, n, len(s), func(b *Builder, from int) (Offset, int) {
			n := b.fit(len(s)-from, bytes)
			return write(b, s[from:from+n]), n
		})
	}
	return offset
}

func writeNumbers[E Number](b *Builder, s []E) Offset {
	raw := memory(s)
	b.Prep(min(8, size[E]()), len(raw)) // the elements' alignment; CreateByteVector sees to that of the count
	offset := b.CreateByteVector(raw)
	count := b.Bytes[len(b.Bytes)-int(offset):]
	binary.LittleEndian.PutUint32(count, uint32(len(s)))
	if bigEndian {
		swap(count[4:4+len(raw)], word[E]())
	}
	return offset
}

func writeBools[E ~bool](b *Builder, s []E) Offset {
	b.StartVector(1, len(s), 1)
	for i := len(s) - 1; i >= 0; i-- {
		b.PlaceBool(bool(s[i]))
	}
	return b.EndVector(len(s))
}

// CreateRows writes a vector of the numbers of so many rows, as row returns them, one behind the other: total in all.
func CreateRows[E Number](b *Builder, rows, total int, row func(i int) []E) Offset {
	i, at := 0, 0 // the row and the place in it where the next part begins: parts are written in order
	part := func(b *Builder, from int) (Offset, int) {
		s := make([]E, 0, b.fit(total-from, size[E]()))
		for i < rows && len(s) < cap(s) {
			r := row(i)[at:]
			n := min(len(r), cap(s)-len(s))
			s = append(s, r[:n]...)
			if at += n; n == len(r) {
				i, at = i+1, 0
			}
		}
		return writeNumbers(b, s), len(s)
	}
	offset, n := part(b, 0)
	if n < total {
		b.leave(offset, n, total, part)
	}
	return offset
}

// CreateStrings writes a vector of strings.
func CreateStrings[E ~string](b *Builder, s []E) Offset { return CreateTables(b, s, createString[E]) }

// CreateTables writes a vector of what build writes for each element, in order. build may not return 0, unless the Builder
// has failed.
func CreateTables[E any](b *Builder, s []E, build func(*Builder, E) Offset) Offset {
	if s == nil {
		return 0
	}
	offset, n := tablesPart(b, s, build)
	if n < len(s) {
		b.leave(offset, n, len(s), func(b *Builder, from int) (Offset, int) { return tablesPart(b, s[from:], build) })
	}
	return offset
}

func tablesPart[E any](b *Builder, s []E, build func(*Builder, E) Offset) (Offset, int) {
	var few [32]Offset
	offsets := few[:0]
	if n := min(len(s), b.room()/8); n > len(few) {
		offsets = make([]Offset, 0, n) // an element is a table of four bytes, and its offset
	}
	for n := 0; n < len(s) && b.takes(n); n++ {
		b.owed += 4
		offsets = append(offsets, build(b, s[n]))
	}
	b.owed -= 4 * len(offsets)
	return writeOffsets(b, offsets), len(offsets)
}

// writeOffsets writes a vector of offsets.
func writeOffsets(b *Builder, offsets []Offset) Offset {
	b.StartVector(4, len(offsets), 4)
	for i := len(offsets) - 1; i >= 0; i-- {
		b.PrependUOffsetT(offsets[i])
	}
	return b.EndVector(len(offsets))
}

// CreatePointer writes the table of what p points to.
func CreatePointer[E any](b *Builder, p *E, build func(*Builder, E) Offset) Offset {
	if p == nil {
		return 0
	}
	if b.takes(0) || b.err != nil {
		return build(b, *p)
	}
	b.StartObject(0)
	offset := b.EndObject()
	b.leave(offset, 0, 1, func(b *Builder, _ int) (Offset, int) { return build(b, *p), 1 })
	return offset
}

// PutOffset writes the offset that a Create function returned.
func PutOffset(b *Builder, slot int, offset Offset) { b.PrependUOffsetTSlot(slot, offset, 0) }

// PutBool writes a boolean.
func PutBool[E ~bool](b *Builder, slot int, e E) { b.PrependBoolSlot(slot, bool(e), false) }

// PutNumber writes a number unless all its bits are 0: unlike the Builder's own methods it keeps the sign of a zero.
func PutNumber[E Number](b *Builder, slot int, e E) {
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&e)), size[E]())
	var wire [16]byte
	copy(wire[:], raw)
	if wire == [16]byte{} {
		return
	}
	if bigEndian {
		swap(wire[:len(raw)], word[E]())
	}
	b.Prep(min(8, size[E]()), len(raw)-min(8, size[E]()))
	if size[E]() == 16 {
		b.PlaceUint64(binary.LittleEndian.Uint64(wire[8:]))
	}
	switch size[E]() {
	case 1:
		b.PlaceByte(wire[0])
	case 2:
		b.PlaceUint16(binary.LittleEndian.Uint16(wire[:]))
	case 4:
		b.PlaceUint32(binary.LittleEndian.Uint32(wire[:]))
	default:
		b.PlaceUint64(binary.LittleEndian.Uint64(wire[:]))
	}
	b.Slot(slot)
}
