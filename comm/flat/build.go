package flat

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"
)

// The Create functions write what a table's field refers to and return its offset, for PrependUOffsetTSlot. All of
// them return 0 for nil (and CreateString for ""), which leaves the field absent: on the wire absent means nil, and an
// empty vector means empty. They are called between tables, as the Builder wants, and keep nothing.

// CreateString writes s.
func CreateString[S ~string](b *flatbuffers.Builder, s S) flatbuffers.UOffsetT {
	if s == "" {
		return 0
	}
	return b.CreateString(string(s))
}

// CreateNumbers writes a vector of numbers with one copy of its memory.
func CreateNumbers[E Number](b *flatbuffers.Builder, s []E) flatbuffers.UOffsetT {
	if s == nil {
		return 0
	}
	raw := memory(s)
	b.Prep(size[E](), len(raw)) // the elements' alignment; CreateByteVector sees to that of the count
	offset := b.CreateByteVector(raw)
	count := b.Bytes[len(b.Bytes)-int(offset):]
	binary.LittleEndian.PutUint32(count, uint32(len(s)))
	if bigEndian {
		swap(count[4:4+len(raw)], size[E]())
	}
	return offset
}

// CreateBools writes a vector of booleans, a byte each.
func CreateBools[E ~bool](b *flatbuffers.Builder, s []E) flatbuffers.UOffsetT {
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
func CreateStrings[E ~string](b *flatbuffers.Builder, s []E) flatbuffers.UOffsetT {
	return CreateTables(b, s, func(b *flatbuffers.Builder, e E) flatbuffers.UOffsetT { return b.CreateString(string(e)) })
}

// CreateTables writes a vector of what build writes for each element, in order. build may not return 0.
func CreateTables[E any](b *flatbuffers.Builder, s []E, build func(*flatbuffers.Builder, E) flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	if s == nil {
		return 0
	}
	var few [32]flatbuffers.UOffsetT
	offsets := few[:0]
	if len(s) > len(few) {
		offsets = make([]flatbuffers.UOffsetT, 0, len(s))
	}
	for _, e := range s {
		offsets = append(offsets, build(b, e))
	}
	b.StartVector(4, len(offsets), 4)
	for i := len(offsets) - 1; i >= 0; i-- {
		b.PrependUOffsetT(offsets[i])
	}
	return b.EndVector(len(offsets))
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

// PrependFloat64Slot writes x unless it is +0. The Builder's own method leaves out -0 as well, so that a replica
// restored from a checkpoint would differ from one that was not.
func PrependFloat64Slot(b *flatbuffers.Builder, slot int, x float64) {
	if math.Float64bits(x) != 0 {
		b.PrependFloat64(x)
		b.Slot(slot)
	}
}

// PrependFloat32Slot is PrependFloat64Slot for a float32.
func PrependFloat32Slot(b *flatbuffers.Builder, slot int, x float32) {
	if math.Float32bits(x) != 0 {
		b.PrependFloat32(x)
		b.Slot(slot)
	}
}
