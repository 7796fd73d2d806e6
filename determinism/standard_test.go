package determinism

import (
	"go/types"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestStandardIsComplete holds that the table judges every package of the standard library that a program may import, so
// that a new one is looked at by a person.
func TestStandardIsComplete(t *testing.T) {
	out, err := exec.Command("go", "list", "std").Output()
	if err != nil {
		t.Fatal(err)
	}
	paths := strings.Fields(string(out))
	if len(paths) < 100 {
		t.Fatalf("go list std lists %d packages", len(paths))
	}
	for _, path := range paths {
		if strings.Contains(path, "/internal/") {
			continue // nobody else may import it
		}
		if _, known := ruleOf(path); !known {
			t.Errorf("%s: no rule; add it to the table", path)
		}
	}
}

// TestRulesFit holds that each name in a rule, writer or reader is one of its package.
func TestRulesFit(t *testing.T) {
	var paths []string
	for path := range standard {
		if !strings.HasSuffix(path, "/...") {
			paths = append(paths, path)
		}
	}
	for name := range readers {
		paths = append(paths, packageOf(name))
	}
	for name := range writers {
		paths = append(paths, packageOf(name))
	}
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadTypes}, paths...)
	if err != nil {
		t.Fatal(err)
	}
	full := map[string]bool{}
	for _, p := range loaded {
		names := namesOf(p.Types)
		for _, n := range names {
			full[p.PkgPath+"."+n] = true
		}
		r := standard[p.PkgPath]
		patterns := r.allow
		for _, x := range r.except {
			patterns = append(patterns, x.names...)
		}
		for _, pattern := range patterns {
			fits := false
			for _, n := range names {
				fits = fits || match(pattern, n)
			}
			if !fits {
				t.Errorf("%s: %s fits nothing", p.PkgPath, pattern)
			}
		}
	}
	for name := range writers {
		if !full[name] {
			t.Errorf("writer %s does not exist", name)
		}
	}
	for name := range readers {
		if !full[name] {
			t.Errorf("reader %s does not exist", name)
		}
	}
}

// packageOf returns "container/heap" of "container/heap.Push".
func packageOf(name string) string {
	slash := strings.LastIndexByte(name, '/')
	return name[:slash+strings.IndexByte(name[slash+1:], '.')+1]
}

// namesOf returns a package's objects and methods as rules call them.
func namesOf(p *types.Package) []string {
	var names []string
	for _, name := range p.Scope().Names() {
		names = append(names, name)
		if t, ok := p.Scope().Lookup(name).(*types.TypeName); ok {
			set := types.NewMethodSet(types.NewPointer(t.Type()))
			if types.IsInterface(t.Type()) {
				set = types.NewMethodSet(t.Type())
			}
			for i := range set.Len() {
				names = append(names, name+"."+set.At(i).Obj().Name())
			}
		}
	}
	return names
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"Now", "Now", true},
		{"Now", "Nowhere", false},
		{"New*", "NewPCG", true},
		{"Get*id", "Getpid", true},
		{"Get*id", "Getid", true},
		{"Get*id", "Getwd", false},
		{"*.Error", "Errno.Error", true},
		{"*.Error", "Error", false},
		{"aXa*aXa", "aXa", false},
	} {
		if got := match(c.pattern, c.name); got != c.want {
			t.Errorf("match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestVerbs(t *testing.T) {
	for format, want := range map[string]string{
		"%d %p":        "dp",
		"%+v%%%-8.3s|": "vs",
		"%*d":          "dd",
		"%[2]v %[1]v":  "", // numbered ones are let pass
		"%":            "",
	} {
		if got := string(verbsOf(format)); got != want {
			t.Errorf("verbsOf(%q) = %q, want %q", format, got, want)
		}
	}
}
