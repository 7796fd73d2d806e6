package flat

import (
	"cmp"
	"encoding/binary"
	"slices"
	"unsafe"
)

// The Create functions write what a table's field refers to and return its offset, for PutOffset. All of them return 0
// for nil (and CreateString for ""), which leaves the field absent: on the wire absent means nil, and an empty vector
// means empty. They are called between tables, as the Builder wants, and keep nothing. The Put functions write inline
// fields of the table that StartObject began; zeros are left out.

// CreateString writes s.
func CreateString[S ~string](b *Builder, s S) Offset {
	if s == "" {
		return 0
	}
	return b.CreateString(string(s))
}

// CreateNumbers writes a vector of numbers with one copy of its memory.
func CreateNumbers[E Number](b *Builder, s []E) Offset {
	if s == nil {
		return 0
	}
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

// CreateBools writes a vector of booleans, a byte each.
func CreateBools[E ~bool](b *Builder, s []E) Offset {
	if s == nil {
		return 0
	}
	b.StartVector(1, len(s), 1)
	for i := len(s) - 1; i >= 0; i-- {
		b.PlaceBool(bool(s[i]))
	}
	return b.EndVector(len(s))
}

// CreateStrings writes a vector of strings.
func CreateStrings[E ~string](b *Builder, s []E) Offset {
	return CreateTables(b, s, func(b *Builder, e E) Offset { return b.CreateString(string(e)) })
}

// CreateTables writes a vector of what build writes for each element, in order. build may not return 0.
func CreateTables[E any](b *Builder, s []E, build func(*Builder, E) Offset) Offset {
	if s == nil {
		return 0
	}
	var few [32]Offset
	offsets := few[:0]
	if len(s) > len(few) {
		offsets = make([]Offset, 0, len(s))
	}
	for _, e := range s {
		offsets = append(offsets, build(b, e))
	}
	return createOffsets(b, offsets)
}

// createOffsets writes a vector of offsets.
func createOffsets(b *Builder, offsets []Offset) Offset {
	b.StartVector(4, len(offsets), 4)
	for i := len(offsets) - 1; i >= 0; i-- {
		b.PrependUOffsetT(offsets[i])
	}
	return b.EndVector(len(offsets))
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

// SortedKeys returns m's keys in ascending order, the first column of a map; nil for a nil map.
func SortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	if m == nil {
		return nil
	}
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Values returns m's values in the order of keys, the second column of a map; nil for a nil map.
func Values[K comparable, V any](m map[K]V, keys []K) []V {
	if m == nil {
		return nil
	}
	values := make([]V, len(keys))
	for i, k := range keys {
		values[i] = m[k]
	}
	return values
}
