package gen

import (
	"fmt"
	"strings"
)

// layoutFunctions writes the functions of a root table that has a layout: append, and decode with the way around the
// verifier.
func (e *emitter) layoutFunctions(tb *table) {
	l, goType, flat := tb.layout, e.goType(tb), e.flat()
	e.p("// %s is table %s as append%s lays it out, with every number 0 and before any vector.", tb.template, tb.Name, tb.Go)
	e.p("const %s = %s\n", tb.template, quoted(l.template))

	size := len(l.template)
	e.p("// append%s appends %s as table %s.", tb.Go, tb.Call, tb.Name)
	e.p("func append%s(dst []byte, v %s) ([]byte, error) {", tb.Go, goType)
	if len(l.root.vectors) > 0 {
		e.p("start := len(dst)")
	}
	e.p("dst = append(dst, %s...)", tb.template)
	var puts []string
	e.puts(l.root, "v", true, &puts)
	if len(puts) > 0 {
		e.p("p := (*[%d]byte)(dst[len(dst)-%d:])\n%s", size, size, strings.Join(puts, "\n"))
	}
	for _, s := range l.root.vectors {
		value := "v." + upperFirst(s.Go)
		if s.Type.Kind == String {
			e.p("dst = %s.AppendString(dst, start, %d, %s)", flat, l.root.where(s), value)
		} else {
			e.p("dst = %s.AppendNumbers(dst, start, %d, %d, %s)", flat, l.root.entry(s), l.root.where(s), value)
		}
	}
	e.p("return dst, nil\n}\n")
}

// decodeLayout writes the beginning of decode: what reads a buffer that is laid out as append does it.
func (e *emitter) decodeLayout(tb *table, buf string) {
	l, flat := tb.layout, e.flat()
	size := len(l.template)
	same := []string{fmt.Sprintf("len(%s) >= %d", buf, size)}
	for _, pin := range l.pins {
		same = append(same, fmt.Sprintf("string(%s[%d:%d]) == %s[%d:%d]", buf, pin.from, pin.to, tb.template, pin.from, pin.to))
	}
	e.p("if %s {", strings.Join(same, " &&\n"))
	if l.root.hasNumbers() {
		e.p("p := (*[%d]byte)(%s)", size, buf)
	}
	literal := e.literal(l.root, e.goType(tb), true)
	if len(l.root.vectors) == 0 {
		e.p("return %s, nil\n}", literal)
		return
	}
	v, tail := e.local("v"), e.local("tail")
	e.p("%s := %s\n%s := %s.TailOf(%s, %d)", v, literal, tail, flat, buf, size)
	for _, s := range l.root.vectors {
		how := "TailNumbers"
		if s.Type.Kind == String {
			how = "TailString"
		}
		e.p("%s.%s = %s.%s[%s](&%s, %d)", v, upperFirst(s.Go), flat, how, e.typ(s.Type.Go), tail, l.root.where(s))
	}
	e.p("if %s.Whole() {\nreturn %s, nil\n}\n}", tail, v)
}

// hasNumbers tells whether there is a number in t or below.
func (t *layoutTable) hasNumbers() bool {
	for _, x := range t.below([]*layoutTable{t}) {
		if len(x.numbers) > 0 {
			return true
		}
	}
	return false
}

// puts collects the statements that write the numbers of value, in t and below, into the array p.
func (e *emitter) puts(t *layoutTable, value string, args bool, list *[]string) {
	name := func(s slot) string {
		if args {
			return value + "." + upperFirst(s.Go)
		}
		return value + "." + s.Go
	}
	for _, s := range t.numbers {
		*list = append(*list, e.put(s.Type, t.where(s), name(s)))
	}
	for i, s := range t.structs {
		e.puts(t.nested[i], name(s), false, list)
	}
}

// put is the statement that writes one number.
func (e *emitter) put(t *Type, at int, value string) string {
	bits := 8 * t.Scalar.bytes
	switch {
	case t.Scalar.method == "Bool":
		return fmt.Sprintf("p[%d] = %s.Byte(%s)", at, e.flat(), value)
	case strings.HasPrefix(t.Scalar.method, "Float"):
		value = fmt.Sprintf("%s.Float%dbits(%s)", e.use("math"), bits, e.toWire(t, value))
	case plainName(t) != fmt.Sprintf("uint%d", bits):
		value = fmt.Sprintf("uint%d(%s)", bits, value)
	}
	if bits == 8 {
		return fmt.Sprintf("p[%d] = %s", at, value)
	}
	return fmt.Sprintf("%s.LittleEndian.PutUint%d(p[%d:], %s)", e.use("encoding/binary"), bits, at, value)
}

// get is the expression that reads one number.
func (e *emitter) get(t *Type, at int) string {
	bits := 8 * t.Scalar.bytes
	value := fmt.Sprintf("p[%d]", at)
	if bits > 8 {
		value = fmt.Sprintf("%s.LittleEndian.Uint%d(p[%d:])", e.use("encoding/binary"), bits, at)
	}
	switch {
	case t.Scalar.method == "Bool":
		return value + " != 0"
	case strings.HasPrefix(t.Scalar.method, "Float"):
		return e.fromWire(t, fmt.Sprintf("%s.Float%dfrombits(%s)", e.use("math"), bits, value))
	case plainName(t) == fmt.Sprintf("uint%d", bits):
		return value
	}
	return e.typ(t.Go) + "(" + value + ")"
}

// literal is the value of the numbers that p holds, for t and below.
func (e *emitter) literal(t *layoutTable, goType string, args bool) string {
	byID := map[int]string{}
	for _, s := range t.numbers {
		byID[s.ID] = e.get(s.Type, t.where(s))
	}
	for i, s := range t.structs {
		byID[s.ID] = e.literal(t.nested[i], e.typ(s.Type.Go), false)
	}
	var fields []string
	for _, s := range t.slots {
		value, ok := byID[s.ID]
		switch {
		case !ok:
		case args:
			fields = append(fields, "\n"+upperFirst(s.Go)+": "+value)
		default:
			fields = append(fields, s.Go+": "+value)
		}
	}
	if args && len(fields) > 0 {
		fields = append(fields, "\n")
	}
	return goType + "{" + strings.Join(fields, ", ") + "}"
}

// quoted is bytes as a string constant, one line for 16.
func quoted(bytes []byte) string {
	var lines []string
	for len(bytes) > 0 {
		n := min(16, len(bytes))
		line := `"`
		for _, c := range bytes[:n] {
			line += fmt.Sprintf(`\x%02x`, c)
		}
		lines = append(lines, line+`"`)
		bytes = bytes[n:]
	}
	return strings.Join(lines, " +\n")
}
