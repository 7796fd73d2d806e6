package flat

import (
	"cmp"
	"slices"
	"time"
)

// A map is a table of two columns, vectors of as many elements: its keys, which ascend, and its values. A set has keys
// alone.

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
	if !b.Enter() {
		return 0
	}
	if m == nil {
		b.StartObject(0)
		return b.Leave()
	}
	sorted := SortedKeys(m)
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
func mapPart[M ~map[K]V, K cmp.Ordered, V any](b *Builder, m M, sorted []K, keys Items[K], values Items[V]) (Offset, int) {
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

// SortedKeys returns m's keys in ascending order; nil for a nil map.
func SortedKeys[M ~map[K]V, K cmp.Ordered, V any](m M) []K {
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
