package gen

import (
	"cmp"
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// table writes the functions of one table: build (or append, when it has a layout), read, and for what a call has append
// and decode.
func (e *emitter) table(tb *table) {
	goType, flat := e.goType(tb), e.flat()
	what := goType
	if tb.Call != "" {
		what = tb.Call
	}
	switch {
	case tb.layout != nil:
		e.layoutFunctions(tb)
	case e.built[tb]:
		e.p("// build%s writes %s as table %s.", tb.Go, what, tb.Name)
		e.p("func build%s(b *%s.Builder, v %s) %s.Offset {", tb.Go, flat, goType, flat)
		e.buildBody(tb)
		e.p("}\n")
	}
	e.p("// read%s verifies table %s and returns what it holds.", tb.Go, tb.Name)
	t, v := e.local("t"), e.local("v")
	switch {
	case !tb.Boxed && tb.Type.Kind == Map:
		e.p("func read%s(%s %s.Table) %s {\nreturn %s\n}\n", tb.Go, t, flat, goType, e.readMap(tb, t))
	case len(tb.live()) == 0 && len(tb.migrated()) == 0:
		e.p("func read%s(%s.Table) %s { return %s{} }\n", tb.Go, flat, goType, goType)
	default:
		e.p("func read%s(%s %s.Table) (%s %s) {", tb.Go, t, flat, v, goType)
		e.readBody(tb, t, v)
		e.p("return %s\n}\n", v)
	}
	if tb.Call == "" {
		return
	}
	if tb.layout == nil {
		e.p("// append%s appends a buffer whose root is table %s.", tb.Go, tb.Name)
		e.p("func append%s(dst []byte, v %s) ([]byte, error) { return %s.Append(dst, v, build%s) }\n", tb.Go, goType, flat, tb.Go)
	}
	e.p("// decode%s verifies and reads a buffer whose root is table %s.", tb.Go, tb.Name)
	buf, check, err := e.local("buf"), e.local("check"), e.local("err")
	e.p("func decode%s(%s []byte) (%s, error) {", tb.Go, buf, goType)
	if tb.layout != nil {
		e.decodeLayout(tb, buf)
	}
	e.p("%s := %s.New(%s)", check, flat, buf)
	e.p("%s := read%s(%s.Root())", v, tb.Go, check)
	if tb.Struct == "" { // no literal of it can be written: the zero value of the type is whoever reads it to see to
		e.p("return %s, %s.Err()\n}\n", v, check)
		return
	}
	e.p("if %s := %s.Err(); %s != nil {\nreturn %s{}, %s\n}", err, check, err, goType, err)
	e.p("return %s, nil", v)
	e.p("}\n")
}

// value is the expression for a slot's value, where v is the whole.
func (tb *table) value(v string, s slot) string {
	switch {
	case tb.Boxed:
		return v
	case tb.Type.Kind == Map:
		return s.Name
	case tb.Struct != "":
		return v + "." + upperFirst(s.Go)
	}
	return v + "." + s.Go
}

// buildBody writes what builds v as table tb.
func (e *emitter) buildBody(tb *table) {
	flat := e.flat()
	if !tb.Boxed && tb.Type.Kind == Map {
		key := tb.Type.Key
		keys, values := e.items(key, "Items(build"), e.items(tb.Type.Elem, "Items(build")
		if key.ordered() {
			e.p("return %s.CreateMap(b, v, %s, %s)", flat, keys, values)
		} else {
			e.p("return %s.CreateMapBy(b, v, %s, %s, %s)", flat, keys, values, e.compare(key))
		}
		return
	}
	e.p("if !b.Enter() {\nreturn 0\n}")
	live, offsets, used := tb.live(), map[int]string{}, map[string]bool{}
	for _, s := range live {
		if s.Type.Kind == Scalar {
			continue
		}
		offsets[s.ID] = local(lowerFirst(cmp.Or(s.Go, s.Name))+"Offset", used)
		if s.Go != "" {
			e.p("b.Field(%q)", s.Go)
		}
		e.create(offsets[s.ID], s.Type, tb.value("v", s))
	}
	e.p("b.StartObject(%d)", len(tb.Slots))
	// Wide fields first: the fewest bytes of padding, as flatc does it.
	slices.SortStableFunc(live, func(a, b slot) int { return inlineBytes(b.Type) - inlineBytes(a.Type) })
	for _, s := range live {
		put, value := "Number", tb.value("v", s)
		switch {
		case s.Type.Kind != Scalar:
			put, value = "Offset", offsets[s.ID]
		case s.Type.isTime():
			put = "Time"
		case s.Type.isBool():
			put = "Bool"
		}
		e.p("%s.Put%s(b, %d, %s)", flat, put, s.ID, value)
	}
	e.p("return b.Leave()")
}

// items is the expression for how the keys or values of a map, of type t, are written or read; those that are tables as tables
// says.
func (e *emitter) items(t *Type, tables string) string {
	flat := e.flat()
	switch how := vectors(t); {
	case t.Kind == Struct && t.Name == "": // the values of a set
		return flat + ".NoItems()"
	case how == "":
		return fmt.Sprintf("%s.Table%s%s)", flat, tables, e.tables.add(t).Go)
	case how == "Times":
		return flat + ".TimeItems()"
	default:
		return fmt.Sprintf("%s.%sItems[%s]()", flat, strings.TrimSuffix(how, "s"), e.typ(t.Go))
	}
}

// create writes the statements that write what a field of type t refers to, and set offset.
func (e *emitter) create(offset string, t *Type, value string) {
	flat := e.flat()
	switch t.Kind {
	case String:
		e.p("%s := %s.CreateString(b, %s)", offset, flat, value)
	case Slice:
		e.p("%s := %s", offset, e.createVector(t.Elem, value))
	case Array:
		e.p("%s := %s", offset, e.createVector(t.Elem, value+"[:]"))
	case Struct:
		e.p("%s := build%s(b, %s)", offset, e.tables.add(t).Go, value)
	case Map:
		e.p("var %s %s.Offset", offset, flat)
		e.p("if %s != nil {\n%s = build%s(b, %s)\n}", value, offset, e.tables.add(t).Go, value)
	case Pointer:
		e.p("%s := %s.CreatePointer(b, %s, build%s)", offset, flat, value, e.tables.refer(t).Go)
	case Binary:
		e.p("%s := %s.CreateBinary(b, &%s)", offset, flat, value)
	case Matrix:
		e.p("%s := %s.Create%s(b, %s)", offset, e.matrix(), t.Matrix, value)
	}
}

// inlineBytes is what a field of type t takes inside its table.
func inlineBytes(t *Type) int {
	if t.Kind == Scalar {
		return t.Scalar.bytes
	}
	return 4
}

// createVector is the expression that writes the slice value, with elements of type elem.
func (e *emitter) createVector(elem *Type, value string) string {
	how := vectors(elem)
	if how == "" {
		return fmt.Sprintf("%s.CreateTables(b, %s, build%s)", e.flat(), value, e.tables.add(elem).Go)
	}
	return fmt.Sprintf("%s.Create%s(b, %s)", e.flat(), how, value)
}

// vectors is what package flat calls vectors of elem; empty for tables.
func vectors(elem *Type) string {
	switch {
	case elem.Kind == String:
		return "Strings"
	case elem.Kind != Scalar:
		return ""
	case elem.isTime():
		return "Times"
	case elem.isBool():
		return "Bools"
	}
	return "Numbers"
}

// toWire converts a scalar to the plain type of its size.
func (e *emitter) toWire(t *Type, value string) string {
	if plain := strings.ToLower(t.Scalar.method); plainName(t) != plain {
		return plain + "(" + value + ")"
	}
	return value
}

// fromWire converts the scalar value, of that plain type, to t.
func (e *emitter) fromWire(t *Type, value string) string {
	if plainName(t) != strings.ToLower(t.Scalar.method) {
		return e.typ(t.Go) + "(" + value + ")"
	}
	return value
}

// plainName is the name of the predeclared type that t is, by one name for each; empty when it is another type.
func plainName(t *Type) string {
	if b, ok := types.Unalias(t.Go).(*types.Basic); ok {
		return types.Typ[b.Kind()].Name()
	}
	return ""
}

func (e *emitter) readBody(tb *table, t, v string) {
	// In the order of ids, as the parts of a state have what they leave open; what becomes of retired fields comes last.
	var migrations []string
	for _, s := range tb.Slots {
		switch {
		case s.Type != nil:
			e.readSlot(s, t, tb.value(v, s))
		case s.Func != "":
			migrations = append(migrations, e.readRetired(s, t, v))
		}
	}
	for _, m := range migrations {
		e.p("%s", m)
	}
}

// migrated are the slots of which a method makes something.
func (tb *table) migrated() []slot {
	return slices.DeleteFunc(slices.Clone(tb.Slots), func(s slot) bool { return s.Func == "" })
}

// readRetired writes the statements that read a retired field, and returns the one that hands what was read to its
// method.
func (e *emitter) readRetired(s slot, t, v string) string {
	old, had := e.local(fmt.Sprintf("old%d", s.ID)), e.local(fmt.Sprintf("had%d", s.ID))
	e.p("var %s %s\n%s := %s.Has(%d)", old, e.typ(s.Old.Go), had, t, s.ID)
	s.Type = s.Old
	e.readSlot(s, t, old)
	return fmt.Sprintf("if %s {\n%s.%s(%s)\n}", had, v, s.Func, old)
}

// readSlot writes the statements that read the slot of table t into the variable to.
func (e *emitter) readSlot(s slot, t, to string) {
	flat, kind := e.flat(), s.Type
	switch kind.Kind {
	case Scalar:
		e.p("%s = %s", to, e.readScalar(kind, t, s.ID))
	case String:
		e.p("%s = %s.ReadString[%s](%s, %d)", to, flat, e.typ(kind.Go), t, s.ID)
	case Slice:
		e.p("%s = %s", to, e.readVector(kind.Elem, e.typ(kind.Go), t, s.ID))
	case Array:
		e.p("%s.Fill(%s, %s[:], %s)", flat, t, to, e.readVector(kind.Elem, "[]"+e.typ(kind.Elem.Go), t, s.ID))
	case Struct, Map:
		e.p("%s = read%s(%s.Sub(%d))", to, e.tables.add(kind).Go, t, s.ID)
	case Pointer:
		e.p("%s = %s.ReadPointer(%s, %d, read%s)", to, flat, t, s.ID, e.tables.refer(kind).Go)
	case Binary:
		e.p("%s.ReadBinary(%s, %d, &%s)", flat, t, s.ID, to)
	case Matrix:
		e.p("%s = %s.Read%s(%s.Sub(%d))", to, e.matrix(), kind.Matrix, t, s.ID)
	}
}

// readScalar is the expression that reads an inline field.
func (e *emitter) readScalar(s *Type, t string, id int) string {
	how := "Number"
	switch {
	case s.isTime():
		return fmt.Sprintf("%s.ReadTime(%s, %d)", e.flat(), t, id)
	case s.isBool():
		how = "Bool"
	}
	return fmt.Sprintf("%s.Read%s[%s](%s, %d)", e.flat(), how, e.typ(s.Go), t, id)
}

// readVector is the expression that reads a slice of that type.
func (e *emitter) readVector(elem *Type, slice, t string, id int) string {
	if how := vectors(elem); how != "" {
		return fmt.Sprintf("%s.Read%s[%s](%s, %d)", e.flat(), how, slice, t, id)
	}
	return fmt.Sprintf("%s.ReadTables[%s](%s, %d, read%s)", e.flat(), slice, t, id, e.tables.add(elem).Go)
}

// readMap is the expression that reads a map.
func (e *emitter) readMap(tb *table, t string) string {
	key, elem := tb.Type.Key, tb.Type.Elem
	return fmt.Sprintf("%s.ReadMap[%s](%s, %s, %s, %s)", e.flat(), e.goType(tb), t, e.items(key, "Reads(read"), e.items(elem, "Reads(read"), e.compare(key))
}
