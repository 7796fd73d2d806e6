package dsss_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGoDoc: go doc shows each exported type of the package with its methods, all of them documented. It shows nothing
// behind an alias.
func TestGoDoc(t *testing.T) {
	fset := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	all, err := doc.NewFromFiles(fset, files, "dsss")
	if err != nil {
		t.Fatal(err)
	}
	methods := map[string][]string{}
	for _, typ := range all.Types {
		if typ.Doc == "" {
			t.Errorf("%s is not documented", typ.Name)
		}
		for _, spec := range typ.Decl.Specs {
			if s := spec.(*ast.TypeSpec); s.Assign.IsValid() {
				t.Errorf("%s is an alias, of which go doc shows no methods", typ.Name)
			}
		}
		for _, f := range slices.Concat(typ.Funcs, typ.Methods) {
			if f.Doc == "" {
				t.Errorf("%s.%s is not documented", typ.Name, f.Name)
			}
			methods[typ.Name] = append(methods[typ.Name], f.Name)
		}
	}
	if want := []string{"Rand", "Time"}; !slices.Equal(methods["Order"], want) {
		t.Errorf("Order has the methods %v, want %v", methods["Order"], want)
	}
}
