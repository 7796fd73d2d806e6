package gen

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gonum.org/v1/gonum/mat"

	"dsss/class"
	"dsss/cmd/dsss-gen/internal/gen/testdata/coder"
	"dsss/cmd/dsss-gen/internal/gen/testdata/kinds"
	"dsss/cmd/dsss-gen/internal/gen/testdata/shapes"
	"dsss/flat"
	"dsss/inspect"
)

// viewSchema returns the schema of a root table of the cases.
func viewSchema(t testing.TB, table string) *inspect.Schema {
	t.Helper()
	for _, c := range class.All() {
		texts := []string{c.Schema}
		for _, m := range c.Methods() {
			texts = append(texts, m.Schema)
		}
		for _, text := range texts {
			if strings.HasPrefix(text, "table "+table+" ") {
				s, err := inspect.Parse(text)
				if err != nil {
					t.Fatalf("the schema of %s: %v", table, err)
				}
				return s
			}
		}
	}
	t.Fatalf("no schema of %s", table)
	return nil
}

// TestViewReadsAll: what a view says of random values of every root table is what reflection says of them, whatever the size
// of the parts.
func TestViewReadsAll(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range allCoders {
		schema := viewSchema(t, c.Table)
		for i := range 60 {
			p := c.New()
			fill(r, p, anything)
			lists := [][][]byte{{c.Encode(p)}}
			if c.Save != nil {
				for _, size := range []int{1 << 20, 256, 40} {
					list, err := c.Save(p, size)
					if err != nil {
						t.Fatal(err)
					}
					lists = append(lists, list)
				}
			}
			var want bytes.Buffer
			rendered(&want, reflect.ValueOf(p).Elem())
			for _, list := range lists {
				var got bytes.Buffer
				if err := inspect.JSON(&got, schema.Walk(reader(list))); err != nil {
					t.Fatalf("%s %d in %d parts: %v", c.Table, i, len(list), err)
				}
				if d := differJSON(t, got.Bytes(), want.Bytes()); d != "" {
					t.Fatalf("%s %d in %d parts: %s\ngot  %s\nwant %s", c.Table, i, len(list), d, got.Bytes(), want.Bytes())
				}
			}
		}
	}
}

// TestViewOfLargeStates: a part of another in many places is read like what stands in one.
func TestViewOfLargeStates(t *testing.T) {
	state := kinds.Large(3000, false)
	check := func(about string, c coder.Coder, p any) {
		t.Helper()
		var want bytes.Buffer
		rendered(&want, reflect.ValueOf(p).Elem())
		list, err := c.Save(p, 4096)
		if err != nil || len(list) < 3 {
			t.Fatalf("%s: %d parts, %v", about, len(list), err)
		}
		var got bytes.Buffer
		if err := inspect.JSON(&got, viewSchema(t, c.Table).Walk(reader(list))); err != nil {
			t.Fatalf("%s: %v", about, err)
		}
		if d := differJSON(t, got.Bytes(), want.Bytes()); d != "" {
			t.Fatalf("%s: %s", about, d)
		}
	}
	check("kinds", coderOf(t, "Everything"), state)
	for about, p := range shapes.Large(1 << 17) {
		check(about, coderOf(t, "Shapes"), p)
	}
}

func coderOf(t *testing.T, table string) coder.Coder {
	t.Helper()
	i := slices.IndexFunc(allCoders, func(c coder.Coder) bool { return c.Table == table })
	if i < 0 {
		t.Fatalf("no coder of %s", table)
	}
	return allCoders[i]
}

