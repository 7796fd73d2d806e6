package flat

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"dsss/internal/limits"
)

// A state is written as chunks, each a buffer of the state's table, so that neither FlatBuffers' limit of 2 GiB nor that of
// a frame is met. The first chunk has all fields; of slices and maps it has the first items, as many as fit. Each
// further chunk has one field, and more items of it. Items and the keys of maps are in order, and where a chunk ends
// depends on the state alone: equal states give equal chunks.

// partBytes is the size at which a chunk takes no more items. It exceeds it by no more than the last item, and a map's
// keys.
var partBytes = limits.Piece

// room is how many bytes the chunk that b builds may still take.
func (b *Builder) room() int { return max(0, partBytes-int(b.Offset())) }

// A Rest is what is still to be written of a slice or map that is a field of a state.
type Rest struct {
	create func(b *Builder) Offset
	count  func() int
}

// Create writes the first items that fit, as a Create function does, and leaves the others for the next call.
func (r Rest) Create(b *Builder) Offset { return r.create(b) }

// A column writes the first of n values that fit, and returns how many these are.
type column[V any] func(b *Builder, n int, at func(i int) V) (Offset, int)

// inline is a column of what takes so many bytes.
func inline[V any](bytes int, create func(*Builder, []V) Offset) column[V] {
	return func(b *Builder, n int, at func(int) V) (Offset, int) {
		values := make([]V, min(n, b.room()/bytes))
		for i := range values {
			values[i] = at(i)
		}
		return create(b, values), len(values)
	}
}

// NumberValues, BoolValues, TimeValues and StringValues are how RestOfMap writes such values.
func NumberValues[V Number](b *Builder, n int, at func(int) V) (Offset, int) {
	return inline(size[V](), CreateNumbers[V])(b, n, at)
}

// BoolValues is as NumberValues.
func BoolValues[V ~bool](b *Builder, n int, at func(int) V) (Offset, int) {
	return inline(1, CreateBools[V])(b, n, at)
}

// TimeValues is as NumberValues.
func TimeValues(b *Builder, n int, at func(int) time.Time) (Offset, int) {
	return inline(timeSize, CreateTimes)(b, n, at)
}

// StringValues is as NumberValues.
func StringValues[V ~string](b *Builder, n int, at func(int) V) (Offset, int) {
	return TableValues(createString[V])(b, n, at)
}

// TableValues is as NumberValues, for what build writes.
func TableValues[V any](build func(*Builder, V) Offset) func(b *Builder, n int, at func(int) V) (Offset, int) {
	return func(b *Builder, n int, at func(int) V) (Offset, int) {
		var offsets []Offset
		for len(offsets) < n && b.room() > 4*len(offsets) && b.err == nil {
			offsets = append(offsets, build(b, at(len(offsets))))
		}
		return createOffsets(b, offsets), len(offsets)
	}
}

func createString[S ~string](b *Builder, s S) Offset { return b.CreateString(string(s)) }

// RestOfNumbers is a slice of numbers.
func RestOfNumbers[E Number](s []E) Rest { return restOf(s, size[E](), CreateNumbers[E]) }

// RestOfBools is a slice of booleans.
func RestOfBools[E ~bool](s []E) Rest { return restOf(s, 1, CreateBools[E]) }

// RestOfTimes is a slice of times.
func RestOfTimes(s []time.Time) Rest { return restOf(s, timeSize, CreateTimes) }

func restOf[E any](s []E, bytes int, create func(*Builder, []E) Offset) Rest {
	return Rest{func(b *Builder) Offset {
		n := min(len(s), b.room()/bytes)
		offset := create(b, s[:n])
		s = s[n:]
		return offset
	}, func() int { return len(s) }}
}

// RestOfStrings is a slice of strings.
func RestOfStrings[E ~string](s []E) Rest { return RestOfTables(s, createString[E]) }

// RestOfTables is a slice of what build writes.
func RestOfTables[E any](s []E, build func(*Builder, E) Offset) Rest {
	return Rest{func(b *Builder) Offset {
		if s == nil {
			return 0
		}
		offset, n := TableValues(build)(b, len(s), func(i int) E { return s[i] })
		s = s[n:]
		return offset
	}, func() int { return len(s) }}
}

