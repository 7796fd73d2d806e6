package gen

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"dsss/cmd/dsss-gen/internal/gen/testdata/keys"
	"dsss/flat"
	"dsss/inspect"
)

// putArgs are the arguments of keys.Table.Put with these elements of a set of structs, in the order in which they stand: a
// program could not write them out of order.
func putArgs(t *testing.T, elements ...keys.Params) []byte {
	t.Helper()
	buf, err := flat.Append(nil, elements, func(b *flat.Builder, list []keys.Params) flat.Offset {
		column := flat.CreateTables(b, list, keys.BuildParams)
		b.StartObject(1)
		flat.PutOffset(b, 0, column)
		set := b.EndObject()
		b.StartObject(4)
		flat.PutOffset(b, 2, set)
		return b.EndObject()
	})
	if err != nil {
		t.Fatal(err)
	}
	return buf
}

// TestKeysOutOfOrder: keys that are structs ascend, field by field in the order of the ids, and no two are equal. What else a
// peer sends is malformed, for the program and for who looks into a state without it.
func TestKeysOutOfOrder(t *testing.T) {
	decode := keys.Coders[1].Decode
	a, b := keys.Params{Rate: 1, Steps: 9}, keys.Params{Rate: 2, Steps: -5}
	half := keys.Params{Rate: 1, Steps: 9, At: keys.Cell{0, 1}}
	negative, zero := keys.Params{Rate: keys.Rate(math.Copysign(0, -1))}, keys.Params{}
	nan := keys.Params{Rate: keys.Rate(math.NaN())}
	for about, c := range map[string]struct {
		list []keys.Params
		want string
	}{
		"in order":       {[]keys.Params{{Rate: -1}, zero, a, half, b}, ""},
		"none":           {nil, ""},
		"twice":          {[]keys.Params{a, a}, "map key out of order"},
		"falling":        {[]keys.Params{b, a}, "map key out of order"},
		"falling inside": {[]keys.Params{half, a}, "map key out of order"},
		"both zeros":     {[]keys.Params{negative, zero}, "map key out of order"},
		"one NaN":        {[]keys.Params{nan}, "map key with a NaN"},
		"NaNs":           {[]keys.Params{nan, nan}, "map key with a NaN"},
	} {
		buf := putArgs(t, c.list...)
		_, err := decode(buf)
		viewed := viewSchema(t, "TablePutArgs").Check(reader([][]byte{buf}))
		for who, err := range map[string]error{"the program": err, "a view": viewed} {
			if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, flat.ErrMalformed) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s, %s: error %v, want %q", about, who, err, c.want)
			}
		}
	}
}

// TestNaNKey: a map that has a NaN in a key, which no lookup finds, is an error that names the field.
func TestNaNKey(t *testing.T) {
	for name, v := range map[string]any{
		"rates":  map[float64]int64{1: 1, math.NaN(): 2},
		"seen":   map[keys.Params]struct{}{{Steps: 1}: {}, {Rate: keys.Rate(math.NaN())}: {}},
		"waves":  map[complex128]int{complex(0, math.NaN()): 1},
		"floats": map[float32]struct{}{float32(math.NaN()): {}},
	} {
		state := keys.Coders[0].New()
		exposed(reflect.ValueOf(state).Elem().FieldByName(name)).Set(reflect.ValueOf(v))
		_, err := keys.Coders[0].Save(state, 1<<20)
		if !errors.Is(err, flat.ErrEncode) || !strings.HasPrefix(err.Error(), name+" cannot be encoded") || !strings.Contains(err.Error(), "NaN") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestZeroKey: 0 and -0 are one key, as in Go; the sign is kept, and seen.
func TestZeroKey(t *testing.T) {
	c := keys.Coders[0]
	states := [2]any{c.New(), c.New()}
	var saved [2][][]byte
	for i, zero := range []float64{0, math.Copysign(0, -1)} {
		exposed(reflect.ValueOf(states[i]).Elem().FieldByName("rates")).Set(reflect.ValueOf(map[float64]int64{zero: 7}))
		list, err := c.Save(states[i], 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		saved[i] = list
		back, err := c.Load(reader(list))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := c.Save(back, 1<<20); err != nil || !slices.EqualFunc(list, again, bytes.Equal) {
			t.Errorf("%v: it comes back as another state, %v", zero, err)
		}
	}
	var paths []string
	for d, err := range inspect.Differences(viewSchema(t, "Table"), viewSchema(t, "Table"), reader(saved[0]), reader(saved[1])) {
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, d.Path+" "+d.Left+" "+d.Right)
	}
	slices.Sort(paths)
	if want := []string{"rates[-0.0] absent 7", "rates[0] 7 absent"}; !slices.Equal(paths, want) {
		t.Errorf("they differ in %q, want %q", paths, want)
	}
}

// TestKeyPaths: a value under a key that is a struct or an array is found by the path that a difference names, with and
// without spaces.
func TestKeyPaths(t *testing.T) {
	c := keys.Coders[0]
	state := c.New()
	field := func(name string, v any) {
		exposed(reflect.ValueOf(state).Elem().FieldByName(name)).Set(reflect.ValueOf(v))
	}
	field("results", map[keys.Params]keys.Result{{Rate: 0.5, Steps: 3, At: keys.Cell{1, 2}}: {Loss: []float64{4, 5}}, {}: {}})
	field("cells", map[keys.Cell]float64{{1, 2}: 6, {-1, 2}: 7})
	field("names", map[[2]string]int{{"a] ", `"}`}: 8})
	field("flags", map[bool]int{true: 9})
	field("waves", map[complex128]int{complex(1, -2): 10})
	list, err := c.Save(state, 40)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		`results[{Rate: 0.5, Steps: 3, name: "", Warm: false, At: [1, 2], in: {Names: ["", ""], Wait: 0, phase: (0+0i)}}].Loss`:  "[4, 5]",
		`results[{Rate:0.5,Steps:3,name:"",Warm:false,At:[1,2],in:{Names:["",""],Wait:0,phase:(0+0i)}}].Loss[1]`:                 "5",
		`results[{Rate: 0.25, Steps: 3, name: "", Warm: false, At: [1, 2], in: {Names: ["", ""], Wait: 0, phase: (0+0i)}}].Loss`: "",
		"cells[[1, 2]]":         "6",
		"cells[[-1,2]]":         "7",
		"cells[[1, 3]]":         "",
		`names[["a] ", "\"}"]]`: "8",
		`names[["a]", "\"}"]]`:  "",
		"flags[true]":           "9",
		"waves[(1-2i)]":         "10",
		"cells":                 "{[-1, 2]: 7, [1, 2]: 6}",
	} {
		got, err := inspect.Short(inspect.Pick(viewSchema(t, "Table").Walk(reader(list)), path))
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", path, got, err, want)
		}
	}
	var b bytes.Buffer
	if err := inspect.JSON(&b, inspect.Pick(viewSchema(t, "Table").Walk(reader(list)), "cells")); err != nil || b.String() != `{"[-1,2]":7,"[1,2]":6}` {
		t.Errorf("as JSON %s, %v", b.String(), err)
	}
}
