package gen

import (
	"cmp"
	"fmt"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// A comparer is a function that orders keys of one Go type.
type comparer struct {
	name string
	t    *Type
}

// ordered tells whether Go's < orders values of t.
func (t *Type) ordered() bool { return t.Kind == String || t.isNumber() && !t.isComplex() }

func (t *Type) isComplex() bool {
	return t.Kind == Scalar && strings.HasPrefix(t.Scalar.method, "Complex")
}

// compare is the expression for the function that orders keys of type t: 0 for those that are equal in Go, and no others.
func (e *emitter) compare(t *Type) string {
	switch {
	case t.ordered():
		return fmt.Sprintf("%s.Compare[%s]", e.use("cmp"), e.typ(t.Go))
	case t.isBool():
		return fmt.Sprintf("%s.CompareBools[%s]", e.flat(), e.typ(t.Go))
	case t.isComplex():
		return fmt.Sprintf("%s.CompareComplex[%s]", e.flat(), e.typ(t.Go))
	}
	key := types.TypeString(t.Go, nil)
	c, known := e.comparers[key]
	if !known {
		c = comparer{e.names.fresh("compare" + upperFirst(e.class.Go) + goName(t)), t}
		e.comparers[key] = c
		// What it calls is found by writing it once to nowhere.
		e.compareBody(c, func(string, ...any) {})
	}
	return c.name
}

// compareFunctions writes the functions that compare has called for.
func (e *emitter) compareFunctions() {
	for _, c := range slices.SortedFunc(maps.Values(e.comparers), func(a, b comparer) int { return strings.Compare(a.name, b.name) }) {
		how := "field by field, in the order of their ids"
		if c.t.Kind == Array {
			how = "element by element"
		}
		e.p("// %s orders keys of maps: %s.", c.name, how)
		e.p("func %s(%s, %s %s) int {", c.name, e.local("a"), e.local("b"), e.typ(c.t.Go))
		e.compareBody(c, e.p)
		e.p("}\n")
	}
}

func (e *emitter) compareBody(c comparer, p func(string, ...any)) {
	a, b, order := e.local("a"), e.local("b"), e.local("order")
	if c.t.Kind == Array {
		p("return %s.CompareFunc(%s[:], %s[:], %s)", e.use("slices"), a, b, e.compare(c.t.Elem))
		return
	}
	fields := slices.SortedFunc(slices.Values(c.t.Fields), func(a, b *Field) int { return cmp.Compare(a.ID, b.ID) })
	for i, f := range fields {
		call := fmt.Sprintf("%s(%s.%s, %s.%s)", e.compare(f.Type), a, f.Go, b, f.Go)
		if i == len(fields)-1 {
			p("return %s", call)
		} else {
			p("if %s := %s; %s != 0 {\nreturn %s\n}", order, call, order, order)
		}
	}
	if len(fields) == 0 {
		p("return 0")
	}
}
