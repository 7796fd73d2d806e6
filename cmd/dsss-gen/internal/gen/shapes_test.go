package gen

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"dsss/class"
	"dsss/cmd/dsss-gen/internal/gen/testdata/coder"
	"dsss/cmd/dsss-gen/internal/gen/testdata/shapes"
	"dsss/flat"
)

func shapesCoder(t *testing.T, table string) coder.Coder {
	t.Helper()
	for _, c := range shapes.Coders {
		if c.Table == table {
			return c
		}
	}
	t.Fatalf("no coder for %s", table)
	return coder.Coder{}
}

// TestCycle: a state and an argument that contain themselves are errors that name the field; none is a stack overflow.
func TestCycle(t *testing.T) {
	tree := shapes.Node{Label: "root"}
	tree.Kids = []shapes.Node{{Label: "kid"}}
	tree.Kids[0].Kids = tree.Kids
	s := &shapes.Shapes{Node: &tree}
	const want = "Node.Kids.Kids.Kids.… cannot be encoded: values refer to each other through more than 64 levels, or in a cycle"
	err := lookup(t, "shapes.Shapes").Save(s, func([]byte) error { return nil })
	if !errors.Is(err, flat.ErrEncode) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Save: error %v", err)
	}
	c := shapesCoder(t, "ShapesReplaceArgs")
	args := c.New()
	reflect.ValueOf(args).Elem().FieldByName("With").Set(reflect.ValueOf(*s))
	if buf, err := c.Append(args); !errors.Is(err, flat.ErrEncode) || len(buf) > 0 || !strings.HasPrefix(err.Error(), "with.Node.Kids.Kids.… cannot be encoded") {
		t.Errorf("arguments: %d bytes, error %v", len(buf), err)
	}
}

// TestUnmarshalRefuses: the error and the panic of an UnmarshalBinary make the buffer malformed.
func TestUnmarshalRefuses(t *testing.T) {
	c := shapesCoder(t, "ShapesSetArgs")
	args := c.New()
	v := reflect.ValueOf(args).Elem().FieldByName("V").Addr().Interface().(*shapes.Version)
	if err := v.UnmarshalBinary([]byte{0xa7, 0xb6}); err != nil {
		t.Fatal(err)
	}
	good := c.Encode(args)
	for about, change := range map[string][]byte{"panics": {2, 0, 0, 0, 0xff, 0xb6}, "refuses": {1, 0, 0, 0, 0xa7, 0xb6}} {
		bad := bytes.Replace(good, []byte{2, 0, 0, 0, 0xa7, 0xb6}, change, 1)
		if _, err := c.Decode(bad); !errors.Is(err, flat.ErrMalformed) || !strings.Contains(err.Error(), "shapes.Version") {
			t.Errorf("UnmarshalBinary %s: error %v", about, err)
		}
	}
}

// TestGenericClass: the instances of a generic class are classes of their own.
func TestGenericClass(t *testing.T) {
	ints, pairs := lookup(t, "shapes.IntQueue"), lookup(t, "shapes.PairQueue")
	if ints.Fingerprint() == pairs.Fingerprint() || ints.Method(1).Schema == pairs.Method(1).Schema {
		t.Error("two instances have one wire form")
	}
	q := ints.New().(*shapes.IntQueue)
	pushed, popped := new(class.Outcome[int]), new(class.Outcome[int])
	ints.Method(1).Apply(class.Order{Seq: 1}, q, shapes.PushInts(7, 8), pushed)
	ints.Method(2).Apply(class.Order{Seq: 2}, q, nil, popped)
	pushed.Resolve(1)
	popped.Resolve(2)
	n, _, err := pushed.Get()
	if n != 2 || err != nil {
		t.Errorf("Push returned %d, %v", n, err)
	}
	if first, _, err := popped.Get(); first != 7 || err != nil {
		t.Errorf("Pop returned %d, %v", first, err)
	}
}

// TestCopyOfTree: a result that is a pointer is copied with all that it leads to.
func TestCopyOfTree(t *testing.T) {
	s := &shapes.Shapes{Node: &shapes.Node{Kids: []shapes.Node{{Label: "kid"}}}}
	args := shapesCoder(t, "ShapesReplaceArgs").New()
	reflect.ValueOf(args).Elem().FieldByName("With").Set(reflect.ValueOf(*s))
	f := new(class.Outcome[*shapes.Shapes])
	lookup(t, "shapes.Shapes").Method(2).Apply(class.Order{Seq: 1}, s, shapesCoder(t, "ShapesReplaceArgs").Encode(args), f)
	f.Resolve(1)
	got, _, err := f.Get()
	if err != nil || got == s || got.Node == s.Node || got.Kids[0].Label != "kid" {
		t.Fatalf("Replace returned %v, %v", got, err)
	}
	got.Kids[0].Label = "changed"
	if s.Kids[0].Label != "kid" {
		t.Error("writing to a result wrote to the state")
	}
}
