package gen

import (
	"fmt"
	"slices"
	"strings"
)

// streamed are the fields of the state that are written over as many chunks as they need: its slices and maps, but not
// those in a struct or behind a pointer.
func (e *emitter) streamed() []slot {
	var found []slot
	for _, s := range e.state.live() {
		if s.Type.Kind == Slice || s.Type.Kind == Map {
			found = append(found, s)
		}
	}
	return found
}

// retired are the fields that chunks of older states may continue.
func (e *emitter) retired() []slot {
	return slices.DeleteFunc(slices.Clone(e.state.Slots), func(s slot) bool {
		return s.Type != nil || !strings.HasPrefix(s.Wire, "[") && (s.Old == nil || s.Old.Kind != Map)
	})
}

// stateCodec writes save and load.
func (e *emitter) stateCodec() {
	c, tb, flat := e.class, e.state, e.flat()
	streamed := e.streamed()
	rests := "nil"
	e.p("// save%s emits a %s in chunks, as package flat describes it.", tb.Go, c.Go)
	e.p("func save%s(v *%s, emit func([]byte) error) error {", tb.Go, c.Go)
	if len(streamed) > 0 {
		rests = "rests"
		e.p("rests := map[int]%s.Rest{", flat)
		for _, s := range streamed {
			e.p("%d: %s,", s.ID, e.rest(s.Type, tb.value("v", s)))
		}
		e.p("}")
	}
	e.p("return %s.Save(emit, %s, func(b *%s.Builder) %s.Offset {", flat, rests, flat, flat)
	e.buildBody(tb, streamed)
	e.p("})\n}\n")

	v, next, chunk, err, t := e.local("v"), e.local("next"), e.local("chunk"), e.local("err"), e.local("t")
	e.p("// load%s reads what save%s emitted.", tb.Go, tb.Go)
	e.p("func load%s(%s *%s, %s func() ([]byte, error)) error {", tb.Go, v, c.Go, next)
	e.p("return %s.Load(%s, func(%s []byte) (%s error) {", flat, next, chunk, err)
	e.p("*%s, %s = decode%s(%s)\nreturn %s", v, err, tb.Go, chunk, err)
	retired := e.retired()
	if len(streamed)+len(retired) == 0 {
		e.p("}, func(%s.Table) bool { return false })\n}\n", flat)
		return
	}
	e.p("}, func(%s %s.Table) bool {\nswitch {", t, flat)
	for _, s := range streamed {
		e.p("case %s.Has(%d):", t, s.ID)
		e.addItems(s, t, tb.value(v, s))
	}
	for _, s := range retired {
		e.p("case %s.Has(%d): // %s, which is retired", t, s.ID, s.Go)
		if s.Func != "" {
			e.migrate(s, t, v)
		}
	}
	e.p("default:\nreturn false\n}\nreturn true\n})\n}\n")
}

// rest is the expression for what is to be written of a slice or map.
func (e *emitter) rest(t *Type, value string) string {
	flat := e.flat()
	if t.Kind == Map {
		how := "Map"
		if t.Key.Kind == String {
			how = "StringMap"
		}
		return fmt.Sprintf("%s.RestOf%s(%s, %s)", flat, how, value, e.mapValues(t))
	}
	if how := vectors(t.Elem); how != "" {
		return fmt.Sprintf("%s.RestOf%s(%s)", flat, how, value)
	}
	return fmt.Sprintf("%s.RestOfTables(%s, build%s)", flat, value, e.tables.add(t.Elem).Go)
}

// mapValues is the expression for how the values of a map are written.
func (e *emitter) mapValues(t *Type) string {
	flat := e.flat()
	if isSet(t) {
		return flat + ".SetValues"
	}
	switch vectors(t.Elem) {
	case "Times":
		return flat + ".TimeValues"
	case "Bools":
		return fmt.Sprintf("%s.BoolValues[%s]", flat, e.typ(t.Elem.Go))
	case "Strings":
		return fmt.Sprintf("%s.StringValues[%s]", flat, e.typ(t.Elem.Go))
	case "Numbers":
		return fmt.Sprintf("%s.NumberValues[%s]", flat, e.typ(t.Elem.Go))
	}
	return fmt.Sprintf("%s.TableValues(build%s)", flat, e.tables.add(t.Elem).Go)
}

// addItems writes the statements that add the items in a slot of table t to the field.
func (e *emitter) addItems(s slot, t, field string) {
	flat := e.flat()
	if s.Type.Kind == Slice && vectors(s.Type.Elem) == "Numbers" {
		e.p("%s = %s.AddNumbers(%s, %d, %s)", field, flat, t, s.ID, field)
		return
	}
	if s.Type.Kind == Map {
		e.p("%s.AddMap(%s, %s, read%s(%s.Sub(%d)))", flat, t, field, e.tables.add(s.Type).Go, t, s.ID)
		return
	}
	more := e.local("more")
	e.p("var %s %s", more, e.typ(s.Type.Go))
	e.readSlot(s, t, more)
	e.p("%s = %s.Add(%s, %s, %s)", field, flat, t, field, more)
}

// builders are the tables that are written by a build function: not those that are only read, because a layout or the
// state's save writes what they hold.
func (e *emitter) builders() map[*table]bool {
	found := map[*table]bool{}
	var need func(tb *table)
	needSlots := func(slots []slot) {
		for _, s := range slots {
			need(e.tables.refer(s.Type))
		}
	}
	need = func(tb *table) {
		if tb != nil && !found[tb] {
			found[tb] = true
			needSlots(tb.live())
		}
	}
	for _, tb := range e.tables.list {
		if tb.Struct != "" && tb.layout == nil {
			need(tb)
		}
	}
	for _, s := range e.state.live() {
		switch t := s.Type; {
		case t.Kind == Map && vectors(t.Elem) == "" && !isSet(t):
			need(e.tables.add(t.Elem))
		case t.Kind != Map:
			need(e.tables.refer(t))
		}
	}
	return found
}
