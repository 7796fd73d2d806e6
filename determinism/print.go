package determinism

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"strings"
)

// checkPrinted charges a call of fmt that prints an address: %p, and pointers, channels and functions that fmt does not
// follow, which are all but a pointer to a struct, array, slice or map that is printed itself.
func (w *walker) checkPrinted(call *ast.CallExpr, fn *types.Func) {
	if fn.Pkg().Path() != "fmt" || fn.Signature().Recv() != nil || !fn.Signature().Variadic() || strings.Contains(fn.Name(), "can") {
		return
	}
	first := fn.Signature().Params().Len() - 1
	if len(call.Args) <= first || call.Ellipsis.IsValid() {
		return
	}
	var verbs []byte
	if strings.HasSuffix(fn.Name(), "f") {
		format := w.info().Types[call.Args[first-1]].Value
		if format == nil || format.Kind() != constant.String {
			return
		}
		verbs = verbsOf(constant.StringVal(format))
	}
	for i, a := range call.Args[first:] {
		verb := byte('v')
		if verbs != nil {
			if i >= len(verbs) {
				break
			}
			verb = verbs[i]
		}
		t := w.info().TypeOf(a)
		switch {
		case verb == 'p':
			w.charge(w.n, a.Pos(), Address, "prints an address by %p", hints[Address])
		case verb != 'T' && t != nil && printsAddress(t, 0):
			w.charge(w.n, a.Pos(), Address, fmt.Sprintf("prints an address, of a %s, by fmt.%s", types.TypeString(t, types.RelativeTo(w.pass.Pkg)), fn.Name()), "print what it points to")
		}
	}
}

// verbsOf returns the verb of each argument of a format, or nil when it numbers them. A "*" takes one, too.
func verbsOf(format string) []byte {
	verbs := []byte{}
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		for i++; i < len(format) && strings.IndexByte("+-# 0123456789.*[", format[i]) >= 0; i++ {
			switch format[i] {
			case '*':
				verbs = append(verbs, 'd')
			case '[':
				return []byte{}
			}
		}
		if i < len(format) && format[i] != '%' {
			verbs = append(verbs, format[i])
		}
	}
	return verbs
}

// printsAddress tells whether fmt prints an address for a value of type t at a depth within what it was given.
func printsAddress(t types.Type, depth int) bool {
	if depth > 8 || depth < 2 && speaks(t) {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Chan, *types.Signature:
		return true
	case *types.Basic:
		return u.Kind() == types.UnsafePointer
	case *types.Pointer:
		if speaks(t) {
			return false
		}
		switch u.Elem().Underlying().(type) {
		case *types.Struct, *types.Array, *types.Slice, *types.Map:
			return depth > 0 || printsAddress(u.Elem(), 1)
		}
		return true
	case *types.Slice:
		return printsAddress(u.Elem(), depth+1)
	case *types.Array:
		return printsAddress(u.Elem(), depth+1)
	case *types.Map:
		return printsAddress(u.Elem(), depth+1)
	case *types.Struct:
		for f := range u.Fields() {
			if !speaks(f.Type()) && printsAddress(f.Type(), depth+1) {
				return true
			}
		}
	}
	return false
}

// speaks tells whether values of t print themselves.
func speaks(t types.Type) bool {
	for _, name := range []string{"String", "Error", "Format"} {
		if obj, _, _ := types.LookupFieldOrMethod(t, false, nil, name); obj != nil {
			if _, ok := obj.(*types.Func); ok {
				return true
			}
		}
	}
	return false
}
