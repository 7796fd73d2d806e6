package inspect

import (
	"errors"
	"fmt"
	"slices"

	"dsss/internal/limits"
)

// ErrSchema is what errors about a schema wrap: it is not one that dsss-gen writes, so the states of its class cannot be
// read by it. Those of classes whose codecs were written by hand mostly are not.
var ErrSchema = errors.New("no schema that states can be read by")

// A Schema says what the buffers of a class's states hold. It may be used by many goroutines at once.
//
// Its text is FlatBuffers' schema language: declarations of tables and structs, the state's table first. Attributes say what
// a table stands for that is no struct of the program: map and set (the columns keys and values, keys ascending), box (the
// value of its one field, where FlatBuffers wants a table), dense, vector and symmetric (gonum's matrices); time and complex
// do so for structs. The attribute binary of a field names the type that wrote the bytes in it with MarshalBinary,
// the attribute go is the field's name in the program, where that is another.
type Schema struct {
	root   *table
	tables map[string]*table
}

// A form is what a table stands for.
type form int

const (
	aStruct form = iota
	aMap         // a set, when it has keys alone
	aBox
	aDense
	aVector
	aSymmetric
	aScalar // a struct of FlatBuffers: GoTime, Complex64, Complex128
)

// A table is one declaration.
type table struct {
	name   string
	form   form
	scalar Scalar   // of aScalar
	fields []*field // by id, without deprecated ones
	ids    map[int]bool
}

// A field is one of a table.
type field struct {
	name   string // in the program
	id     int
	vector bool
	wire   string // the type's name in the schema, of one element for a vector
	binary string

	// What wire means: a table, a string, or a scalar.
	table  *table
	text   bool
	scalar Scalar
}

// Parse reads a schema. Its error wraps [ErrSchema] and says what is wrong.
func Parse(text string) (*Schema, error) {
	s, err := new(parser).parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSchema, err)
	}
	return s, nil
}

// resolve finds what the types of all fields mean, and checks what the walk relies on.
func (s *Schema) resolve() error {
	if s.root == nil {
		return errors.New("it has no table")
	}
	if s.root.form != aStruct {
		return fmt.Errorf("its first table, %s, is not that of a state", s.root.name)
	}
	for _, t := range s.tables {
		for _, f := range t.fields {
			if !f.resolve(s) {
				return fmt.Errorf("field %s of %s is of unknown type %s", f.name, t.name, f.wire)
			}
		}
	}
	for _, t := range s.tables {
		if !t.sound() {
			return fmt.Errorf("%s is not what its attribute says", t.name)
		}
	}
	return nil
}

func (f *field) resolve(s *Schema) bool {
	t := s.tables[f.wire]
	f.text, f.scalar = f.wire == "string", scalarOf[f.wire]
	switch {
	case f.text || f.scalar != 0:
	case t == nil:
		return false
	case t.form == aScalar:
		f.scalar = t.scalar
	default:
		f.table = t
	}
	return true
}

// isKey tells whether elements of the column f, or of the fields of a struct or array in it, can be in the keys of a map. A
// struct that has itself in it cannot.
func (f *field) isKey(depth int) bool {
	switch {
	case depth > limits.TableDepth:
		return false
	case f.table == nil:
		return f.text || f.scalar.isKey()
	case f.table.form != aStruct && f.table.form != aBox:
		return false
	}
	return !slices.ContainsFunc(f.table.fields, func(f *field) bool { return f.binary != "" || !f.isKey(depth+1) })
}

// sound tells whether the table has the fields that its form needs.
func (t *table) sound() bool {
	is := func(id int, vector bool, scalar Scalar) bool {
		return id < len(t.fields) && t.fields[id].id == id && t.fields[id].vector == vector && t.fields[id].scalar == scalar
	}
	switch t.form {
	case aMap:
		if len(t.fields) == 0 || len(t.fields) > 2 || t.fields[0].id != 0 || !t.fields[0].vector || !t.fields[0].isKey(0) {
			return false
		}
		return len(t.fields) == 1 || t.fields[1].id == 1 && t.fields[1].vector
	case aBox:
		return len(t.fields) == 1 && t.fields[0].id == 0
	case aDense:
		return len(t.fields) == 3 && is(0, false, Int64) && is(1, false, Int64) && is(2, true, Float64)
	case aVector:
		return len(t.fields) == 1 && is(0, true, Float64)
	case aSymmetric:
		return len(t.fields) == 2 && is(0, false, Int64) && is(1, true, Float64)
	}
	return true
}
