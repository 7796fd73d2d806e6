package determinism

import (
	"fmt"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestCases holds that in testdata/cases exactly what "// want" comments say is found, on their lines: each has one regular
// expression for each finding, quoted by Go's rules.
func TestCases(t *testing.T) {
	dir := filepath.Join("testdata", "cases")
	found, err := Check(t.Context(), dir, "./...")
	if err != nil {
		t.Fatal(err)
	}
	wants := wantedIn(t, dir)
	if len(wants) < 100 {
		t.Fatalf("only %d lines want something", len(wants))
	}
	for _, f := range found {
		at := fmt.Sprintf("%s:%d", f.Position.Filename, f.Position.Line)
		if !take(wants, at, f.Message) {
			t.Errorf("unexpected: %v", f)
		}
	}
	for at, rest := range wants {
		for _, w := range rest {
			t.Errorf("%s: nothing found that matches %q", at, w)
		}
	}
}

// take removes the first expression of a line that matches.
func take(wants map[string][]*regexp.Regexp, at, message string) bool {
	for i, w := range wants[at] {
		if w.MatchString(message) {
			wants[at] = append(wants[at][:i:i], wants[at][i+1:]...)
			return true
		}
	}
	return false
}

// wantedIn returns the expressions by file and line.
func wantedIn(t *testing.T, dir string) map[string][]*regexp.Regexp {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	wants := map[string][]*regexp.Regexp{}
	for _, name := range files {
		if name, err = filepath.Abs(name); err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range f.Comments {
			for _, c := range group.List {
				_, rest, ok := strings.Cut(c.Text, "// want ")
				for rest = strings.TrimSpace(rest); ok && rest != ""; rest = strings.TrimSpace(rest) {
					quoted, err := strconv.QuotedPrefix(rest)
					if err != nil {
						t.Fatalf("%v: %q: %v", fset.Position(c.Pos()), rest, err)
					}
					text, _ := strconv.Unquote(quoted)
					at := fmt.Sprintf("%s:%d", name, fset.Position(c.Pos()).Line)
					wants[at] = append(wants[at], regexp.MustCompile(text))
					rest = rest[len(quoted):]
				}
			}
		}
	}
	return wants
}
