package flat

import "unsafe"

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
		return S(t.v.str(at))
	}
	return ""
}

// ReadNumbers returns a vector of numbers with one copy of its memory.
func ReadNumbers[S ~[]E, E Number](t Table, slot int) S {
	n, first := t.vector(slot, size[E]())
	if first == 0 {
		return nil
	}
	if n == 0 {
		return S{}
	}
	// append does not clear the memory that it is about to fill, as make would; that is half of the time for a large
	// vector. What it allocates is aligned for numbers, whose sizes divide its length.
	raw := append([]byte(nil), t.v.buf[first:first+n*size[E]()]...)
	if bigEndian {
		swap(raw, word[E]())
	}
	return unsafe.Slice((*E)(unsafe.Pointer(unsafe.SliceData(raw))), n)
}

// ReadBools returns a vector of booleans; every byte but 0 is true.
func ReadBools[S ~[]E, E ~bool](t Table, slot int) S {
	n, first := t.vector(slot, 1)
	if first == 0 {
		return nil
	}
	s := make(S, n)
	for i, c := range t.v.buf[first:][:n] {
		s[i] = c != 0
	}
	return s
}

// ReadStrings returns a vector of strings.
func ReadStrings[S ~[]E, E ~string](t Table, slot int) S {
	c := Strings[E](t, slot)
	if !c.Present() {
		return nil
	}
	s := make(S, c.Len())
	for i := range s {
		s[i] = c.At(i)
	}
	return s
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
