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
// are maps, of two columns (keys that ascend, and values), and slices inside slices or maps, because a FlatBuffers
// vector has no vectors as elements.
type table struct {
	Name  string // in the schema
	Go    string // ends the names of its functions: build<Go>, verify<Go>, read<Go>, copy<Go>
	Type  *Type
	Slots []slot // by id

	// Struct is the name of the Go struct that we write for a mutator's arguments; empty for types of the program.
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
}

// inTable tells whether a value of type t is a table of its own wherever it stands.
func inTable(t *Type) bool { return t.Kind == Map || t.Kind == Struct }

// isSet tells whether t is a map without values.
func isSet(t *Type) bool { return t.Kind == Map && t.Elem.Kind == Struct && t.Elem.Name == "" }

// wireType is how a schema names the type of a field of type t.
func wireType(t *Type) string {
	if t.Kind == Slice {
		return "[" + wireElem(t.Elem) + "]"
	}
	return wireElem(t)
}

// wireElem is how a schema names an element of type t in a vector.
func wireElem(t *Type) string {
	switch t.Kind {
	case Scalar:
		return t.Scalar.fbs
	case String:
		return "string"
	case Struct:
		return tableName(t.Name)
	case Map:
		if isSet(t) {
			return "SetOf" + upperFirst(wireElem(t.Key))
		}
		return "MapOf" + upperFirst(wireElem(t.Key)) + "To" + upperFirst(wireElem(t.Elem))
	case Slice:
		return "ListOf" + upperFirst(wireElem(t.Elem))
	}
	panic("unreachable: kind")
}

// tableName is what a schema calls the table of a struct. It begins with a capital: flatc wants no field, of any table,
// to have the name of a table.
func tableName(goName string) string { return upperFirst(ascii(goName)) }

// goName is the part of a function's name that stands for t. Unlike wireElem it tells int from int64.
func goName(t *Type) string {
	if named, ok := types.Unalias(t.Go).(*types.Named); ok {
		if t.Kind == Struct || named.Obj().Pkg() == nil {
			return upperFirst(t.Name)
		}
		return upperFirst(named.Obj().Name())
	}
	switch t.Kind {
	case Slice:
		return "ListOf" + goName(t.Elem)
	case Map:
		if isSet(t) {
			return "SetOf" + goName(t.Key)
		}
		return "MapOf" + goName(t.Key) + "To" + goName(t.Elem)
	}
	return upperFirst(plainName(&Type{Go: t.Go.Underlying()}))
}

// A tableSet is the tables that the types of one class lead to.
type tableSet struct {
	list   []*table          // what is referred to stands before what refers to it
	byGo   map[string]*table // by Go type
	byName map[string]*table // by name in the schema; Go types that look alike on the wire share one
	names  *names            // for functions
	prefix string            // of function names: the class
	clash  func(name string) // reports two different tables of one name
}

// add returns the table of t, having added it and all that it leads to.
func (s *tableSet) add(t *Type) *table {
	key := types.TypeString(t.Go, nil)
	if known := s.byGo[key]; known != nil {
		return known
	}
	tb := &table{Name: wireElem(t), Type: t}
	switch t.Kind {
	case Struct:
		tb.Slots = structSlots(t)
	case Map:
		tb.Slots = []slot{{Name: "keys", ID: 0, Wire: "[" + wireElem(t.Key) + "]", Type: &Type{Kind: Slice, Elem: t.Key}}}
		if !isSet(t) {
			tb.Slots = append(tb.Slots, slot{Name: "values", ID: 1, Wire: "[" + wireElem(t.Elem) + "]", Type: &Type{Kind: Slice, Elem: t.Elem}})
		}
	case Slice:
		tb.Slots = []slot{{Name: "items", ID: 0, Wire: wireType(t), Type: t}}
	}
	s.byGo[key] = tb
	s.insert(tb, s.prefix+goName(t))
	return tb
}

// root returns the table of the class's state, likewise.
func (s *tableSet) root(t *Type) *table {
	tb := &table{Name: wireElem(t), Type: t, Slots: structSlots(t)}
	s.byGo[types.TypeString(t.Go, nil)] = tb
	s.insert(tb, s.prefix)
	return tb
}

// args returns the table of a mutator's arguments, likewise.
func (s *tableSet) args(c *Class, m *Mutator) *table {
	t := *m.Args
	t.Name = upperFirst(c.Go) + m.Name() + "Args"
	tb := &table{Name: tableName(t.Name), Type: &t, Slots: structSlots(&t)}
	s.insert(tb, t.Name)
	if tb.layout = newLayout(tb.Slots); tb.layout != nil {
		tb.template = s.names.fresh(lowerFirst(tb.Go) + "Template")
	}
	return tb
}

func (s *tableSet) insert(tb *table, base string) {
	for _, sl := range tb.live() {
		switch t := sl.Type; {
		case inTable(t):
			s.add(t)
		case t.Kind == Slice && (inTable(t.Elem) || t.Elem.Kind == Slice):
			s.add(t.Elem)
		}
	}
	tb.Go = s.names.freshOf(base, "build", "append", "verify", "read", "decode", "save", "load")
	if other := s.byName[tb.Name]; other == nil {
		s.byName[tb.Name] = tb
	} else if other.text() != tb.text() {
		s.clash(tb.Name)
	}
	s.list = append(s.list, tb)
}

// reach returns tb's declaration and those of all tables that it leads to, each once, tb's first.
func (s *tableSet) reach(tb *table) []*table {
	found := []*table{tb}
	for i := 0; i < len(found); i++ {
		for _, sl := range found[i].live() {
			t := sl.Type
			if t.Kind == Slice {
				t = t.Elem
			}
			if !inTable(t) && t.Kind != Slice {
				continue
			}
			if next := s.byName[wireElem(t)]; !slices.Contains(found, next) {
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
		if !slices.Contains(plainWires, strings.Trim(wire, "[]")) {
			wire = "[ubyte]" // its table may be gone; nobody reads it
		}
		name := snakeCase(f.Go)
		if taken[name] {
			name = fmt.Sprintf("%s_%d", name, f.ID)
		}
		taken[name] = true
		byID[f.ID] = slot{Name: name, ID: f.ID, Wire: wire}
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

// text is the table's declaration in a schema.
func (tb *table) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "table %s {\n", tb.Name)
	for _, s := range tb.Slots {
		deprecated := ""
		if s.Type == nil {
			deprecated = ", deprecated"
		}
		fmt.Fprintf(&b, "  %s:%s (id: %d%s);\n", s.Name, s.Wire, s.ID, deprecated)
	}
	b.WriteString("}\n")
	return b.String()
}
