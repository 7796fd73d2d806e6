package gen

import "go/types"

// wellKnown returns the types that travel in a way of their own, not as what they are made of: times, gonum's matrices,
// and whatever has MarshalBinary and UnmarshalBinary. nil is any other.
func wellKnown(t types.Type) *Type {
	t = types.Unalias(t)
	if p, ok := t.(*types.Pointer); ok {
		named, ok := types.Unalias(p.Elem()).(*types.Named)
		if ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "gonum.org/v1/gonum/mat" {
			switch name := named.Obj().Name(); name {
			case "Dense", "VecDense", "SymDense":
				return &Type{Kind: Matrix, Go: t, Matrix: name}
			}
		}
		return nil
	}
	named, ok := t.(*types.Named)
	switch {
	case !ok:
		return nil
	case named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "time" && named.Obj().Name() == "Time":
		return &Type{Kind: Scalar, Go: t, Scalar: timeScalar}
	case types.IsInterface(named) || !hasMethod(named, "MarshalBinary") || !hasMethod(named, "UnmarshalBinary"):
		return nil
	}
	return &Type{Kind: Binary, Go: t}
}

// hasMethod tells whether a pointer to named has, of its own, a method of that name with the signature of package encoding's.
func hasMethod(named *types.Named, name string) bool {
	obj, index, _ := types.LookupFieldOrMethod(types.NewPointer(named), true, nil, name)
	fn, ok := obj.(*types.Func)
	if !ok || len(index) > 1 {
		return false // or of an embedded field, and says nothing about the others
	}
	sig := fn.Signature()
	bytes := types.NewSlice(types.Typ[types.Byte])
	in, out := sig.Params(), sig.Results()
	if name == "MarshalBinary" {
		return in.Len() == 0 && out.Len() == 2 && types.Identical(out.At(0).Type(), bytes) && isError(out.At(1).Type())
	}
	return in.Len() == 1 && out.Len() == 1 && types.Identical(in.At(0).Type(), bytes) && isError(out.At(0).Type())
}
