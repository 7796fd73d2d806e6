package gen

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"time"

	"gonum.org/v1/gonum/mat"

	"dsss/cmd/dsss-gen/internal/gen/testdata/shapes"
)

// A flavour says how wild random values are.
type flavour int

const (
	anything  flavour = iota // NaN, -0, infinities, invalid UTF-8
	plainText                // what JSON can carry: short fractions and valid text
)

// fill sets what p points to, unexported fields too, to random values.
func fill(r *rand.Rand, p any, f flavour) { fillValue(r, reflect.ValueOf(p).Elem(), f) }

func fillValue(r *rand.Rand, v reflect.Value, f flavour) {
	if fillKnown(r, v, f) {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.Uint64() >> r.IntN(64)))
		if r.IntN(8) == 0 {
			v.SetInt(-1 << (v.Type().Bits() - 1))
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> r.IntN(64))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(randomFloat(r, f))
	case reflect.Complex64, reflect.Complex128:
		v.SetComplex(complex(randomFloat(r, f), randomFloat(r, f)))
	case reflect.Pointer:
		if r.IntN(4) > 0 == (v.Type() != reflect.TypeFor[*shapes.Node]()) {
			v.Set(reflect.New(v.Type().Elem()))
			fillValue(r, v.Elem(), f)
		}
	case reflect.Array:
		for i := range v.Len() {
			fillValue(r, v.Index(i), f)
		}
	case reflect.String:
		v.SetString(randomString(r, f))
	case reflect.Slice:
		n := r.IntN(6) - 1
		if v.Type() == reflect.TypeFor[[]shapes.Node]() {
			n = min(1, n-3) // it contains itself: the trees must end
		}
		if n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fillValue(r, v.Index(i), f)
			}
		}
	case reflect.Map:
		n := r.IntN(5) - 1
		if v.Type() == reflect.TypeFor[map[string]*shapes.Node]() {
			n = min(1, n-2)
		}
		if n >= 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				for fillValue(r, key, f); !key.Equal(key); fillValue(r, key, f) {
					// A NaN is in it, which no key may have.
				}
				fillValue(r, elem, f)
				v.SetMapIndex(key, elem)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "_" {
				field := v.Field(i)
				fillValue(r, exposed(field), f)
			}
		}
	default:
		panic(fmt.Sprintf("no random %s", v.Type()))
	}
}

// fillKnown fills the types that are more than what they are made of, and tells whether v was one.
func fillKnown(r *rand.Rand, v reflect.Value, f flavour) bool {
	known := func() any {
		switch v.Interface().(type) {
		case time.Time:
			if r.IntN(4) == 0 {
				return time.Time{}
			}
			return time.Unix(r.Int64N(1<<40)-1<<39, r.Int64N(1e9)).UTC()
		case netip.Addr:
			return [...]netip.Addr{{}, netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("fe80::1%eth0")}[r.IntN(3)]
		case shapes.Version:
			var version shapes.Version
			if err := version.UnmarshalBinary([]byte{byte(r.IntN(255)), byte(r.IntN(256))}); err != nil {
				panic(err)
			}
			return version
		case *mat.Dense:
			return [...]*mat.Dense{nil, {}, mat.NewDense(2, 3, floats(r, f, 6)), mat.NewDense(3, 4, floats(r, f, 12)).Slice(1, 3, 1, 3).(*mat.Dense)}[r.IntN(4)]
		case *mat.VecDense:
			column := mat.NewDense(3, 4, floats(r, f, 12)).ColView(2).(*mat.VecDense)
			return [...]*mat.VecDense{nil, {}, mat.NewVecDense(3, floats(r, f, 3)), column}[r.IntN(4)]
		case *mat.SymDense:
			view := mat.NewSymDense(4, floats(r, f, 16)).SliceSym(1, 3).(*mat.SymDense)
			return [...]*mat.SymDense{nil, {}, mat.NewSymDense(3, floats(r, f, 9)), view}[r.IntN(4)]
		}
		return nil
	}()
	if known == nil {
		return false
	}
	v.Set(reflect.ValueOf(known))
	return true
}

func floats(r *rand.Rand, f flavour, n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = randomFloat(r, f)
	}
	return list
}

