package gen

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"dsss/cmd/dsss-gen/internal/gen/testdata/evolved"
	"dsss/comm/flat"
	"dsss/runtime/class"
)

// oldState is a chunk of evolved.T as it was when it had total (4) and tags (5), which lost (0) continues.
func oldState(total int32, tags []string, lost []int) []byte {
	return flat.Append(nil, 0, func(b *flat.Builder, _ int) flat.Offset {
		lostOffset, tagsOffset, kept := flat.CreateNumbers(b, lost), flat.CreateStrings(b, tags), flat.CreateString(b, "kept")
		b.StartObject(6)
		if total != 0 {
			flat.PutNumber(b, 4, total)
			flat.PutOffset(b, 1, kept)
		}
		flat.PutOffset(b, 0, lostOffset)
		flat.PutOffset(b, 5, tagsOffset)
		return b.EndObject()
	})
}

// TestMigration: a state and a call from before the program changed become what the program says.
func TestMigration(t *testing.T) {
	back, err := load1(t, "evolved.T", oldState(7, []string{"a", "b"}, []int{1}), oldState(0, nil, []int{2}), oldState(0, []string{"c"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	v := back.(*evolved.T)
	if words := slices.Sorted(maps.Keys(v.Words())); v.Sum() != 7 || !slices.Equal(words, []string{"a", "b", "c"}) {
		t.Errorf("loaded sum %d and words %v", v.Sum(), words)
	}
	c := lookup(t, "evolved.T")
	args := flat.Append(nil, int32(5), func(b *flat.Builder, n int32) flat.Offset {
		b.StartObject(1)
		flat.PutNumber(b, 0, n)
		return b.EndObject()
	})
	c.Method(3).Apply(class.Order{Seq: 1}, v, args, nil)
	if v.Sum() != 12 {
		t.Errorf("replaying Add(5) made the sum %d, want 12", v.Sum())
	}
	if !slices.Equal(c.Reads, []uint64{0x0123456789abcdef}) {
		t.Errorf("the class reads %x", c.Reads)
	}
	proxy := reflect.TypeFor[*evolved.SharedT]()
	for _, name := range []string{"Add", "OldAdd"} {
		if _, has := proxy.MethodByName(name); has {
			t.Errorf("the proxy has %s, which is for old logs", name)
		}
	}
}

// TestForms: the form that a lock notes is the fingerprint that the program has.
func TestForms(t *testing.T) {
	for name, dir := range map[string]string{"counter.Counter": "counter", "evolved.T": "evolved", "kinds.Everything": "kinds", "shapes.Shapes": "shapes", "shapes.IntQueue": "shapes", "library.Book": "twins"} {
		lock, err := os.ReadFile(filepath.Join("testdata", dir, LockFile))
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("form %s %016x ", name, lookup(t, name).Fingerprint()); !strings.Contains(string(lock), want) {
			t.Errorf("%s: the lock has no %q", name, want)
		}
	}
}

// TestFormsStay: each form that a class has had stays in the lock, and the class reads all but the one it has.
func TestFormsStay(t *testing.T) {
	dir := newPackage(t)
	sources := []string{"a int", "a int; b string", "b string; a int", "a int"}
	reads := []int{0, 1, 1, 2}
	for i, fields := range sources {
		removed := ""
		if i == 3 {
			removed = "//dsss:removed field=b\n"
		}
		generate(t, dir, removed+"type T struct { "+fields+" }\n//dsss:mutator\nfunc (t *T) Set() {}\n")
		text, err := os.ReadFile(filepath.Join(dir, "t_dsss.go"))
		if err != nil {
			t.Fatal(err)
		}
		_, list, found := strings.Cut(string(text), "}).Reads(")
		list, _, _ = strings.Cut(list, ")")
		if got := strings.Count(list, "0x"); got != reads[i] || found != (reads[i] > 0) {
			t.Errorf("after %q the class reads %q, want %d forms", fields, list, reads[i])
		}
	}
}
