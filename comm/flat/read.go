package flat

import (
	"fmt"
	"io"

	flatbuffers "github.com/google/flatbuffers/go"
)

// The Read functions return what a table's field refers to, as a value of its own that shares no memory with the
// buffer, or nil when the field is absent. They trust the buffer: a Verifier must have walked the same fields. Fields
// are named as package flatbuffers names them, by their place in the vtable: 4 + 2*id.

// ReadString returns a string, "" when absent.
func ReadString[S ~string](t flatbuffers.Table, field flatbuffers.VOffsetT) S {
	o := flatbuffers.UOffsetT(t.Offset(field))
	if o == 0 {
		return ""
	}
	return S(t.ByteVector(t.Pos + o))
}

// ReadNumbers returns a vector of numbers with one copy of its memory.
func ReadNumbers[S ~[]E, E Number](t flatbuffers.Table, field flatbuffers.VOffsetT) S {
	o := flatbuffers.UOffsetT(t.Offset(field))
	if o == 0 {
		return nil
	}
	s := make(S, t.VectorLen(o))
	raw := memory(s)
	copy(raw, t.Bytes[t.Vector(o):])
	if bigEndian {
		swap(raw, size[E]())
	}
	return s
}

// ReadBools returns a vector of booleans; every byte but 0 is true.
func ReadBools[S ~[]E, E ~bool](t flatbuffers.Table, field flatbuffers.VOffsetT) S {
	o := flatbuffers.UOffsetT(t.Offset(field))
	if o == 0 {
		return nil
	}
	s := make(S, t.VectorLen(o))
	for i, c := range t.Bytes[t.Vector(o):][:len(s)] {
		s[i] = c != 0
	}
	return s
}

// ReadStrings returns a vector of strings.
func ReadStrings[S ~[]E, E ~string](t flatbuffers.Table, field flatbuffers.VOffsetT) S {
	o := flatbuffers.UOffsetT(t.Offset(field))
	if o == 0 {
		return nil
	}
	s := make(S, t.VectorLen(o))
	at := t.Vector(o)
	for i := range s {
		s[i] = E(t.ByteVector(at + 4*flatbuffers.UOffsetT(i)))
	}
	return s
}

// ReadTables returns a vector of tables, each turned into an element by read.
func ReadTables[S ~[]E, E any](t flatbuffers.Table, field flatbuffers.VOffsetT, read func(flatbuffers.Table) E) S {
	o := flatbuffers.UOffsetT(t.Offset(field))
	if o == 0 {
		return nil
	}
	s := make(S, t.VectorLen(o))
	at := t.Vector(o)
	for i := range s {
		s[i] = read(TableAt(t, at+4*flatbuffers.UOffsetT(i)))
	}
	return s
}

// ReadTable returns what read makes of the table that the field refers to, or the zero E when it is absent.
func ReadTable[E any](t flatbuffers.Table, field flatbuffers.VOffsetT, read func(flatbuffers.Table) E) (e E) {
	if o := flatbuffers.UOffsetT(t.Offset(field)); o != 0 {
		e = read(TableAt(t, t.Pos+o))
	}
	return e
}

// TableAt returns the table that the offset at byte at of t's buffer refers to.
func TableAt(t flatbuffers.Table, at flatbuffers.UOffsetT) flatbuffers.Table {
	return flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(at)}
}

// Root returns the root table of a verified buffer.
func Root(buf []byte) flatbuffers.Table {
	return flatbuffers.Table{Bytes: buf, Pos: flatbuffers.GetUOffsetT(buf)}
}

// ReadChunk hands the one chunk of a state to read. No chunk and a second one are malformed; next returns io.EOF after
// the last.
func ReadChunk(next func() ([]byte, error), read func(chunk []byte) error) error {
	chunk, err := next()
	if err == io.EOF {
		return fmt.Errorf("%w: a state without a chunk", ErrMalformed)
	}
	if err == nil {
		err = read(chunk)
	}
	if err != nil {
		return err
	}
	switch _, err = next(); err {
	case io.EOF:
		return nil
	case nil:
		return fmt.Errorf("%w: a state with more than its one chunk", ErrMalformed)
	}
	return err
}
