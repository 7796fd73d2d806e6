// Package determinism checks that mutators of shared objects are deterministic.
//
// Every process of a job that holds an object applies the same mutations to its own copy, so a mutator must do the same on
// each: no clock, no randomness but Order's, nothing of the machine, no order of a map. The check starts at each mutator,
// that is a method marked
//
//	//dsss:mutator
//
// and each function passed to class.NewMutator, and at each codec that a person wrote (see codec.go), follows what it
// calls, through packages too, and reports what may differ between processes, with the way there. It reads marks and
// types only: a package that it checks need not be built or import anything of ours.
//
// # How calls are resolved
//
// Whoever mentions a function is charged with calling it, and whoever turns a value into an interface is charged with
// calling the interface's methods on it; the same holds for type arguments and the methods of their constraint. So
// callbacks, method values, closures and sort.Interface need no further analysis. Values that were made elsewhere come
// in by struct fields and by package-level variables. Reading a field of a function type is charged with every function
// that the package stores in that field; reading one of an interface type with the methods of every type that
// implements it and is declared in the package or, directly or not, imported by it (class hierarchy analysis). A
// variable is charged with what its initial value mentions.
//
// The standard library is not followed but judged by a table, see standard.go: deep inside it uses pools, caches and locks
// that no result depends on.
//
// # Silence
//
//	//dsss:allow REASON
//
// on a line, or alone on the line before, says that what this line does is all right. It holds for all that reach the line
// or go through it. One without a reason, and one that silences nothing, is itself a finding.
//
// Test files are left out. What generated files call is followed, but nothing is reported in them.
//
// docs/determinism.md lists the cases beside those of Temporal's workflowcheck, whose method (facts about functions,
// carried from package to package) this is.
package determinism

import (
	"go/ast"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Analyzer reports mutators that are not deterministic. Its result for a package is []Finding, by position; each is
// reported as a diagnostic too, whose category is the finding's. It exports a Summary for each function and a Variable
// for each package-level variable of which there is something to say, and Readings for the package.
//
// A driver has to analyze all packages outside of the standard library that a package imports before it; go vet,
// unitchecker and checker do.
var Analyzer = &analysis.Analyzer{
	Name:       "determinism",
	Doc:        "report mutators of shared objects that are not deterministic\n\nMutators are methods marked //dsss:mutator and functions passed to class.NewMutator.",
	Run:        run,
	FactTypes:  []analysis.Fact{(*Summary)(nil), (*Variable)(nil), (*Readings)(nil)},
	ResultType: reflect.TypeFor[[]Finding](),
}

func run(pass *analysis.Pass) (any, error) {
	if trusted(pass.Pkg.Path()) || pass.TypesInfo == nil {
		return []Finding(nil), nil
	}
	p := newPackage(pass)
	p.findWrites()
	p.findIterators()
	for _, n := range p.nodes {
		p.walk(n)
	}
	p.findSharedState()
	p.findReturns()
	p.findFailures()
	p.propagate()
	p.propagateReads()
	p.exportFacts()
	findings := append(p.mutatorFindings(), p.readerFindings()...)
	findings = append(findings, p.writtenReadings()...)
	findings = append(findings, p.silences.findings(p)...)
	slices.SortFunc(findings, compareFindings)
	findings = slices.CompactFunc(findings, func(a, b Finding) bool { return compareFindings(a, b) == 0 })
	for _, f := range findings {
		pass.Report(analysis.Diagnostic{Pos: f.pos, Category: string(f.Category), Message: f.Message})
	}
	return findings, nil
}

// checked returns the files of a package that count: not its tests.
func checked(pass *analysis.Pass) []*ast.File {
	var files []*ast.File
	for _, f := range pass.Files {
		if !strings.HasSuffix(pass.Fset.File(f.FileStart).Name(), "_test.go") {
			files = append(files, f)
		}
	}
	return files
}
