package gen

import (
	"cmp"
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// table writes the functions of one table: build (or append, when it has a layout), read, and for arguments append and
// decode.
func (e *emitter) table(tb *table) {
	goType, flat := e.goType(tb), e.flat()
	what := goType
	if tb.Struct != "" {
		what = "the arguments"
	}
	switch {
	case tb.layout != nil:
		e.layoutFunctions(tb)
	case e.built[tb]:
		e.p("// build%s writes %s as table %s.", tb.Go, what, tb.Name)
		e.p("func build%s(b *%s.Builder, v %s) %s.Offset {", tb.Go, flat, goType, flat)
		e.buildBody(tb, nil)
		e.p("}\n")
	}
	e.p("// read%s verifies table %s and returns what it holds.", tb.Go, tb.Name)
	t, v := e.local("t"), e.local("v")
	if len(tb.live()) == 0 && len(tb.migrated()) == 0 {
		e.p("func read%s(%s.Table) %s { return %s{} }\n", tb.Go, flat, goType, goType)
	} else {
		e.p("func read%s(%s %s.Table) (%s %s) {", tb.Go, t, flat, v, goType)
		e.readBody(tb, t, v)
		e.p("return %s\n}\n", v)
	}
	if tb == e.state || tb.Struct != "" {
		if tb.Struct != "" && tb.layout == nil {
			e.p("// append%s appends a buffer whose root is table %s.", tb.Go, tb.Name)
			e.p("func append%s(dst []byte, v %s) []byte { return %s.Append(dst, v, build%s) }\n", tb.Go, goType, flat, tb.Go)
		}
		e.p("// decode%s verifies and reads a buffer whose root is table %s.", tb.Go, tb.Name)
		buf, check, err := e.local("buf"), e.local("check"), e.local("err")
		e.p("func decode%s(%s []byte) (%s, error) {", tb.Go, buf, goType)
		if tb.layout != nil {
			e.decodeLayout(tb, buf)
		}
		e.p("%s := %s.New(%s)", check, flat, buf)
		e.p("%s := read%s(%s.Root())", v, tb.Go, check)
		e.p("if %s := %s.Err(); %s != nil {\nreturn %s{}, %s\n}", err, check, err, goType, err)
		e.p("return %s, nil", v)
		e.p("}\n")
	}
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

// buildBody writes what builds v as table tb. The streamed slots get as much as fits, from the variable rests.
func (e *emitter) buildBody(tb *table, streamed []slot) {
	flat := e.flat()
	e.p("if !b.Enter() {\nreturn 0\n}")
	if !tb.Boxed && tb.Type.Kind == Map {
		e.p("keys := %s.SortedKeys(v)", flat)
		if !isSet(tb.Type) {
			e.p("values := %s.Values(v, keys)", flat)
		}
	}
	live, offsets, used := tb.live(), map[int]string{}, map[string]bool{}
	for _, s := range live {
		if s.Type.Kind == Scalar {
			continue
		}
		offsets[s.ID] = local(lowerFirst(cmp.Or(s.Go, s.Name))+"Offset", used)
		if slices.ContainsFunc(streamed, func(x slot) bool { return x.ID == s.ID }) {
			e.p("%s := rests[%d].Create(b)", offsets[s.ID], s.ID)
		} else {
			e.create(offsets[s.ID], s.Type, tb.value("v", s))
		}
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
		e.p("var %s %s.Offset", offset, flat)
		e.p("if %s != nil {\n%s = build%s(b, *%s)\n}", value, offset, e.tables.refer(t).Go, value)
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
	if !tb.Boxed && tb.Type.Kind == Map {
		e.readMap(tb, t, v)
		return
	}
	for _, s := range tb.live() {
		e.readSlot(s, t, tb.value(v, s))
	}
	for _, s := range tb.migrated() {
		e.p("if %s.Has(%d) {", t, s.ID)
		e.migrate(s, t, v)
		e.p("}")
	}
}

// migrated are the slots of which a method makes something.
func (tb *table) migrated() []slot {
	return slices.DeleteFunc(slices.Clone(tb.Slots), func(s slot) bool { return s.Func == "" })
}

// migrate writes the statements that hand what table t holds of a retired field to its method.
func (e *emitter) migrate(s slot, t, v string) {
	old := e.local("old")
	e.p("var %s %s", old, e.typ(s.Old.Go))
	s.Type = s.Old
	e.readSlot(s, t, old)
	e.p("%s.%s(%s)", v, s.Func, old)
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
		if how := vectors(kind.Elem); how != "" {
			e.p("%s = %s.Read%s[%s](%s, %d)", to, flat, how, e.typ(kind.Go), t, s.ID)
			return
		}
		vector, i := e.local("s"), e.local("i")
		e.p("if %s := %s.Subs(%d); %s.Present() {", vector, t, s.ID, vector)
		e.p("%s = make(%s, %s.Len())", to, e.typ(kind.Go), vector)
		e.p("for %s := range %s {\n%s[%s] = read%s(%s.At(%s))\n}\n}", i, to, to, i, e.tables.add(kind.Elem).Go, vector, i)
	case Array:
		if how := vectors(kind.Elem); how != "" {
			e.p("%s.Fill(%s, %s[:], %s.Read%s[[]%s](%s, %d))", flat, t, to, flat, how, e.typ(kind.Elem.Go), t, s.ID)
			return
		}
		vector, i := e.local("s"), e.local("i")
		e.p("if %s := %s.Subs(%d); %s.Counts(%d) {", vector, t, s.ID, vector, kind.Len)
		e.p("for %s := range %s {\n%s[%s] = read%s(%s.At(%s))\n}\n}", i, to, to, i, e.tables.add(kind.Elem).Go, vector, i)
	case Struct, Map:
		e.p("%s = read%s(%s.Sub(%d))", to, e.tables.add(kind).Go, t, s.ID)
	case Pointer:
		sub, x := e.local("sub"), e.local("x")
		e.p("if %s := %s.Sub(%d); %s.Present() {", sub, t, s.ID, sub)
		e.p("%s := read%s(%s)\n%s = &%s\n}", x, e.tables.refer(kind).Go, sub, to, x)
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

// readMap writes the loop over the two columns of a map.
func (e *emitter) readMap(tb *table, t, v string) {
	flat, kind := e.flat(), tb.Type
	keys, values, i := e.local("keys"), e.local("values"), e.local("i")
	column := "Keys"
	if kind.Key.Kind == String {
		column = "StringKeys"
	}
	e.p("%s := %s.%s[%s](%s, 0)", keys, flat, column, e.typ(kind.Key.Go), t)
	value := "struct{}{}"
	if !isSet(kind) {
		value = e.column(values, kind.Elem, t, i)
		e.p("if !%s.SameCount(%s, %s.Len(), %s.Len()) || !%s.Present() {\nreturn nil\n}", flat, t, keys, values, keys)
	} else {
		e.p("if !%s.Present() {\nreturn nil\n}", keys)
	}
	e.p("%s = make(%s, %s.Len())", v, e.goType(tb), keys)
	e.p("for %s := range %s.Len() {\n%s[%s.At(%s)] = %s\n}", i, keys, v, keys, i, value)
}

// column writes the variable for the column of a map's values, and returns the expression for element i.
func (e *emitter) column(name string, elem *Type, t, i string) string {
	switch how := vectors(elem); how {
	case "":
		e.p("%s := %s.Subs(1)", name, t)
		return fmt.Sprintf("read%s(%s.At(%s))", e.tables.add(elem).Go, name, i)
	case "Times":
		e.p("%s := %s.Times(%s, 1)", name, e.flat(), t)
	default:
		e.p("%s := %s.%s[%s](%s, 1)", name, e.flat(), how, e.typ(elem.Go), t)
	}
	return fmt.Sprintf("%s.At(%s)", name, i)
}
