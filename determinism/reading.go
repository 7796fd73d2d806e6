package determinism

import (
	"cmp"
	"fmt"
	"go/types"
	"maps"
	"slices"

	"dsss/internal/limits"
)

// A package-level variable that a mutator reads may be written by a package that imports the mutator's: main sets what
// it was given on the command line. The mutator's package cannot know; so it tells which variables its mutators read, and
// the package that writes one is where that is reported.

// Readings are what the mutators of a package read of package-level variables that other packages can write, one for each
// variable.
type Readings struct{ Of []Reading }

// A Reading says that a mutator reads a variable.
type Reading struct {
	Variable string // import path and name
	Mutator  string // "(*Pool).Take"
	At       Place  // of the mutator's declaration
}

// AFact makes it a fact.
func (*Readings) AFact() {}

func (r *Readings) String() string { return fmt.Sprintf("%d readings", len(r.Of)) }

// reads notes that a node reads a variable that others can write.
func (n *node) reads(v *types.Var) {
	if v.Exported() {
		n.readsNamed(v.Pkg().Path() + "." + v.Name())
	}
}

func (n *node) readsNamed(name string) {
	if len(n.variables) < limits.VetReasons && !slices.Contains(n.variables, name) {
		n.variables = append(n.variables, name)
	}
}

// propagateReads charges callers with what those read that they call.
func (p *pkg) propagateReads() {
	callers := map[*node][]*node{}
	var queue []*node
	for _, n := range p.nodes {
		for _, e := range n.edges {
			if e.allow == nil {
				callers[e.to] = append(callers[e.to], n)
			}
		}
		if len(n.variables) > 0 {
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		for _, by := range callers[n] {
			before := len(by.variables)
			for _, name := range n.variables {
				by.readsNamed(name)
			}
			if len(by.variables) > before {
				queue = append(queue, by)
			}
		}
	}
}

// exportReadings tells what the mutators of this package read, and returns it together with what those of imported
// packages do, by variable.
func (p *pkg) exportReadings() map[string]Reading {
	all := map[string]Reading{}
	for _, f := range p.pass.AllPackageFacts() {
		if r, ok := f.Fact.(*Readings); ok {
			for _, x := range r.Of {
				all[x.Variable] = x
			}
		}
	}
	own := map[string]Reading{}
	for _, m := range append(p.mutators(), p.codecs()...) {
		if m.body != nil {
			for _, name := range m.body.variables {
				own[name] = Reading{name, m.name, m.body.at}
			}
		}
	}
	if len(own) > 0 {
		p.pass.ExportPackageFact(&Readings{slices.SortedFunc(maps.Values(own), func(a, b Reading) int { return cmp.Compare(a.Variable, b.Variable) })})
	}
	maps.Copy(all, own)
	return all
}

// writtenReadings are the findings about variables of other packages that this one writes and a mutator reads.
func (p *pkg) writtenReadings() []Finding {
	readings := p.exportReadings()
	var found []Finding
	for v, pos := range p.written {
		if v.Pkg() == p.pass.Pkg || trusted(v.Pkg().Path()) {
			continue // its own mutators are told where they read it
		}
		r, ok := readings[v.Pkg().Path()+"."+v.Name()]
		if !ok {
			continue
		}
		if s := p.silences.at(p, pos); s != nil {
			s.used = true
			continue
		}
		f := Finding{
			Position: p.pass.Fset.Position(pos),
			Mutator:  r.Mutator,
			Reason:   Reason{Category: Global, What: "writes the global variable " + v.Pkg().Name() + "." + v.Name(), At: p.place(pos), Hint: hints[Global]},
			pos:      pos,
		}
		f.Message = fmt.Sprintf("%s, which mutator %s (%s) reads: %s", f.What, r.Mutator, r.At.from(p.pass.Pkg), f.Hint)
		found = append(found, f)
	}
	return found
}
