package gen

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"unsafe"
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
	case reflect.String:
		v.SetString(randomString(r, f))
	case reflect.Slice:
		if n := r.IntN(6) - 1; n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fillValue(r, v.Index(i), f)
			}
		}
	case reflect.Map:
		if n := r.IntN(5) - 1; n >= 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				fillValue(r, key, f)
				fillValue(r, elem, f)
				v.SetMapIndex(key, elem)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "_" {
				field := v.Field(i)
				fillValue(r, reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem(), f)
			}
		}
	default:
		panic(fmt.Sprintf("no random %s", v.Type()))
	}
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

func differValue(at string, a, b reflect.Value) string {
	same := true
	switch a.Kind() {
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
				if d := differValue(fmt.Sprintf("%s[%v]", at, i.Key()), i.Value(), other); d != "" {
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
			if d := differValue(at+"."+name, a.Field(i), b.Field(i)); d != "" {
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
