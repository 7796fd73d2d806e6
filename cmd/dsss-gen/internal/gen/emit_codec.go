package gen

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// table writes the functions of one table: build, verify, read, and decode when it is the root of a buffer.
func (e *emitter) table(tb *table) {
	goType, flat, fb := e.goType(tb), e.flat(), e.flatbuffers()
	what := goType
	if tb.Struct != "" {
		what = "the arguments"
	}
	e.p("// build%s writes %s as table %s.", tb.Go, what, tb.Name)
	e.p("func build%s(b *%s.Builder, v %s) %s.UOffsetT {", tb.Go, fb, goType, fb)
	e.buildBody(tb)
	e.p("}\n")
	e.p("// verify%s checks table %s before read%s reads it.", tb.Go, tb.Name, tb.Go)
	e.p("func verify%s(t %s.Table) {", tb.Go, flat)
	e.verifyBody(tb)
	e.p("}\n")
	e.p("// read%s returns what a verified table %s holds.", tb.Go, tb.Name)
	e.p("func read%s(t %s.Table) %s {", tb.Go, fb, goType)
	e.readBody(tb, goType)
	e.p("}\n")
	if tb == e.state || tb.Struct != "" {
		e.p("// decode%s verifies and reads a buffer whose root is table %s.", tb.Go, tb.Name)
		e.p("func decode%s(buf []byte) (%s, error) {", tb.Go, goType)
		e.p("check := %s.New(buf)", flat)
		e.p("verify%s(check.Root())", tb.Go)
		e.p("if err := check.Err(); err != nil {\nreturn %s{}, err\n}", goType)
		e.p("return read%s(%s.Root(buf)), nil", tb.Go, flat)
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
	live := tb.live()
	for _, s := range live {
		value, offset := tb.value(s), e.offsetVar(tb, s)
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
			e.p("b.PrependUOffsetTSlot(%d, %s, 0)", s.ID, e.offsetVar(tb, s))
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

func (e *emitter) offsetVar(tb *table, s slot) string {
	if s.Go != "" {
		return s.Go + "Offset"
	}
	return s.Name + "Offset"
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
	field, flat := 4+2*s.ID, e.flat()
	t := s.Type
	switch t.Kind {
	case Scalar:
		zero := "0"
		if t.Scalar.method == "Bool" {
			zero = "false"
		}
		return e.fromWire(t, fmt.Sprintf("t.Get%sSlot(%d, %s)", t.Scalar.method, field, zero))
	case String:
		return fmt.Sprintf("%s.ReadString[%s](t, %d)", flat, e.typ(t.Go), field)
	case Slice:
		switch elem := t.Elem; {
		case elem.Kind == Scalar && elem.Scalar.method == "Bool":
			return fmt.Sprintf("%s.ReadBools[%s](t, %d)", flat, e.typ(t.Go), field)
		case elem.Kind == Scalar:
			return fmt.Sprintf("%s.ReadNumbers[%s](t, %d)", flat, e.typ(t.Go), field)
		case elem.Kind == String:
			return fmt.Sprintf("%s.ReadStrings[%s](t, %d)", flat, e.typ(t.Go), field)
		default:
			return fmt.Sprintf("%s.ReadTables[%s](t, %d, read%s)", flat, e.typ(t.Go), field, e.tables.add(elem).Go)
		}
	}
	return fmt.Sprintf("%s.ReadTable(t, %d, read%s)", flat, field, e.tables.add(t).Go)
}

// readMap writes the loop over the two columns of a map.
func (e *emitter) readMap(tb *table, goType string) {
	fb, t := e.flatbuffers(), tb.Type
	e.p("keys := %s.UOffsetT(t.Offset(4))", fb)
	e.p("if keys == 0 {\nreturn nil\n}")
	e.p("n := t.VectorLen(keys)")
	e.p("m := make(%s, n)", goType)
	if isSet(t) {
		e.p("for k := t.Vector(keys); n > 0; n-- {")
		e.p("m[%s] = struct{}{}", e.readElem(t.Key, "k"))
		e.p("k += %d", inlineBytes(t.Key))
		e.p("}\nreturn m")
		return
	}
	e.p("k, v := t.Vector(keys), t.Vector(%s.UOffsetT(t.Offset(6)))", fb)
	e.p("for range n {")
	e.p("m[%s] = %s", e.readElem(t.Key, "k"), e.readElem(t.Elem, "v"))
	e.p("k += %d", inlineBytes(t.Key))
	e.p("v += %d", inlineBytes(t.Elem))
	e.p("}\nreturn m")
}

// readElem is the expression that reads the element of a vector that stands at byte at of t's buffer.
func (e *emitter) readElem(t *Type, at string) string {
	switch t.Kind {
	case Scalar:
		return e.fromWire(t, fmt.Sprintf("t.Get%s(%s)", t.Scalar.method, at))
	case String:
		return fmt.Sprintf("%s(t.ByteVector(%s))", e.typ(t.Go), at)
	}
	return fmt.Sprintf("read%s(%s.TableAt(t, %s))", e.tables.add(t).Go, e.flat(), at)
}