// TestViewDifferences: of two random states there are differences exactly when reflection sees one, and the first is where
// it sees one; both ways round, and whatever the size of the parts.
func TestViewDifferences(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range allCoders {
		if c.Save == nil {
			continue
		}
		schema := viewSchema(t, c.Table)
		typ := reflect.TypeOf(c.New()).Elem()
		for range 200 {
			a := c.New()
			fill(r, a, anything)
			list, err := c.Save(a, 100)
			if err != nil {
				t.Fatal(err)
			}
			b, err := c.Load(reader(list))
			if err != nil {
				t.Fatal(err)
			}
			changed := typ.Field(r.IntN(typ.NumField()))
			if changed.Name == "_" {
				continue
			}
			other := c.New()
			fill(r, other, anything)
			exposed(reflect.ValueOf(b).Elem().FieldByIndex(changed.Index)).Set(exposed(reflect.ValueOf(other).Elem().FieldByIndex(changed.Index)))
			listB, err := c.Save(b, 1000)
			if err != nil {
				t.Fatal(err)
			}
			want := differ(a, b)
			n := 0
			for d, err := range inspect.Differences(schema, schema, reader(list), reader(listB)) {
				if err != nil {
					t.Fatal(err)
				}
				if d.Left == d.Right || d.Field != changed.Name || !strings.HasPrefix(d.Path, d.Field) {
					t.Fatalf("%s: %s was changed: %+v", c.Table, changed.Name, d)
				}
				n += d.Count
			}
			if (n > 0) != (want != "") {
				t.Fatalf("%s: %s was changed: %d differences, want %q", c.Table, changed.Name, n, want)
			}
			m := 0
			for d, err := range inspect.Differences(schema, schema, reader(listB), reader(list)) {
				if err != nil {
					t.Fatal(err)
				}
				m += d.Count
			}
			if n != m {
				t.Fatalf("%s: %s was changed: %d differences one way and %d the other", c.Table, changed.Name, n, m)
			}
		}
	}
}

// TestViewIsSafe: states that were tampered with, in one part or in their order, are read or refused, and what is refused is
// refused as the program would.
func TestViewIsSafe(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range allCoders {
		if c.Save == nil {
			continue
		}
		schema := viewSchema(t, c.Table)
		for range 300 {
			p := c.New()
			fill(r, p, anything)
			list, err := c.Save(p, 64)
			if err != nil {
				t.Fatal(err)
			}
			switch r.IntN(4) {
			case 0:
				list = slices.Delete(list, len(list)-1, len(list))
			case 1:
				i, j := r.IntN(len(list)), r.IntN(len(list))
				list[i], list[j] = list[j], list[i]
			default:
				part := list[r.IntN(len(list))]
				for range 1 + r.IntN(3) {
					part[r.IntN(len(part))] ^= 1 << r.IntN(8)
				}
			}
			_, loaded := c.Load(reader(list))
			err = schema.Check(reader(list))
			if err != nil && !errors.Is(err, flat.ErrMalformed) {
				t.Fatalf("%s: %v", c.Table, err)
			}
			if loaded == nil && err != nil {
				t.Fatalf("%s: %v, and it can be loaded", c.Table, err)
			}
		}
	}
}

