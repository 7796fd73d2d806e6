package flat

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// A map is a table of two columns, vectors of as many elements: its keys, which ascend, and its values. A set has keys
// alone. Keys are ordered as Go orders numbers and strings; false comes before true, complex numbers are ordered by their
// real parts first, arrays element by element, and structs field by field in the order of the fields' ids. So keys that are
// equal in Go, as 0 and -0 are, are equal here, and a map cannot have both. A NaN is no part of a key.

// Items say how the keys or the values of a map are written.
type Items[E any] struct {
	bytes  int                            // of one in its vector
	inline func(b *Builder, s []E) Offset // writes the vector of those that stand in it
	build  func(b *Builder, e E) Offset   // writes one of those to which it has offsets
}

// NumberItems are numbers.
func NumberItems[E Number]() Items[E] { return Items[E]{bytes: size[E](), inline: writeNumbers[E]} }

// BoolItems are booleans.
func BoolItems[E ~bool]() Items[E] { return Items[E]{bytes: 1, inline: writeBools[E]} }

// TimeItems are times.
func TimeItems() Items[time.Time] { return Items[time.Time]{bytes: timeSize, inline: writeTimes} }

// StringItems are strings.
func StringItems[E ~string]() Items[E] { return TableItems(createString[E]) }

// TableItems are what build writes.
func TableItems[E any](build func(*Builder, E) Offset) Items[E] {
	return Items[E]{bytes: 4, build: build}
}

// NoItems are the values of a set.
func NoItems() Items[struct{}] { return Items[struct{}]{} }

// CreateMap writes the table of m. That of a nil map, which a vector may have, is empty; a field leaves it out.
func CreateMap[M ~map[K]V, K cmp.Ordered, V any](b *Builder, m M, keys Items[K], values Items[V]) Offset {
	return createMap(b, m, keys, values, slices.Sort)
}

// CreateMapBy is CreateMap for keys in the order of compare, which is 0 for equal ones alone.
func CreateMapBy[M ~map[K]V, K comparable, V any](b *Builder, m M, keys Items[K], values Items[V], compare func(a, b K) int) Offset {
	return createMap(b, m, keys, values, func(list []K) { slices.SortFunc(list, compare) })
}

func createMap[M ~map[K]V, K comparable, V any](b *Builder, m M, keys Items[K], values Items[V], sort func([]K)) Offset {
	if !b.Enter() {
		return 0
	}
	if m == nil {
		b.StartObject(0)
		return b.Leave()
	}
	sorted := make([]K, 0, len(m))
	for k := range m {
		if !equal(k, k) {
			b.Fail(errNaN)
		}
		sorted = append(sorted, k)
	}
	sort(sorted)
	offset, n := mapPart(b, m, sorted, keys, values)
	if b.depth--; n < len(sorted) {
		b.leave(offset, n, len(sorted), func(b *Builder, from int) (Offset, int) {
			if !b.Enter() {
				return 0, 0
			}
			defer func() { b.depth-- }()
			return mapPart(b, m, sorted[from:], keys, values)
		})
	}
	return offset
}

// mapPart writes the table of those of the keys that fit, and their values. A reader takes key by key with its value, and
// so what of them is left to later parts is left in this order.
func mapPart[M ~map[K]V, K comparable, V any](b *Builder, m M, sorted []K, keys Items[K], values Items[V]) (Offset, int) {
	var keyOffsets, valueOffsets []Offset
	n := 0
	for ; n < len(sorted) && b.takes(n); n++ {
		b.owed += keys.bytes + values.bytes
		if keys.build != nil {
			keyOffsets = append(keyOffsets, keys.build(b, sorted[n]))
		}
		if values.build != nil {
			valueOffsets = append(valueOffsets, values.build(b, m[sorted[n]]))
		}
	}
	b.owed -= n * (keys.bytes + values.bytes)
	if b.err != nil {
		return 0, n
	}
	var keysOffset, valuesOffset Offset
	if keys.build != nil {
		keysOffset = writeOffsets(b, keyOffsets)
	} else {
		keysOffset = keys.inline(b, sorted[:n])
	}
	switch {
	case values.build != nil:
		valuesOffset = writeOffsets(b, valueOffsets)
	case values.inline != nil:
		list := make([]V, n)
		for i, k := range sorted[:n] {
			list[i] = m[k]
		}
		valuesOffset = values.inline(b, list)
	}
	b.StartObject(2)
	PutOffset(b, 0, keysOffset)
	PutOffset(b, 1, valuesOffset)
	return b.EndObject(), n
}

// errNaN is about a map that Go can hold, and in which it never finds that entry.
var errNaN = errors.New("a key of the map has a NaN in it, which is equal to nothing, not even to itself; have the mutator return an error for it")

// equal is a == b: false for a key and itself when there is a NaN in it.
func equal[K comparable](a, b K) bool { return a == b }

// CompareBools orders booleans as keys of maps: false comes before true.
func CompareBools[E ~bool](a, b E) int { return int(Byte(a)) - int(Byte(b)) }

// CompareComplex orders complex numbers as keys of maps: by their real parts, then by their imaginary ones.
func CompareComplex[E ~complex64 | ~complex128](a, b E) int {
	x, y := complex128(a), complex128(b)
	return cmp.Or(cmp.Compare(real(x), real(y)), cmp.Compare(imag(x), imag(y)))
}