// RestOfMap is a map whose keys are integers.
func RestOfMap[K Integer, V any](m map[K]V, values func(*Builder, int, func(int) V) (Offset, int)) Rest {
	fit := func(keys []K, room int) int { return min(len(keys), room/size[K]()) }
	return restOfMap(m, fit, CreateNumbers[K], values)
}

// RestOfStringMap is a map whose keys are strings.
func RestOfStringMap[K ~string, V any](m map[K]V, values func(*Builder, int, func(int) V) (Offset, int)) Rest {
	fit := func(keys []K, room int) (n int) {
		for ; n < len(keys) && room > 0; n++ {
			room -= 12 + len(keys[n]) // its offset, count, zero and padding
		}
		return n
	}
	return restOfMap(m, fit, CreateStrings[K], values)
}

// SetValues are the values of a map that has none.
func SetValues(_ *Builder, n int, _ func(int) struct{}) (Offset, int) { return 0, n }

func restOfMap[K cmp.Ordered, V any](m map[K]V, fit func(keys []K, room int) int, create func(*Builder, []K) Offset, values column[V]) Rest {
	keys := SortedKeys(m)
	return Rest{func(b *Builder) Offset {
		if m == nil {
			return 0
		}
		offset, n := values(b, fit(keys, b.room()), func(i int) V { return m[keys[i]] })
		keysOffset := create(b, keys[:n])
		keys = keys[n:]
		b.StartObject(2)
		PutOffset(b, 0, keysOffset)
		PutOffset(b, 1, offset)
		return b.EndObject()
	}, func() int { return len(keys) }}
}

// Save hands the chunks of a state to emit, which may not keep them. first builds the first chunk, in which it calls the
// Create of each rest; rests are by slot. The error is emit's, or about a value that cannot be written.
func Save(emit func(chunk []byte) error, rests map[int]Rest, first func(b *Builder) Offset) error {
	err := Use(first, func(b *Builder, first func(*Builder) Offset) Offset { return first(b) }, emit)
	for _, slot := range slices.Sorted(maps.Keys(rests)) {
		for rest := rests[slot]; err == nil && rest.count() > 0; {
			err = Use(rest, func(b *Builder, rest Rest) Offset {
				offset := rest.create(b)
				b.StartObject(slot + 1)
				PutOffset(b, slot, offset)
				return b.EndObject()
			}, emit)
		}
	}
	return err
}

// Load reads the chunks that Save wrote: the first by first, the others by more, which adds the items of the one field that
// the table has and tells whether it knows that field. next returns io.EOF after the last chunk.
func Load(next func() ([]byte, error), first func(chunk []byte) error, more func(t Table) bool) error {
	chunk, err := next()
	if err == io.EOF {
		return fmt.Errorf("%w: a state without a chunk", ErrMalformed)
	}
	if err == nil {
		err = first(chunk)
	}
	for err == nil {
		if chunk, err = next(); err != nil {
			break
		}
		check := New(chunk)
		if t := check.Root(); check.Err() == nil && (t.fields() != 1 || !more(t)) {
			t.Fail("a chunk that does not continue one field")
		}
		err = check.Err()
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// AddNumbers returns s with the numbers in the slot behind it.
func AddNumbers[S ~[]E, E Number](t Table, slot int, s S) S {
	n, first := t.vector(slot, size[E]())
	if !grows(t, s != nil, n) {
		return s
	}
	old := len(s)
	s = slices.Grow(s, n)[:old+n]
	raw := memory(s[old:])
	copy(raw, t.v.buf[first:])
	if bigEndian {
		swap(raw, word[E]())
	}
	return s
}

// Add returns s with more, which was read of t, behind it.
func Add[S ~[]E, E any](t Table, s, more S) S {
	if !grows(t, s != nil, len(more)) {
		return s
	}
	return append(s, more...)
}

// AddMap puts more, which was read of t, into m.
func AddMap[M ~map[K]V, K comparable, V any](t Table, m, more M) {
	if !grows(t, m != nil, len(more)) {
		return
	}
	before := len(m)
	maps.Copy(m, more)
	if len(m) != before+len(more) {
		t.Fail("a chunk that repeats the key of a map")
	}
}

// grows checks that a chunk continues something, and has something.
func grows(t Table, begun bool, n int) bool {
	if t.v.err == nil && (!begun || n == 0) {
		t.Fail("a chunk of %d more items; something begun: %v", n, begun)
	}
	return t.v.err == nil
}