// rendered writes v as inspect.JSON is to write it, by what reflection says of it.
func rendered(b *bytes.Buffer, v reflect.Value) {
	if !v.CanAddr() { // it is of a map
		copied := reflect.New(v.Type()).Elem()
		copied.Set(v)
		v = copied
	}
	v = exposed(v)
	if renderedKnown(b, v) {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		fmt.Fprint(b, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n := v.Int(); n > 1<<53-1 || n < -(1<<53-1) {
			fmt.Fprintf(b, `"%d"`, n)
		} else {
			fmt.Fprint(b, n)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n := v.Uint(); n > 1<<53-1 {
			fmt.Fprintf(b, `"%d"`, n)
		} else {
			fmt.Fprint(b, n)
		}
	case reflect.Float32, reflect.Float64:
		renderedFloat(b, v.Float(), v.Type().Bits())
	case reflect.Complex64, reflect.Complex128:
		b.WriteString("[")
		renderedFloat(b, real(v.Complex()), v.Type().Bits()/2)
		b.WriteString(",")
		renderedFloat(b, imag(v.Complex()), v.Type().Bits()/2)
		b.WriteString("]")
	case reflect.String:
		renderedText(b, v.String())
	case reflect.Pointer:
		if v.IsNil() {
			b.WriteString("null")
			return
		}
		rendered(b, v.Elem())
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() {
			b.WriteString("null")
			return
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			raw := make([]byte, v.Len())
			for i := range raw {
				raw[i] = byte(v.Index(i).Uint())
			}
			renderedText(b, base64.StdEncoding.EncodeToString(raw))
			return
		}
		b.WriteString("[")
		for i := range v.Len() {
			if i > 0 {
				b.WriteString(",")
			}
			rendered(b, v.Index(i))
		}
		b.WriteString("]")
	case reflect.Map:
		renderedMap(b, v)
	case reflect.Struct:
		b.WriteString("{")
		first := true
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "_" {
				continue
			}
			if !first {
				b.WriteString(",")
			}
			first = false
			name := v.Type().Field(i).Name
			if strings.HasSuffix(v.Type().Name(), "Args") {
				name = snakeCase(name) // of a parameter
			}
			fmt.Fprintf(b, "%q:", name)
			rendered(b, v.Field(i))
		}
		b.WriteString("}")
	default:
		panic(v.Type())
	}
}

func renderedKnown(b *bytes.Buffer, v reflect.Value) bool {
	switch x := v.Interface().(type) {
	case time.Time:
		if y := x.Year(); y < 0 || y > 9999 {
			fmt.Fprintf(b, `"@%d.%09d"`, x.Unix(), x.Nanosecond())
		} else {
			fmt.Fprintf(b, "%q", x.Format(time.RFC3339Nano))
		}
		return true
	case *mat.Dense, *mat.SymDense:
		if v.IsNil() {
			b.WriteString("null")
			return true
		}
		m := x.(mat.Matrix)
		_, symmetric := x.(*mat.SymDense)
		rows, cols := m.Dims()
		b.WriteString("[")
		for i := range rows {
			from := 0
			if symmetric {
				from = i
			}
			for j := from; j < cols; j++ {
				b.WriteString(map[bool]string{true: "[", false: ","}[j == from])
				renderedFloat(b, m.At(i, j), 64)
			}
			b.WriteString(map[bool]string{true: "],", false: "]"}[i < rows-1])
		}
		b.WriteString("]")
		return true
	case *mat.VecDense:
		if x == nil {
			b.WriteString("null")
			return true
		}
		rendered(b, reflect.ValueOf(append([]float64{}, mat.Col(nil, 0, nonEmpty(x))...)))
		return true
	}
	if v.Kind() == reflect.Pointer || v.NumMethod() == 0 && reflect.PointerTo(v.Type()).NumMethod() == 0 {
		return false
	}
	if _, embeds := v.Interface().(shapes.Stamp); embeds {
		return false
	}
	m, ok := v.Interface().(encoding.BinaryMarshaler)
	if !ok {
		return false
	}
	raw, err := m.MarshalBinary()
	if err != nil {
		panic(err)
	}
	name := v.Type().Name()
	if v.Type().PkgPath() != reflect.TypeFor[shapes.Version]().PkgPath() {
		name = v.Type().PkgPath() + "." + name
	}
	fmt.Fprintf(b, `{"binary":%q,"base64":%q}`, name, base64.StdEncoding.EncodeToString(raw))
	return true
}

// nonEmpty is v as a matrix that gonum takes a column of.
func nonEmpty(v *mat.VecDense) mat.Matrix {
	if v.IsEmpty() {
		return mat.NewDense(1, 1, nil).Slice(0, 0, 0, 1)
	}
	return v
}

func renderedFloat(b *bytes.Buffer, f float64, bits int) {
	switch {
	case math.IsNaN(f):
		b.WriteString(`"NaN"`)
	case math.IsInf(f, 0):
		fmt.Fprintf(b, `"%+v"`, f)
	case f == 0 && math.Signbit(f):
		b.WriteString("-0.0")
	default:
		b.WriteString(strconv.FormatFloat(f, 'g', -1, bits))
	}
}

func renderedText(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(b, `\udc%02x`, s[0])
		case r < ' ' || r == '"' || r == '\\':
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	b.WriteByte('"')
}

func renderedMap(b *bytes.Buffer, v reflect.Value) {
	if v.IsNil() {
		b.WriteString("null")
		return
	}
	set := v.Type().Elem() == reflect.TypeFor[struct{}]()
	keys := v.MapKeys()
	slices.SortFunc(keys, compareValues)
	b.WriteString(map[bool]string{true: "[", false: "{"}[set])
	for i, k := range keys {
		if i > 0 {
			b.WriteString(",")
		}
		switch {
		case k.Kind() == reflect.String:
			renderedText(b, k.String())
		case set:
			rendered(b, k)
		case k.CanInt(), k.CanUint(), k.Kind() == reflect.Bool:
			fmt.Fprintf(b, `"%v"`, addressable(k).Convert(map[bool]reflect.Type{true: reflect.TypeFor[int64](), false: k.Type()}[k.CanInt()]))
		default:
			var name bytes.Buffer
			rendered(&name, k)
			renderedText(b, strings.Trim(name.String(), `"`))
		}
		if !set {
			b.WriteString(":")
			rendered(b, v.MapIndex(k))
		}
	}
	b.WriteString(map[bool]string{true: "]", false: "}"}[set])
}

// compareValues orders keys of maps, by what package flat says of their order and not by what it does.
func compareValues(a, b reflect.Value) int {
	switch {
	case a.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	case a.CanFloat():
		return cmp.Compare(a.Float(), b.Float())
	case a.CanComplex():
		return cmp.Or(cmp.Compare(real(a.Complex()), real(b.Complex())), cmp.Compare(imag(a.Complex()), imag(b.Complex())))
	case a.Kind() == reflect.String:
		return strings.Compare(a.String(), b.String())
	case a.Kind() == reflect.Bool:
		return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) // "false" is below "true"
	}
	n, part := 0, reflect.Value.Field
	if a.Kind() == reflect.Array {
		n, part = a.Len(), reflect.Value.Index
	} else {
		n = a.NumField()
	}
	for i := range n {
		if a.Kind() == reflect.Struct && a.Type().Field(i).Name == "_" {
			continue
		}
		if order := compareValues(part(a, i), part(b, i)); order != 0 {
			return order
		}
	}
	return 0
}

