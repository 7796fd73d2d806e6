package gen

import (
	"fmt"
	"go/types"
)

// wireType is how a schema names the type of a field of type t.
func wireType(t *Type) string {
	switch t.Kind {
	case Slice, Array:
		return "[" + wireElem(t.Elem) + "]"
	case Pointer:
		if t.toTable() {
			return wireElem(t.Elem)
		}
		return boxName(t.Elem)
	case Binary:
		return "[ubyte]"
	case Matrix:
		return "Gonum" + t.Matrix
	}
	return wireElem(t)
}

// lockType is wireType as the lock file has it: with the number of elements of an array, and with the type that alone
// knows what its bytes mean.
func lockType(t *Type) string {
	wire := wireType(t)
	if t.Kind == Array {
		wire = fmt.Sprintf("[%s:%d]", wireElem(t.Elem), t.Len)
	}
	if b := t.binary(); b != nil {
		wire += "=" + b.LockName
	}
	return wire
}

// binary returns the Binary that t is or is made of; nil for none. Structs say for themselves what they are made of.
func (t *Type) binary() *Type {
	switch t.Kind {
	case Binary:
		return t
	case Slice, Array, Pointer, Map:
		return t.Elem.binary()
	}
	return nil
}

// wireElem is how a schema names an element of type t in a vector.
func wireElem(t *Type) string {
	switch t.Kind {
	case Scalar:
		return t.Scalar.fbs
	case String:
		return "string"
	case Struct:
		return tableName(t.Name)
	case Map:
		if isSet(t) {
			return "SetOf" + upperFirst(wireElem(t.Key))
		}
		return "MapOf" + upperFirst(wireElem(t.Key)) + "To" + upperFirst(wireElem(t.Elem))
	}
	return boxName(t)
}

// boxName is how a schema names the table that has a value of type t as its one field.
func boxName(t *Type) string {
	switch t.Kind {
	case Slice:
		return "ListOf" + upperFirst(wireElem(t.Elem))
	case Array:
		return fmt.Sprintf("Array%dOf%s", t.Len, upperFirst(wireElem(t.Elem)))
	case Binary:
		return "Binary"
	}
	return "BoxOf" + upperFirst(wireType(t))
}

// tableName is what a schema calls the table of a struct. It begins with a capital: flatc wants no field, of any table,
// to have the name of a table.
func tableName(goName string) string { return upperFirst(ascii(goName)) }

// goName is the part of a function's name that stands for t. Unlike wireElem it tells int from int64.
func goName(t *Type) string {
	if named, ok := types.Unalias(t.Go).(*types.Named); ok {
		if t.Kind == Struct || named.Obj().Pkg() == nil {
			return upperFirst(t.Name)
		}
		return upperFirst(named.Obj().Name())
	}
	switch t.Kind {
	case Slice:
		return "ListOf" + goName(t.Elem)
	case Array:
		return fmt.Sprintf("Array%dOf%s", t.Len, goName(t.Elem))
	case Pointer:
		return "PointerTo" + goName(t.Elem)
	case Matrix:
		return t.Matrix
	case Map:
		if isSet(t) {
			return "SetOf" + goName(t.Key)
		}
		return "MapOf" + goName(t.Key) + "To" + goName(t.Elem)
	}
	return upperFirst(plainName(&Type{Go: t.Go.Underlying()}))
}
