package gen

// stateCodec writes save and load.
func (e *emitter) stateCodec() {
	c, tb, flat := e.class, e.state, e.flat()
	e.p("// save%s emits a %s in parts, as package flat describes them.", tb.Go, c.Go)
	e.p("func save%s(v *%s, emit func([]byte) error) error { return %s.Save(emit, *v, build%s) }\n", tb.Go, c.Go, flat, tb.Go)
	v, next, err := e.local("v"), e.local("next"), e.local("err")
	e.p("// load%s reads what save%s emitted.", tb.Go, tb.Go)
	e.p("func load%s(%s *%s, %s func() ([]byte, error)) (%s error) {", tb.Go, v, c.Go, next, err)
	e.p("*%s, %s = %s.Load(%s, read%s)\nreturn %s\n}\n", v, err, flat, next, tb.Go, err)
}

// builders are the tables that are written by a build function: not those that are only read, because a layout writes
// what they hold.
func (e *emitter) builders() map[*table]bool {
	found := map[*table]bool{}
	var need func(tb *table)
	need = func(tb *table) {
		if tb != nil && !found[tb] {
			found[tb] = true
			for _, s := range tb.live() {
				need(e.tables.refer(s.Type))
			}
		}
	}
	for _, tb := range e.tables.list {
		if tb == e.state || tb.Call != "" && tb.layout == nil {
			need(tb)
		}
	}
	return found
}
