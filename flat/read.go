package flat

import (
	"bytes"
	"time"
	"unsafe"

	"dsss/internal/limits"
)

// The Read functions verify a slot of a table and return what it holds, as a value of its own that shares no memory
// with the buffer. An absent slot is the zero value: 0, false, "", nil. A malformed one is too, and is the Verifier's error.

// ReadNumber returns a number.
func ReadNumber[E Number](t Table, slot int) (e E) {
	if at := t.field(slot, size[E]()); at != 0 {
		e = number[E](t.v.buf[at:])
	}
	return e
}

// ReadBool returns a boolean; every byte but 0 is true.
func ReadBool[E ~bool](t Table, slot int) E {
	at := t.field(slot, 1)
	return at != 0 && t.v.buf[at] != 0
}

// ReadString returns a string.
func ReadString[S ~string](t Table, slot int) S {
	if at := t.follow(slot); at != 0 {
		return readText[S](t, at)
	}
	return ""
}

// stringAt returns the string that the offset at that place refers to; the empty one once the walk has failed.
func stringAt[S ~string](t Table, place int) S {
	if t.v.err == nil {
		if at := t.v.offset(place); at != 0 {
			return readText[S](t, at)
		}
	}
	return ""
}

// readText returns the string at that place, which t refers to.
func readText[S ~string](t Table, at int) S {
	text := t.v.str(at)
	if t.v.source == nil {
		return S(text)
	}
	whole := bytes.Clone(text)
	for r := t.rest(at); r.more(len(whole)); {
		more := r.text()
		whole = append(grow(whole, len(more), len(whole)+len(more)+r.left, limits.GrowFlat), more...)
	}
	return S(unsafe.String(unsafe.SliceData(whole), len(whole)))
}

// ReadNumbers returns a vector of numbers with one copy of its memory.
func ReadNumbers[S ~[]E, E Number](t Table, slot int) S {
	n, first := t.vector(slot, size[E]())
	if first == 0 {
		return nil
	}
	s := numbersOf[S](t.v.buf[first : first+n*size[E]()])
	if t.v.source != nil {
		s = moreNumbers(t, first-4, s)
	}
	return s
}

// moreNumbers returns s with those that later parts have.
func moreNumbers[S ~[]E, E Number](t Table, at int, s S) S {
	for r := t.rest(at); r.more(len(s)); {
		n, first := r.part.vector(partContent, size[E]())
		old := len(s)
		s = grow(s, n, old+n+r.left, limits.GrowFlat)[:old+n]
		raw := memory(s[old:])
		copy(raw, r.part.v.buf[first:])
		if bigEndian {
			swap(raw, word[E]())
		}
	}
	return s
}

// ReadBools returns a vector of booleans; every byte but 0 is true.
func ReadBools[S ~[]E, E ~bool](t Table, slot int) S {
	return readColumn(t, slot, 1, func(t Table, first int, s S) {
		for i, c := range t.v.buf[first:][:len(s)] {
			s[i] = c != 0
		}
	})
}

// ReadTimes returns a vector of times.
func ReadTimes[S ~[]time.Time](t Table, slot int) S {
	return readColumn(t, slot, timeSize, func(t Table, first int, s S) {
		for i := range s {
			s[i] = timeAt(t, first+timeSize*i)
		}
	})
}

// ReadStrings returns a vector of strings.
func ReadStrings[S ~[]E, E ~string](t Table, slot int) S {
	return readColumn(t, slot, 4, func(t Table, first int, s S) {
		for i := range s {
			s[i] = stringAt[E](t, first+4*i)
		}
	})
}

// ReadTables returns a vector of tables, each by read.
func ReadTables[S ~[]E, E any](t Table, slot int, read func(Table) E) S {
	return readColumn(t, slot, 4, func(t Table, first int, s S) {
		for i := range s {
			s[i] = read(t.at(first + 4*i))
		}
	})
}

// readColumn returns a vector whose elements take so many bytes in it. fill reads those that stand from first on into s.
func readColumn[S ~[]E, E any](t Table, slot, bytes int, fill func(t Table, first int, s S)) S {
	n, first := t.vector(slot, bytes)
	if first == 0 {
		return nil
	}
	s := make(S, n)
	fill(t, first, s)
	if t.v.source == nil {
		return s
	}
	for r := t.rest(first - 4); r.more(len(s)); {
		n, first := r.part.vector(partContent, bytes)
		old := len(s)
		s = grow(s, n, old+n+r.left, limits.GrowDeep)[:old+n]
		fill(r.part, first, s[old:])
	}
	return s
}

// ReadPointer returns a pointer to what read makes of a table.
func ReadPointer[E any](t Table, slot int, read func(Table) E) (e *E) {
	t.Pointee(slot, func(sub Table) bool {
		e = new(E)
		*e = read(sub)
		return true
	})
	return e
}

// Fill copies the elements of an array, which were read as a slice, to it. nil leaves the zero array; any other number of
// elements than the array's is malformed.
func Fill[E any](t Table, array, read []E) {
	if read != nil && len(read) != len(array) {
		t.Fail("%d elements for an array of %d", len(read), len(array))
		return
	}
	copy(array, read)
}
