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

// Items say how the keys or the values of a map are written and read.
type Items[E any] struct {
	bytes  int                            // of one in its vector
	inline func(b *Builder, s []E) Offset // writes the vector of those that stand in it
	build  func(b *Builder, e E) Offset   // writes one of those to which it has offsets
	at     func(t Table, place int) E     // reads the one that stands, or whose offset stands, at that place; t has the vector
}

// NumberItems are numbers.
func NumberItems[E Number]() Items[E] {
	return Items[E]{bytes: size[E](), inline: writeNumbers[E], at: func(t Table, place int) E { return number[E](t.v.buf[place:]) }}
}

// BoolItems are booleans.
func BoolItems[E ~bool]() Items[E] {
	return Items[E]{bytes: 1, inline: writeBools[E], at: func(t Table, place int) E { return t.v.buf[place] != 0 }}
}

// TimeItems are times.
func TimeItems() Items[time.Time] {
	return Items[time.Time]{bytes: timeSize, inline: writeTimes, at: timeAt}
}

// StringItems are strings.
func StringItems[E ~string]() Items[E] {
	return Items[E]{bytes: 4, build: createString[E], at: stringAt[E]}
}

// TableItems are what build writes.
func TableItems[E any](build func(*Builder, E) Offset) Items[E] {
	return Items[E]{bytes: 4, build: build}
}

// TableReads are what read reads of the tables that TableItems wrote.
func TableReads[E any](read func(Table) E) Items[E] {
	return Items[E]{bytes: 4, at: func(t Table, place int) E { return read(t.at(place)) }}
}

// NoItems are the values of a set.
func NoItems() Items[struct{}] {
	return Items[struct{}]{at: func(Table, int) (none struct{}) { return none }}
}

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

// ReadMap returns the map whose table is t, with keys in the order of compare. A key that is not above the one before it is
// malformed, and so is one that has a NaN in it: a Go map would hold it, and never find it.
func ReadMap[M ~map[K]V, K comparable, V any](t Table, keys Items[K], values Items[V], compare func(a, b K) int) (m M) {
	if !t.Present() {
		return nil
	}
	var last K
	t.Entries(keys.bytes, values.bytes, func(ks, vs Run) bool {
		if m == nil && ks.Present() {
			m = make(M, ks.n)
		}
		for i := range ks.n {
			key := keys.at(ks.t, ks.first+ks.size*i)
			switch v := ks.t.v; {
			case !equal(key, key):
				v.fail("map key with a NaN", ks.t.pos)
			case len(m) > 0 && compare(last, key) >= 0:
				v.fail("map key out of order", ks.t.pos)
			}
			m[key] = values.at(vs.t, vs.first+vs.size*i)
			if last = key; ks.t.v.err != nil {
				return false
			}
		}
		return true
	})
	return m
}

// Entries hands the entries of the map whose table is t part by part to each, as the run of their keys, of so many bytes each,
// and that of as many values; of a set, which has values of no bytes, the second run is empty. As with [Table.Runs] the first
// run of keys is not Present when there is no map, each returns false to end it, and Entries tells whether to go on.
func (t Table) Entries(keyBytes, valueBytes int, each func(keys, values Run) bool) bool {
	keys, values := t.columns(keyBytes, valueBytes)
	if t.v.err != nil || !each(keys, values) {
		return false
	}
	if !keys.Present() {
		return t.v.err == nil
	}
	owner, had := t, keys.n
	owner.depth--
	for r := owner.rest(t.pos); r.more(had); had += keys.n {
		part := r.part.Sub(partContent)
		if keys, values = part.columns(keyBytes, valueBytes); !keys.Present() {
			part.Fail("a part of a map without keys")
		}
		if part.v.err != nil || !each(keys, values) {
			t.v.take(part.v.err)
			return false
		}
	}
	return t.v.err == nil
}

// columns returns the columns of a map's table.
func (t Table) columns(keyBytes, valueBytes int) (keys, values Run) {
	keys = t.Run(0, keyBytes)
	if valueBytes == 0 {
		return keys, Run{t: t}
	}
	if values = t.Run(1, valueBytes); keys.n != values.n {
		t.Fail("a map of %d keys and %d values", keys.n, values.n)
	}
	return keys, values
}
