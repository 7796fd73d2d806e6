package determinism

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"
)

// Check analyzes the packages that patterns name, as the go command understands them in dir, and returns what is found
// in them by position. What they import is analyzed too, from source, except what the tables judge. It runs the go
// command and needs no network beyond what that does.
//
// An error says that the packages could not be loaded: patterns that name none, or source that does not compile.
func Check(ctx context.Context, dir string, patterns ...string) ([]Finding, error) {
	cfg := &packages.Config{
		Context: ctx,
		Dir:     dir,
		Mode:    packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedDeps,
	}
	named, err := load(cfg, patterns)
	if err != nil {
		return nil, err
	}
	asked := map[string]bool{}
	for _, p := range named {
		asked[p.PkgPath] = true
	}
	// Loaded by name, all packages that are followed come from source and the others as the compiler's export data.
	var follow []string
	packages.Visit(named, nil, func(p *packages.Package) {
		if !trusted(p.PkgPath) && p.PkgPath != "C" {
			follow = append(follow, p.PkgPath)
		}
	})
	if len(follow) == 0 {
		return nil, nil
	}
	cfg.Mode = packages.LoadSyntax | packages.NeedModule
	followed, err := load(cfg, follow)
	if err != nil {
		return nil, err
	}
	graph, err := checker.Analyze([]*analysis.Analyzer{Analyzer}, followed, nil)
	if err != nil {
		return nil, err
	}
	var all []Finding
	for _, act := range graph.Roots {
		if act.Err != nil {
			return nil, fmt.Errorf("analyze %s: %w", act.Package.PkgPath, act.Err)
		}
		if asked[act.Package.PkgPath] {
			all = append(all, act.Result.([]Finding)...)
		}
	}
	slices.SortFunc(all, compareFindings)
	return all, nil
}

func load(cfg *packages.Config, patterns []string) ([]*packages.Package, error) {
	loaded, err := packages.Load(cfg, patterns...)
	if err != nil {
		return nil, err
	}
	if len(loaded) == 0 {
		return nil, noPackages(patterns)
	}
	var problems []packages.Error
	packages.Visit(loaded, nil, func(p *packages.Package) {
		problems = append(problems, p.Errors...)
	})
	if len(problems) == 0 {
		return loaded, nil
	}
	// What the go command says of source that does not compile is less exact than what the parser and type checker do.
	for _, e := range problems {
		if e.Kind == packages.ParseError || e.Kind == packages.TypeError {
			return nil, e
		}
	}
	if e := problems[0]; e.Pos == "" || e.Pos == "-" {
		return nil, fmt.Errorf("%w: %s", noPackages(patterns), e.Msg)
	}
	return nil, problems[0]
}

func noPackages(patterns []string) error {
	return fmt.Errorf("no package to check in %s: name folders of Go packages, as in ./... or ./pool", strings.Join(patterns, " "))
}
