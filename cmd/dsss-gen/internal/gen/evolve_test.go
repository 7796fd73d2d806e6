package gen

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"dsss/class"
	"dsss/cmd/dsss-gen/internal/gen/testdata/evolved"
	"dsss/flat"
)

// An oldT is evolved.T as it was when it had lost (0), kept (1), total (4) and tags (5).
type oldT struct {
	lost  []int
	kept  string
	total int32
	tags  []string
}

func buildOldT(b *flat.Builder, v oldT) flat.Offset {
	lost, kept, tags := flat.CreateNumbers(b, v.lost), flat.CreateString(b, v.kept), flat.CreateStrings(b, v.tags)
	b.StartObject(6)
	flat.PutNumber(b, 4, v.total)
	flat.PutOffset(b, 0, lost)
	flat.PutOffset(b, 1, kept)
	flat.PutOffset(b, 5, tags)
	return b.EndObject()
}

// TestMigration: a state and a call from before the program changed become what the program says, whatever the size of
// the state's parts: those of what the program has no more are skipped.
func TestMigration(t *testing.T) {
	old := oldT{lost: []int{1, 2, 3, 4, 5}, kept: "kept", total: 7, tags: []string{"a", "b", "c"}}
	var v *evolved.T
	for _, size := range []int{8, 24, 60, 1000} {
		var parts [][]byte
		err := flat.SaveParts(func(part []byte) error {
			parts = append(parts, bytes.Clone(part))
			return nil
		}, size, old, buildOldT)
		if err != nil || (len(parts) == 1) != (size == 1000) {
			t.Fatalf("%d parts of %d bytes, %v", len(parts), size, err)
		}
		back, err := load1(t, "evolved.T", parts...)
		if err != nil {
			t.Fatal(err)
		}
		v = back.(*evolved.T)
		if words := slices.Sorted(maps.Keys(v.Words())); v.Sum() != 7 || !slices.Equal(words, []string{"a", "b", "c"}) {
			t.Errorf("parts of %d bytes: loaded sum %d and words %v", size, v.Sum(), words)
		}
	}
	c := lookup(t, "evolved.T")
	args, err := flat.Append(nil, int32(5), func(b *flat.Builder, n int32) flat.Offset {
		b.StartObject(1)
		flat.PutNumber(b, 0, n)
		return b.EndObject()
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Method(3).Apply(class.Order{Seq: 1}, v, args, nil)
	if v.Sum() != 12 {
		t.Errorf("replaying Add(5) made the sum %d, want 12", v.Sum())
	}
	proxy := reflect.TypeFor[*evolved.SharedT]()
	for _, name := range []string{"Add", "OldAdd"} {
		if _, has := proxy.MethodByName(name); has {
			t.Errorf("the proxy has %s, which is for old logs", name)
		}
	}
}

// TestKnown: what a class knows only grows, whatever becomes of the program, and tells apart what other bytes or other
// meanings would do.
func TestKnown(t *testing.T) {
	dir := newPackage(t)
	var before []string
	for _, step := range []struct {
		about, source string
		more          int
	}{
		{"the first", "type T struct { a int; p []P }\ntype P struct { x int }\n//dsss:mutator\nfunc (t *T) Set(n int) {}", 5},
		{"the same in another order", "type T struct { p []P; a int }\ntype P struct { x int }\n//dsss:mutator\nfunc (t *T) Set(n int) {}", 0},
		{"more", "type T struct { a int; p []P; q Q }\ntype P struct { x, y int }\ntype Q struct { z bool }\n//dsss:mutator\nfunc (t *T) Set(n, m int) {}\n//dsss:mutator\nfunc (t *T) Two() {}", 5},
		{"a struct that is gone, and one retyped", "//dsss:removed field=p\n//dsss:removed field=a func=from\ntype T struct { b string; q Q }\nfunc (t *T) from(a int) {}\ntype Q struct { z bool }\n//dsss:mutator\nfunc (t *T) Set(n, m int) {}\n//dsss:mutator\nfunc (t *T) Two() {}", 1},
		{"renamed", "//dsss:renamed from=b to=c\ntype T struct { c string; q Q }\n//dsss:renamed from=z to=w\ntype Q struct { w bool }\n//dsss:renamed from=Set\n//dsss:renamed from=n to=k\n//dsss:mutator\nfunc (t *T) Put(k, m int) {}\n//dsss:mutator\nfunc (t *T) Two() {}", 4},
		{"renamed, without the marks", "type T struct { c string; q Q }\ntype Q struct { w bool }\n//dsss:mutator\nfunc (t *T) Put(k, m int) {}\n//dsss:mutator\nfunc (t *T) Two() {}", 0},
		{"renamed again", "//dsss:renamed from=c to=d\ntype T struct { d string; q Q }\ntype Q struct { w bool }\n//dsss:mutator\nfunc (t *T) Put(k, m int) {}\n//dsss:mutator\nfunc (t *T) Two() {}", 1},
		{"a nested struct that becomes a class", "type T struct { d string; q Q }\ntype Q struct { first int; w bool }\n//dsss:mutator\nfunc (t *T) Put(k, m int) {}\n//dsss:mutator\nfunc (t *T) Two() {}\n//dsss:mutator\nfunc (q *Q) Flip() {}", 1},
	} {
		generate(t, dir, step.source+"\n")
		lines := knownLines(t, filepath.Join(dir, "t_dsss.go"))
		lost := slices.DeleteFunc(slices.Clone(before), func(l string) bool { return slices.Contains(lines, l) })
		if len(lost) > 0 || len(lines) != len(before)+step.more {
			t.Errorf("%s: lost %q and has %d more, want %d more:\n%s", step.about, lost, len(lines)-len(before), step.more, strings.Join(lines, "\n"))
		}
		before = lines
	}
	for _, other := range []string{
		"type T struct { n string }\n//dsss:mutator\nfunc (t *T) Set(n int) {}\n", // another type
		"type T struct { m int }\n//dsss:mutator\nfunc (t *T) Set(n int) {}\n",    // another name at the same place
		"type T struct { n int }\n//dsss:mutator\nfunc (t *T) Put(n int) {}\n",    // another mutator
		"type T struct { n int }\n//dsss:mutator\nfunc (t *T) Set(m int) {}\n",    // another argument
		"import \"net/url\"\ntype T struct { n url.URL }\n//dsss:mutator\nfunc (t *T) Set(n int) {}\n",
		"import \"net/netip\"\ntype T struct { n netip.Addr }\n//dsss:mutator\nfunc (t *T) Set(n int) {}\n",
		"type T struct { n []byte }\n//dsss:mutator\nfunc (t *T) Set(n int) {}\n",
	} {
		fresh := newPackage(t)
		generate(t, fresh, other)
		lines := strings.Join(knownLines(t, filepath.Join(fresh, "t_dsss.go")), "\n")
		if slices.Contains(before, lines) {
			t.Errorf("%s knows the same as one before:\n%s", other, lines)
		}
		before = append(before, lines)
	}
}

// knownLines are what a generated file passes to Class.IDs.
func knownLines(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(text), "IDs = `")
	list, _, _ = strings.Cut(list, "`")
	if !found || !strings.Contains(string(text), ").IDs(") {
		t.Fatalf("%s has no ids", name)
	}
	return strings.Split(list, "\n")
}
