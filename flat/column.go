package flat

// The columns below are vectors that are verified and read one element at a time: those of a map, of which keys ascends.
// At is for each index below Len, and takes the place of a slice that would have to be allocated.

// NumberColumn is a vector of numbers.
type NumberColumn[E Number] struct{ raw []byte }

// Numbers returns the vector of numbers in the slot.
func Numbers[E Number](t Table, slot int) NumberColumn[E] {
	n, first := t.vector(slot, size[E]())
	if first == 0 {
		return NumberColumn[E]{}
	}
	return NumberColumn[E]{t.v.buf[first : first+n*size[E]()]}
}

// Present tells whether there is a vector, be it empty.
func (c NumberColumn[E]) Present() bool { return c.raw != nil }

// Len returns the number of elements.
func (c NumberColumn[E]) Len() int { return len(c.raw) / size[E]() }

// At returns an element.
func (c NumberColumn[E]) At(i int) E { return number[E](c.raw[i*size[E]():]) }

// BoolColumn is a vector of booleans.
type BoolColumn[E ~bool] struct{ bytes NumberColumn[byte] }

// Bools returns the vector of booleans in the slot.
func Bools[E ~bool](t Table, slot int) BoolColumn[E] { return BoolColumn[E]{Numbers[byte](t, slot)} }

// Present tells whether there is a vector, be it empty.
func (c BoolColumn[E]) Present() bool { return c.bytes.Present() }

// Len returns the number of elements.
func (c BoolColumn[E]) Len() int { return c.bytes.Len() }

// At returns an element; every byte but 0 is true.
func (c BoolColumn[E]) At(i int) E { return c.bytes.raw[i] != 0 }

// StringColumn is a vector of strings.
type StringColumn[S ~string] struct {
	t     Table
	n     int
	first int // 0 when absent
}

// Strings returns the vector of strings in the slot.
func Strings[S ~string](t Table, slot int) StringColumn[S] {
	n, first := t.vector(slot, 4)
	return StringColumn[S]{t, n, first}
}

// Present tells whether there is a vector, be it empty.
func (c StringColumn[S]) Present() bool { return c.first != 0 }

// Len returns the number of elements.
func (c StringColumn[S]) Len() int { return c.n }

// At returns an element, and the empty string once the verification has failed.
func (c StringColumn[S]) At(i int) S {
	if c.t.v.err != nil {
		return ""
	}
	if at := c.t.v.offset(c.first + 4*i); at != 0 {
		return readText[S](c.t, at)
	}
	return ""
}

// TableColumn is a vector of tables.
type TableColumn[E any] struct {
	Vector
	read func(Table) E
}

// Tables returns the vector of tables in the slot, each of which read reads.
func Tables[E any](t Table, slot int, read func(Table) E) TableColumn[E] {
	return TableColumn[E]{t.Subs(slot), read}
}

// At returns an element.
func (c TableColumn[E]) At(i int) E { return c.read(c.Vector.At(i)) }

// Column is what the columns above have in common.
type Column[E any] interface {
	Present() bool
	Len() int
	At(i int) E
}

// KeyColumn is the column of a map's keys. At reads them in order, each once, and fails the verification for one that is
// not above the one before, or that is not equal to itself because there is a NaN in it: a Go map would hold it, and never
// find it.
type KeyColumn[K comparable, C Column[K]] struct {
	column  C
	t       Table
	compare func(a, b K) int
	last    K
}

// Keys returns the column as that of the keys of the map whose table is t, in the order of compare.
func Keys[K comparable, C Column[K]](t Table, column C, compare func(a, b K) int) KeyColumn[K, C] {
	return KeyColumn[K, C]{column: column, t: t, compare: compare}
}

// Present tells whether there is a vector, be it empty.
func (c *KeyColumn[K, C]) Present() bool { return c.column.Present() }

// Len returns the number of keys.
func (c *KeyColumn[K, C]) Len() int { return c.column.Len() }

// At returns the next key, whose index is i.
func (c *KeyColumn[K, C]) At(i int) K {
	key := c.column.At(i)
	if v := c.t.v; v.err == nil {
		switch {
		case !equal(key, key):
			v.fail("map key with a NaN", c.t.pos)
		case i > 0 && c.compare(c.last, key) >= 0:
			v.fail("map key out of order", c.t.pos)
		}
	}
	c.last = key
	return key
}

// Entries are the parts of a map, of which generated code reads one after another. The first is the table that a field has.
type Entries struct {
	// Table is that of the part's entries.
	Table
	first Table
	rest  rest
	had   int // entries before this part
	n     int // entries of this part; negative before the first
}

// EntriesOf returns those of the map whose table a field has.
func EntriesOf(t Table) Entries { return Entries{first: t, n: -1} }

// Next goes on to the next part, behind the had entries that were read, and tells whether there is one.
func (e *Entries) Next(had int) bool {
	if e.n < 0 {
		e.Table, e.n = e.first, 0
		return e.first.Present()
	}
	v := e.first.v
	if v.source == nil || v.err != nil {
		return false
	}
	if had != e.had+e.n {
		e.Fail("a part that repeats the key of a map")
	}
	if e.had == 0 && e.rest.owner.v == nil {
		owner := e.first
		owner.depth--
		e.rest = owner.rest(e.first.pos)
	}
	if !e.rest.more(had) {
		return false
	}
	e.Table, e.had, e.n = e.rest.part.Sub(partContent), had, 0
	if !e.Present() {
		e.rest.part.Fail("a part of a map without a table")
	}
	return e.rest.part.v.err == nil
}

// Count checks that the part has as many values as keys, and tells whether there are columns at all.
func (e *Entries) Count(keys, values int, present bool) bool {
	e.n = keys
	if !present && e.rest.owner.v != nil {
		e.Fail("a part of a map without keys")
	}
	same := SameCount(e.Table, keys, values)
	e.first.v.take(e.v.err) // the caller reads no more parts
	return same && present
}

// SameCount checks that a map has as many values as keys.
func SameCount(t Table, keys, values int) bool {
	if keys != values {
		t.Fail("a map of %d keys and %d values", keys, values)
	}
	return t.v.err == nil
}
