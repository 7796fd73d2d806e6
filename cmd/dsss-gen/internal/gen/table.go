package gen

import (
	"cmp"
	"fmt"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// A table is one FlatBuffers table of a class together with the Go type that is written as it. Structs are tables. So
// are maps, of two columns (keys that ascend, and values). What cannot stand in a vector by itself (another vector, a
// pointer that may be nil) does so in a box, a table of one field.
type table struct {
	Name  string // in the schema
	Go    string // ends the names of its functions: build<Go>, read<Go>, append<Go>, decode<Go>
	Type  *Type
	Slots []slot // by id
	Boxed bool   // whether the one slot holds the value itself
	Fixed string // of a declaration that package flat or matrix has the functions for: all of it

	// Call says what the table is of a call, "the arguments" or "the result": it is a root then. Empty for all others.
	Call string
	// Struct is the name of the Go struct that we write for arguments, or for several results; empty for types of the
	// program.
	Struct string
	// layout is where the fields of arguments always stand, nil when they have no such places; template is the name
	// of the constant that holds its fixed part.
	layout   *layout
	template string
}

// A slot is one field of a table.
type slot struct {
	Name string // in the schema
	ID   int
	Type *Type  // nil for one that is only declared, as deprecated
	Wire string // its type in the schema
	Go   string // of a struct: the field's name
	Old  *Type  // of a retired field that Func gets: its type
	Func string // of a retired field: the method that gets what states hold of it
}

// each is what the slot refers to, or did.
func (s slot) each() *Type { return cmp.Or(s.Type, s.Old) }

// isTable tells whether a value of type t is a table of its own wherever it stands.
func (t *Type) isTable() bool { return t.Kind == Map || t.Kind == Struct }

// isSet tells whether t is a map without values.
func isSet(t *Type) bool { return t.Kind == Map && t.Elem.Kind == Struct && t.Elem.Name == "" }

// toTable tells whether t is a pointer to a struct, which needs no box: its field is absent for nil.
func (t *Type) toTable() bool { return t.Kind == Pointer && t.Elem.Kind == Struct }

// A tableSet is the tables that the types of one class lead to.
type tableSet struct {
	list   []*table          // what is referred to stands before what refers to it
	byGo   map[string]*table // by Go type
	byName map[string]*table // by name in the schema; Go types that look alike on the wire share one
	names  *names            // for functions
	prefix string            // of function names: the class
	clash  func(name string) // reports two different tables of one name
}

// add returns the table that t is as the element of a vector, having added it and all that it leads to.
func (s *tableSet) add(t *Type) *table {
	if !t.isTable() {
		return s.box(t)
	}
	key := types.TypeString(t.Go, nil)
	if known := s.byGo[key]; known != nil {
		return known
	}
	tb := &table{Name: wireElem(t), Type: t}
	if t.Kind == Struct {
		tb.Slots = structSlots(t)
	} else {
		tb.Slots = []slot{{Name: "keys", ID: 0, Wire: "[" + wireElem(t.Key) + "]", Type: &Type{Kind: Slice, Elem: t.Key}}}
		if !isSet(t) {
			tb.Slots = append(tb.Slots, slot{Name: "values", ID: 1, Wire: "[" + wireElem(t.Elem) + "]", Type: &Type{Kind: Slice, Elem: t.Elem}})
		}
	}
	s.byGo[key] = tb
	s.insert(tb, s.prefix+goName(t))
	return tb
}

// box returns the table that has a value of type t as its one field, likewise.
func (s *tableSet) box(t *Type) *table {
	key := "box " + types.TypeString(t.Go, nil)
	if known := s.byGo[key]; known != nil {
		return known
	}
	tb := newBox(boxName(t), t)
	s.byGo[key] = tb
	base := goName(t)
	if t.Kind != Slice && t.Kind != Array {
		base = "BoxOf" + base
	}
	s.insert(tb, s.prefix+base)
	return tb
}

func newBox(name string, t *Type) *table {
	field := "value"
	if t.Kind == Slice || t.Kind == Array {
		field = "items"
	}
	return &table{Name: name, Type: t, Boxed: true, Slots: []slot{{Name: field, Wire: wireType(t), Type: t}}}
}

// root returns the table of the class's state, likewise.
func (s *tableSet) root(t *Type) *table {
	tb := &table{Name: wireElem(t), Type: t, Slots: structSlots(t)}
	s.byGo[types.TypeString(t.Go, nil)] = tb
	s.insert(tb, s.prefix)
	return tb
}

// call returns the table of what a call has under this name, of which we write the struct, likewise.
func (s *tableSet) call(name, what string, of *Type) *table {
	t := *of
	t.Name = name
	tb := &table{Name: tableName(name), Type: &t, Slots: structSlots(&t), Call: what}
	s.insert(tb, name)
	if tb.layout = newLayout(tb.Slots); tb.layout != nil {
		tb.template = s.names.fresh(lowerFirst(tb.Go) + "Template")
	}
	return tb
}

func (s *tableSet) insert(tb *table, base string) {
	for _, sl := range tb.Slots {
		if t := sl.each(); t != nil {
			s.refer(t)
		}
	}
	tb.Go = s.names.freshOf(base, "build", "append", "read", "decode", "save", "load")
	if other := s.byName[tb.Name]; other == nil {
		s.byName[tb.Name] = tb
	} else if other.declaration(false) != tb.declaration(false) {
		s.clash(tb.Name)
	}
	s.list = append(s.list, tb)
}

// refer returns the table that a field of type t refers to, having added it; nil when there is none.
func (s *tableSet) refer(t *Type) *table {
	switch t.Kind {
	case Scalar, Matrix:
		if text := fixed[wireType(t)]; text != "" {
			return s.fixed(wireType(t), text)
		}
	case Struct, Map:
		return s.add(t)
	case Slice, Array:
		switch t.Elem.Kind {
		case Scalar:
			return s.refer(t.Elem)
		case String:
			return nil
		}
		return s.add(t.Elem)
	case Pointer:
		if t.toTable() {
			return s.add(t.Elem)
		}
		return s.box(t.Elem)
	}
	return nil
}

// fixed are the declarations of what packages flat and matrix write.
var fixed = map[string]string{
	"GoTime":        "struct GoTime (time) {\n  seconds:long;\n  nanos:int;\n}\n",
	"Complex64":     "struct Complex64 (complex) {\n  re:float;\n  im:float;\n}\n",
	"Complex128":    "struct Complex128 (complex) {\n  re:double;\n  im:double;\n}\n",
	"GonumDense":    "table GonumDense (dense) {\n  rows:long (id: 0);\n  cols:long (id: 1);\n  data:[double] (id: 2);\n}\n",
	"GonumVecDense": "table GonumVecDense (vector) {\n  data:[double] (id: 0);\n}\n",
	"GonumSymDense": "table GonumSymDense (symmetric) {\n  n:long (id: 0);\n  upper:[double] (id: 1);\n}\n",
}

func (s *tableSet) fixed(name, text string) *table {
	known := s.byName[name]
	if known == nil {
		known = &table{Name: name, Go: s.prefix + name, Fixed: text}
		s.byName[name] = known
		s.list = append(s.list, known)
	} else if known.Fixed == "" {
		s.clash(name)
	}
	return known
}

// reach returns tb's declaration and those of all tables that it leads to, each once, tb's first.
func (s *tableSet) reach(tb *table) []*table {
	found := []*table{tb}
	for i := 0; i < len(found); i++ {
		for _, sl := range found[i].Slots {
			t := sl.each()
			if t == nil {
				continue
			}
			next := s.refer(t)
			if next == nil {
				continue
			}
			if next = s.byName[next.Name]; !slices.Contains(found, next) {
				found = append(found, next)
			}
		}
	}
	return found
}

// structSlots are the slots of a struct or of a mutator's arguments, the retired and the missing included.
func structSlots(t *Type) []slot {
	byID, taken := map[int]slot{}, map[string]bool{}
	for _, f := range t.Fields {
		byID[f.ID] = slot{Name: snakeCase(f.Go), ID: f.ID, Type: f.Type, Wire: wireType(f.Type), Go: f.Go}
		taken[snakeCase(f.Go)] = true
	}
	for _, f := range t.Retired {
		wire := f.Wire
		if elem := strings.Trim(wire, "[]"); !slices.Contains(plainWires, elem) {
			wire = "[ubyte]" // its table may be gone; it is not read
		}
		if f.Func != "" {
			wire = wireType(f.Old)
		}
		name := snakeCase(f.Go)
		if taken[name] {
			name = fmt.Sprintf("%s_%d", name, f.ID)
		}
		taken[name] = true
		byID[f.ID] = slot{Name: name, ID: f.ID, Wire: wire, Go: f.Go, Old: f.Old, Func: f.Func}
	}
	// Lines deleted from the lock leave holes, which flatc does not allow.
	for id := range slices.Max(append(slices.Collect(maps.Keys(byID)), -1)) {
		if _, ok := byID[id]; !ok {
			byID[id] = slot{Name: fmt.Sprintf("unused_%d", id), ID: id, Wire: "ubyte"}
		}
	}
	return slices.SortedFunc(maps.Values(byID), func(a, b slot) int { return cmp.Compare(a.ID, b.ID) })
}

var plainWires = []string{"bool", "byte", "ubyte", "short", "ushort", "int", "uint", "long", "ulong", "float", "double", "string"}

// live are the slots that are written.
func (tb *table) live() []slot {
	return slices.DeleteFunc(slices.Clone(tb.Slots), func(s slot) bool { return s.Type == nil })
}

// attribute says in a schema what the table stands for, unless that is a struct.
func (tb *table) attribute() string {
	switch {
	case tb.Boxed:
		return " (box)"
	case isSet(tb.Type):
		return " (set)"
	case tb.Type.Kind == Map:
		return " (map)"
	}
	return ""
}

// attributes are those that schemas use, beside FlatBuffers' own.
var attributes = []string{"binary", "box", "complex", "dense", "go", "map", "set", "symmetric", "time", "vector"}

// text is the table's declaration in a schema. Package dsss/inspect reads states by it.
func (tb *table) text() string { return tb.declaration(tb.Struct == "") }

// declaration is text with or without the fields' names in Go: Go types that differ in those alone share a table.
func (tb *table) declaration(named bool) string {
	if tb.Fixed != "" {
		return tb.Fixed
	}
	var b strings.Builder
	fmt.Fprintf(&b, "table %s%s {\n", tb.Name, tb.attribute())
	for _, s := range tb.Slots {
		deprecated := ""
		if s.Type == nil {
			deprecated = ", deprecated"
		}
		count := ""
		if s.Type != nil && s.Type.Kind == Array {
			count = fmt.Sprintf(" // %d of them, or absent for zeros", s.Type.Len)
		}
		name := ""
		if named && s.Go != s.Name && s.Go != "" && s.Type != nil {
			name = fmt.Sprintf(", go: %q", s.Go)
		}
		binary := ""
		if s.Go != "" && s.Type != nil {
			if t := s.Type.binary(); t != nil {
				binary = fmt.Sprintf(", binary: %q", t.LockName)
			}
		}
		fmt.Fprintf(&b, "  %s:%s (id: %d%s%s%s);%s\n", s.Name, s.Wire, s.ID, deprecated, name, binary, count)
	}
	b.WriteString("}\n")
	return b.String()
}
