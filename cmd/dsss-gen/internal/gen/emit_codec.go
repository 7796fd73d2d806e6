package gen

import (
	"cmp"
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// table writes the functions of one table: build (or append, when it has a layout), verify, read, and decode when it is the root of a buffer.
func (e *emitter) table(tb *table) {
	goType, flat, fb := e.goType(tb), e.flat(), e.flatbuffers()
	what := goType
	if tb.Struct != "" {
		what = "the arguments"
	}
	if tb.layout != nil {
		e.layoutFunctions(tb)
	} else {
		e.p("// build%s writes %s as table %s.", tb.Go, what, tb.Name)
		e.p("func build%s(b *%s.Builder, v %s) %s.UOffsetT {", tb.Go, fb, goType, fb)
		e.buildBody(tb)
		e.p("}\n")
	}
	e.p("// verify%s checks table %s before read%s reads it.", tb.Go, tb.Name, tb.Go)
	e.p("func verify%s(t %s.Table) {", tb.Go, flat)
	e.verifyBody(tb)
	e.p("}\n")
	e.p("// read%s returns what a verified table %s holds.", tb.Go, tb.Name)
	e.p("func read%s(%s %s.Table) %s {", tb.Go, e.local("t"), fb, goType)
	e.readBody(tb, goType)
	e.p("}\n")
	if tb == e.state || tb.Struct != "" {
		e.p("// decode%s verifies and reads a buffer whose root is table %s.", tb.Go, tb.Name)
		buf, check, err := e.local("buf"), e.local("check"), e.local("err")
		e.p("func decode%s(%s []byte) (%s, error) {", tb.Go, buf, goType)
		if tb.layout != nil {
			e.decodeLayout(tb, buf)
		}
		e.p("%s := %s.New(%s)", check, flat, buf)
		e.p("verify%s(%s.Root())", tb.Go, check)
		e.p("if %s := %s.Err(); %s != nil {\nreturn %s{}, %s\n}", err, check, err, goType, err)
		e.p("return read%s(%s.Root(%s)), nil", tb.Go, flat, buf)
		e.p("}\n")
	}
}

// value is the expression for a slot's value in build, where v is the whole.
func (tb *table) value(s slot) string {
	switch {
	case tb.Type.Kind == Struct && tb.Struct != "":
		return "v." + upperFirst(s.Go)
	case tb.Type.Kind == Struct:
		return "v." + s.Go
	case tb.Type.Kind == Map:
		return s.Name
	}
	return "v"
}

func (e *emitter) buildBody(tb *table) {
	fb, flat := e.flatbuffers(), e.flat()
	if tb.Type.Kind == Map {
		e.p("keys := %s.SortedKeys(v)", flat)
		if !isSet(tb.Type) {
			e.p("values := %s.Values(v, keys)", flat)
		}
	}
	live, offsets, used := tb.live(), map[int]string{}, map[string]bool{}
	for _, s := range live {
		offset := local(lowerFirst(cmp.Or(s.Go, s.Name))+"Offset", used)
		value := tb.value(s)
		offsets[s.ID] = offset
		switch s.Type.Kind {
		case Scalar:
		case String:
			e.p("%s := %s.CreateString(b, %s)", offset, flat, value)
		case Slice:
			e.p("%s := %s", offset, e.createVector(s.Type.Elem, value))
		case Struct:
			e.p("%s := build%s(b, %s)", offset, e.tables.add(s.Type).Go, value)
		case Map:
			e.p("var %s %s.UOffsetT", offset, fb)
			e.p("if %s != nil {\n%s = build%s(b, %s)\n}", value, offset, e.tables.add(s.Type).Go, value)
		}
	}
	e.p("b.StartObject(%d)", len(tb.Slots))
	// Wide fields first: the fewest bytes of padding, as flatc does it.
	slices.SortStableFunc(live, func(a, b slot) int { return inlineBytes(b.Type) - inlineBytes(a.Type) })
	for _, s := range live {
		value := tb.value(s)
		switch t := s.Type; {
		case t.Kind != Scalar:
			e.p("b.PrependUOffsetTSlot(%d, %s, 0)", s.ID, offsets[s.ID])
		case strings.HasPrefix(t.Scalar.method, "Float"):
			e.p("%s.Prepend%sSlot(b, %d, %s)", flat, t.Scalar.method, s.ID, e.toWire(t, value))
		case t.Scalar.method == "Bool":
			e.p("b.PrependBoolSlot(%d, %s, false)", s.ID, e.toWire(t, value))
		default:
			e.p("b.Prepend%sSlot(%d, %s, 0)", t.Scalar.method, s.ID, e.toWire(t, value))
		}
	}
	e.p("return b.EndObject()")
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
	flat := e.flat()
	switch {
	case elem.Kind == Scalar && elem.Scalar.method == "Bool":
		return fmt.Sprintf("%s.CreateBools(b, %s)", flat, value)
	case elem.Kind == Scalar:
		return fmt.Sprintf("%s.CreateNumbers(b, %s)", flat, value)
	case elem.Kind == String:
		return fmt.Sprintf("%s.CreateStrings(b, %s)", flat, value)
	}
	return fmt.Sprintf("%s.CreateTables(b, %s, build%s)", flat, value, e.tables.add(elem).Go)
}

// toWire converts a scalar to the type that the Builder takes.
func (e *emitter) toWire(t *Type, value string) string {
	if plain := strings.ToLower(t.Scalar.method); plainName(t) != plain {
		return plain + "(" + value + ")"
	}
	return value
}

// fromWire converts the scalar value, of the type that the Table returns, to t.
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

func (e *emitter) verifyBody(tb *table) {
	flat := e.flat()
	if tb.Type.Kind == Map {
		keys := fmt.Sprintf("%s.StringKeys(t, 0)", flat)
		if tb.Type.Key.Kind == Scalar {
			keys = fmt.Sprintf("%s.Keys[%s](t, 0)", flat, strings.ToLower(tb.Type.Key.Scalar.method))
		}
		if isSet(tb.Type) {
			e.p("%s", keys)
			return
		}
		e.p("keys := %s", keys)
		switch elem := tb.Type.Elem; elem.Kind {
		case Scalar:
			e.p("values := t.Vector(1, %d)", elem.Scalar.bytes)
		case String:
			e.p("values := t.Strings(1)")
		default:
			e.p("s := t.Subs(1)")
			e.p("for i := range s.Len() {\nverify%s(s.At(i))\n}", e.tables.add(elem).Go)
			e.p("%s.SameCount(t, keys, s.Len())", flat)
			return
		}
		e.p("%s.SameCount(t, keys, values)", flat)
		return
	}
	for _, s := range tb.live() {
		switch s.Type.Kind {
		case Scalar:
			e.p("t.Scalar(%d, %d)", s.ID, s.Type.Scalar.bytes)
		case String:
			e.p("t.String(%d)", s.ID)
		case Slice:
			switch elem := s.Type.Elem; elem.Kind {
			case Scalar:
				e.p("t.Vector(%d, %d)", s.ID, elem.Scalar.bytes)
			case String:
				e.p("t.Strings(%d)", s.ID)
			default:
				e.verifyTables(s.ID, elem)
			}
		default:
			e.p("verify%s(t.Sub(%d))", e.tables.add(s.Type).Go, s.ID)
		}
	}
}

// verifyTables writes the loop that verifies a vector of tables: a loop and no callback, so that the Verifier stays on
// the stack.
func (e *emitter) verifyTables(id int, elem *Type) {
	e.p("for i, s := 0, t.Subs(%d); i < s.Len(); i++ {", id)
	e.p("verify%s(s.At(i))\n}", e.tables.add(elem).Go)
}

func (e *emitter) readBody(tb *table, goType string) {
	switch tb.Type.Kind {
	case Slice:
		e.p("return %s", e.readSlot(tb.Slots[0]))
	case Struct:
		e.p("return %s{", goType)
		for _, s := range tb.live() {
			name := s.Go
			if tb.Struct != "" {
				name = upperFirst(name)
			}
			e.p("%s: %s,", name, e.readSlot(s))
		}
		e.p("}")
	case Map:
		e.readMap(tb, goType)
	}
}

// readSlot is the expression that reads the slot of table t.
func (e *emitter) readSlot(s slot) string {
	field, flat, t := 4+2*s.ID, e.flat(), s.Type
	table := e.local("t")
	vector := func(how string) string {
		return fmt.Sprintf("%s.Read%s[%s](%s, %d)", flat, how, e.typ(t.Go), table, field)
	}
	switch t.Kind {
	case Scalar:
		zero := "0"
		if t.Scalar.method == "Bool" {
			zero = "false"
		}
		return e.fromWire(t, fmt.Sprintf("%s.Get%sSlot(%d, %s)", table, t.Scalar.method, field, zero))
	case String:
		return vector("String")
	case Slice:
		switch elem := t.Elem; {
		case elem.Kind == Scalar && elem.Scalar.method == "Bool":
			return vector("Bools")
		case elem.Kind == Scalar:
			return vector("Numbers")
		case elem.Kind == String:
			return vector("Strings")
		default:
			return fmt.Sprintf("%s.ReadTables[%s](%s, %d, read%s)", flat, e.typ(t.Go), table, field, e.tables.add(elem).Go)
		}
	}
	return fmt.Sprintf("%s.ReadTable(%s, %d, read%s)", flat, table, field, e.tables.add(t).Go)
}

// readMap writes the loop over the two columns of a map.
func (e *emitter) readMap(tb *table, goType string) {
	fb, t := e.flatbuffers(), tb.Type
	table, m, n, keys, k, v := e.local("t"), e.local("m"), e.local("n"), e.local("keys"), e.local("k"), e.local("v")
	e.p("%s := %s.UOffsetT(%s.Offset(4))", keys, fb, table)
	e.p("if %s == 0 {\nreturn nil\n}", keys)
	e.p("%s := %s.VectorLen(%s)", n, table, keys)
	e.p("%s := make(%s, %s)", m, goType, n)
	if isSet(t) {
		e.p("for %s := %s.Vector(%s); %s > 0; %s-- {", k, table, keys, n, n)
		e.p("%s[%s] = struct{}{}", m, e.readElem(t.Key, k))
		e.p("%s += %d\n}\nreturn %s", k, inlineBytes(t.Key), m)
		return
	}
	e.p("%s, %s := %s.Vector(%s), %s.Vector(%s.UOffsetT(%s.Offset(6)))", k, v, table, keys, table, fb, table)
	e.p("for range %s {", n)
	e.p("%s[%s] = %s", m, e.readElem(t.Key, k), e.readElem(t.Elem, v))
	e.p("%s += %d\n%s += %d\n}\nreturn %s", k, inlineBytes(t.Key), v, inlineBytes(t.Elem), m)
}

// readElem is the expression that reads the element of a vector that stands at byte at of table t's buffer.
func (e *emitter) readElem(t *Type, at string) string {
	table := e.local("t")
	switch t.Kind {
	case Scalar:
		return e.fromWire(t, fmt.Sprintf("%s.Get%s(%s)", table, t.Scalar.method, at))
	case String:
		return fmt.Sprintf("%s(%s.ByteVector(%s))", e.typ(t.Go), table, at)
	}
	return fmt.Sprintf("read%s(%s.TableAt(%s, %s))", e.tables.add(t).Go, e.flat(), table, at)
}
