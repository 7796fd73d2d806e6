package gen

import (
	"cmp"
	"go/token"
	"go/types"
)

func (a *analyser) mapOf(t types.Type, u *types.Map, owner string, pos token.Pos) *Type {
	k := a.typeOf(u.Key(), owner, pos)
	if k == nil {
		return nil
	}
	if advice := againstKey(k); advice != "" {
		a.refuse(t, owner, pos, advice)
		return nil
	}
	k.markKey(owner)
	if s, ok := types.Unalias(u.Elem()).(*types.Struct); ok && s.NumFields() == 0 {
		// A set: the one struct that needs no name.
		return &Type{Kind: Map, Go: t, Key: k, Elem: &Type{Kind: Struct, Go: u.Elem()}}
	}
	e := a.typeOf(u.Elem(), owner, pos)
	if e == nil {
		return nil
	}
	return &Type{Kind: Map, Go: t, Key: k, Elem: e}
}

// markKey notes in the structs that k is made of that they are in the keys of owner, a map.
func (t *Type) markKey(owner string) {
	switch t.Kind {
	case Array:
		t.Elem.markKey(owner)
	case Struct:
		t.KeyOf = cmp.Or(t.KeyOf, owner)
		for _, f := range t.Fields {
			f.Type.markKey(owner)
		}
	}
}

// againstKey says what to do instead of having k as the key of a map; empty when it can be one: when those that are equal
// in Go, and no others, are written as the same bytes.
func againstKey(k *Type) string {
	switch {
	case k.isTime():
		return "two times of one instant are two keys when their zones differ, and one zone is written; use t.UnixNano() as the key"
	case k.Kind == Pointer, k.Kind == Matrix:
		return "a pointer as a key stands for an address, which is another one in each process; use what it points to, or a number"
	case k.Kind == Binary:
		return "keys that differ may have equal bytes of MarshalBinary; use a string or an array of bytes made of it as the key"
	case k.Kind == Array:
		return againstKey(k.Elem)
	case k.Kind == Struct:
		for _, f := range k.Fields {
			if advice := againstKey(f.Type); advice != "" {
				return k.Name + "." + f.Go + ": " + advice
			}
		}
	}
	return ""
}