func randomFloat(r *rand.Rand, f flavour) float64 {
	if f == plainText {
		return float64(r.IntN(2000)-1000) / 8
	}
	edges := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat32, math.SmallestNonzeroFloat32}
	if i := r.IntN(2 * len(edges)); i < len(edges) {
		return edges[i]
	}
	return r.NormFloat64()
}

func randomString(r *rand.Rand, f flavour) string {
	pieces := []string{"", "a", "\x00", "é", "日本", "𝔘", "\"\\\n", " ", "tail"}
	if f == anything {
		pieces = append(pieces, "\xff\xfe", "\xc3")
	}
	s := ""
	for range r.IntN(4) {
		s += pieces[r.IntN(len(pieces))]
	}
	return s
}

// differ says where what two pointers point to differs; empty when nowhere. Floats are compared by their bits, nil and
// empty are different.
func differ(a, b any) string {
	return differValue("value", reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem())
}

// differKnown compares the types that fillKnown fills, by what they say of themselves.
func differKnown(at string, a, b reflect.Value) (string, bool) {
	var said [2]string
	for i, v := range []reflect.Value{a, b} {
		switch x := v.Interface().(type) {
		case time.Time, netip.Addr:
			said[i] = fmt.Sprint(x)
		case mat.Matrix:
			said[i] = "nil"
			if !v.IsNil() {
				rows, cols := x.Dims()
				said[i] = fmt.Sprintf("%d x %d", rows, cols)
				for j := range rows * cols {
					said[i] += fmt.Sprintf(" %x", math.Float64bits(x.At(j/cols, j%cols)))
				}
			}
		default:
			return "", false
		}
	}
	if said[0] == said[1] {
		return "", true
	}
	return fmt.Sprintf("%s is %s and was %s", at, said[1], said[0]), true
}

func differValue(at string, a, b reflect.Value) string {
	if d, known := differKnown(at, a, b); known {
		return d
	}
	same := true
	switch a.Kind() {
	case reflect.Complex64, reflect.Complex128:
		x, y := a.Complex(), b.Complex()
		same = math.Float64bits(real(x)) == math.Float64bits(real(y)) && math.Float64bits(imag(x)) == math.Float64bits(imag(y))
	case reflect.Pointer:
		if same = a.IsNil() == b.IsNil(); same && !a.IsNil() {
			return differValue("*"+at, a.Elem(), b.Elem())
		}
	case reflect.Array:
		for i := range a.Len() {
			if d := differValue(fmt.Sprintf("%s[%d]", at, i), a.Index(i), b.Index(i)); d != "" {
				return d
			}
		}
	case reflect.Bool:
		same = a.Bool() == b.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		same = a.Int() == b.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		same = a.Uint() == b.Uint()
	case reflect.Float32, reflect.Float64:
		same = math.Float64bits(a.Float()) == math.Float64bits(b.Float())
	case reflect.String:
		same = a.String() == b.String()
	case reflect.Slice:
		if same = a.IsNil() == b.IsNil() && a.Len() == b.Len(); same {
			for i := range a.Len() {
				if d := differValue(fmt.Sprintf("%s[%d]", at, i), a.Index(i), b.Index(i)); d != "" {
					return d
				}
			}
		}
	case reflect.Map:
		if same = a.IsNil() == b.IsNil() && a.Len() == b.Len(); same {
			for i := a.MapRange(); i.Next(); {
				other := b.MapIndex(i.Key())
				if !other.IsValid() {
					return fmt.Sprintf("%s lacks key %v", at, i.Key())
				}
				if d := differValue(fmt.Sprintf("%s[%v]", at, i.Key()), addressable(i.Value()), addressable(other)); d != "" {
					return d
				}
			}
		}
	case reflect.Struct:
		for i := range a.NumField() {
			name := a.Type().Field(i).Name
			if name == "_" {
				continue
			}
			if d := differValue(at+"."+name, exposed(a.Field(i)), exposed(b.Field(i))); d != "" {
				return d
			}
		}
	default:
		return fmt.Sprintf("%s is a %s, which differ does not know", at, a.Type())
	}
	if !same {
		return fmt.Sprintf("%s is %v and was %v", at, b, a)
	}
	return ""
}

// exposed is an addressable field as one that may be looked at, even if it is not exported.
func exposed(field reflect.Value) reflect.Value {
	return reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem()
}

// addressable is a copy of v that has an address.
func addressable(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}
