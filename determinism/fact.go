package determinism

import (
	"fmt"
	"go/types"

	"golang.org/x/tools/go/analysis"
)

// A Summary is what callers in other packages need to know of a function. One without a summary is deterministic and
// writes to nothing that it is given.
type Summary struct {
	Reasons []Reason // at most limits.VetReasons
	Writes  Params   // what it writes to
	Reads   []string // package-level variables that others can write; at most limits.VetReasons
	Returns Params   // what its results share memory with
	// Iterates says that it is, or returns, an iterator in the order of a map.
	Iterates bool
}

// AFact makes it a fact.
func (*Summary) AFact() {}

func (s *Summary) String() string { return fmt.Sprintf("%d reasons", len(s.Reasons)) }

// A Variable is what other packages need to know of a package-level variable. One without is constant.
type Variable struct {
	Written *Place   // where it is, if it is, outside of its declaration and init
	Reasons []Reason // why its initial value is not deterministic
}

// AFact makes it a fact.
func (*Variable) AFact() {}

func (v *Variable) String() string { return fmt.Sprintf("%d reasons", len(v.Reasons)) }

// Params is a set of what a function is given: bit 0 is the receiver, bit 1 the first parameter. Those from the 63rd on
// share the last bit.
type Params uint64

func (p Params) has(i int) bool { return p&bit(i) != 0 }

func bit(i int) Params { return 1 << min(i, 63) }

func (p *pkg) exportFacts() {
	for _, n := range p.nodes {
		if n.object == nil {
			continue
		}
		reasons := n.reasons(p)
		switch obj := n.object.(type) {
		case *types.Func:
			if s := (&Summary{Reasons: reasons, Writes: p.effects[obj], Reads: n.variables, Returns: p.returns[obj], Iterates: p.iterators[obj]}); len(reasons)+len(s.Reads) > 0 || s.Writes|s.Returns != 0 || s.Iterates {
				p.export(obj, s)
			}
		case *types.Var:
			v := &Variable{Reasons: reasons}
			if pos, ok := p.written[obj]; ok {
				at := p.place(pos)
				v.Written = &at
			}
			if len(reasons) > 0 || v.Written != nil {
				p.export(obj, v)
			}
		}
	}
}

func (p *pkg) export(obj types.Object, f analysis.Fact) {
	if v, ok := obj.(*types.Var); ok && v.IsField() {
		return // fields are resolved within their package
	}
	p.pass.ExportObjectFact(obj, f)
}

// summary returns what is known of a function of another package that is not trusted.
func (p *pkg) summary(fn *types.Func) Summary {
	var s Summary
	p.pass.ImportObjectFact(fn, &s)
	return s
}
