package gen

import (
	"cmp"
	"fmt"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// A Problem is something in the user's source that keeps it from being generated for.
type Problem struct {
	File string // base name; the run is about one folder
	Line int
	Text string // what it is about, what is wrong, and after a semicolon what to do
}

// String renders the problem as compilers do.
func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text) }

// Problems are all that one run found. As an error they render sorted, one a line.
type Problems []Problem

// Error implements error.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (ps *Problems) add(at token.Position, format string, args ...any) {
	*ps = append(*ps, Problem{File: filepath.Base(at.Filename), Line: at.Line, Text: fmt.Sprintf(format, args...)})
}

// err sorts the problems, drops repetitions and returns them, or nil when there are none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(ps)
}
