package gen

import (
	"fmt"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// A copier is a function that copies values of one Go type.
type copier struct {
	name string
	t    *Type
}

// refers tells whether a value of type t shares memory with a plain copy of it, so that a result would let its caller
// look into the replica while it changes. Strings share memory that nobody changes.
func refers(t *Type) bool {
	switch t.Kind {
	case Slice, Map, Pointer, Binary, Matrix:
		return true
	case Array:
		return refers(t.Elem)
	case Struct:
		return slices.ContainsFunc(t.Fields, func(f *Field) bool { return refers(f.Type) })
	}
	return false
}

// copied is the expression for a copy of value that shares nothing with it.
func (e *emitter) copied(t *Type, value string) string {
	if !refers(t) {
		return value
	}
	return fmt.Sprintf("%s(%s)", e.copyFunction(t), value)
}

// copyFunction is the function that copies values of type t.
func (e *emitter) copyFunction(t *Type) string {
	switch {
	case t.Kind == Slice && !refers(t.Elem):
		return e.use("slices") + ".Clone"
	case t.Kind == Map && !refers(t.Elem):
		return e.use("maps") + ".Clone"
	case t.Kind == Matrix:
		return e.matrix() + ".Copy" + t.Matrix
	case t.Kind == Binary:
		return e.flat() + ".CopyBinary"
	}
	key := types.TypeString(t.Go, nil)
	c, known := e.copiers[key]
	if !known {
		c = copier{e.names.fresh("copy" + upperFirst(e.class.Go) + goName(t)), t}
		e.copiers[key] = c
		// What it calls is found by writing it once to nowhere.
		e.copyBody(c, func(string, ...any) {})
	}
	return c.name
}

// copyFunctions writes the functions that copied has called for.
func (e *emitter) copyFunctions() {
	for _, c := range slices.SortedFunc(maps.Values(e.copiers), func(a, b copier) int { return strings.Compare(a.name, b.name) }) {
		goType := e.typ(c.t.Go)
		e.p("// %s returns a copy of v that shares nothing with it.", c.name)
		e.p("func %s(v %s) %s {", c.name, goType, goType)
		e.copyBody(c, e.p)
		e.p("}\n")
	}
}

func (e *emitter) copyBody(c copier, p func(string, ...any)) {
	switch c.t.Kind {
	case Slice:
		p("c := %s.Clone(v)", e.use("slices"))
		p("for i := range c {\nc[i] = %s\n}\nreturn c", e.copied(c.t.Elem, "c[i]"))
	case Array:
		p("for i := range v {\nv[i] = %s\n}\nreturn v", e.copied(c.t.Elem, "v[i]"))
	case Pointer:
		p("if v == nil {\nreturn nil\n}")
		p("c := %s\nreturn &c", e.copied(c.t.Elem, "*v"))
	case Map:
		p("c := %s.Clone(v)", e.use("maps"))
		p("for k, x := range c {\nc[k] = %s\n}\nreturn c", e.copied(c.t.Elem, "x"))
	case Struct:
		for _, f := range c.t.Fields {
			if refers(f.Type) {
				p("v.%s = %s", f.Go, e.copied(f.Type, "v."+f.Go))
			}
		}
		p("return v")
	}
}