// canonical is the name of an object such that those that mean one key are equal: numbers are written in one way.
func canonical(name string) string {
	var v any
	d := json.NewDecoder(strings.NewReader(name))
	d.UseNumber()
	if d.Decode(&v) != nil || d.More() {
		return name
	}
	var walk func(v any) any
	walk = func(v any) any {
		switch x := v.(type) {
		case json.Number:
			if f, err := x.Float64(); err == nil && (strings.ContainsAny(x.String(), ".eE")) {
				return fmt.Sprintf("float %x", math.Float64bits(f))
			}
			return "int " + x.String()
		case []any:
			for i := range x {
				x[i] = walk(x[i])
			}
		case map[string]any:
			for k := range x {
				x[k] = walk(x[k])
			}
		}
		return v
	}
	text, err := json.Marshal(walk(v))
	if err != nil {
		return name
	}
	return string(text)
}

func canonicalNames(m map[string]any) map[string]any {
	c := map[string]any{}
	for k, v := range m {
		c[canonical(k)] = v
	}
	return c
}

// differJSON compares two JSON texts with their numbers as they read back and with object names in any order.
func differJSON(t *testing.T, got, want []byte) string {
	t.Helper()
	if !json.Valid(got) {
		return "not JSON"
	}
	var list [2]any
	for i, text := range [][]byte{got, want} {
		// encoding/json would make all codes of single bytes one.
		text = bytes.ReplaceAll(text, []byte(`\\udc`), []byte(`(dc)`)) // in a key that is a struct
		text = bytes.ReplaceAll(text, []byte(`\u005cudc`), []byte(`(dc)`))
		text = bytes.ReplaceAll(text, []byte(`\udc`), []byte(`(dc)`))
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&list[i]); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	return differTree("$", list[0], list[1])
}

func differTree(at string, a, b any) string {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if x, y = canonicalNames(x), canonicalNames(y); !ok || len(x) != len(y) {
			return fmt.Sprintf("%s: %v, want %v", at, a, b)
		}
		for k := range x {
			if d := differTree(at+"."+k, x[k], y[k]); d != "" {
				return d
			}
		}
		return ""
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return fmt.Sprintf("%s: %v, want %v", at, a, b)
		}
		for i := range x {
			if d := differTree(fmt.Sprintf("%s[%d]", at, i), x[i], y[i]); d != "" {
				return d
			}
		}
		return ""
	case json.Number:
		y, _ := b.(json.Number)
		f, err1 := x.Float64()
		g, err2 := y.Float64()
		if err1 == nil && err2 == nil && math.Float64bits(f) == math.Float64bits(g) && strings.HasPrefix(x.String(), "-") == strings.HasPrefix(y.String(), "-") {
			return ""
		}
		return fmt.Sprintf("%s: %v, want %v", at, x, y)
	}
	if a != b {
		return fmt.Sprintf("%s: %v, want %v", at, a, b)
	}
	return ""
}
