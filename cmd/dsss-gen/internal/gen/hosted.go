package gen

import (
	"fmt"
	"go/token"
	"go/types"
	"slices"
)

// A question is what a getter of a hosted object is on the wire.
type question struct {
	Args   *Type   // a Struct of the parameters, in order; Fields is empty when there are none; nil of other classes
	Values []*Type // the results but for an error, which is the last
	Error  bool    // whether the last result is an error
}

// hostedGetter adds a getter to a class that is hosted, unless a parameter or result cannot travel.
func (m *modeller) hostedGetter(c *Class, who string, x method, g *Getter) {
	pos := x.decl.Name.Pos()
	sig := x.fn.Signature()
	results := slices.Collect(sig.Results().Variables())
	if n := len(results); isError(results[n-1].Type()) {
		g.Error = true
		results = results[:n-1]
	}
	for _, r := range results {
		if isError(r.Type()) {
			m.notHosted(c, who, pos, "it has an error before its last result")
			return
		}
	}
	for _, p := range g.Params {
		if t, why := m.types.try(p.Type()); t == nil {
			m.notHosted(c, who, p.Pos(), "it takes "+why)
			return
		}
	}
	// All can travel: now with the types of the state, whose fields have ids.
	g.Args = &Type{Kind: Struct, At: g.At}
	used := map[string]bool{}
	for _, p := range g.Params {
		used[p.Name()] = true
	}
	for i, p := range g.Params {
		name := p.Name()
		if name == "" || name == "_" {
			name = local(fmt.Sprintf("p%d", i), used)
		}
		g.Args.Fields = append(g.Args.Fields, &Field{Go: name, Type: m.travels(who, p), At: m.src.at(p.Pos()), ID: i})
	}
	for _, r := range results {
		g.Values = append(g.Values, m.travels(who, r))
	}
	c.Getters = append(c.Getters, g)
}

// travels returns the type of a parameter or result that can travel.
func (m *modeller) travels(who string, v *types.Var) *Type {
	return m.types.typeOf(v.Type(), who, v.Pos())
}

// notHosted reports a method that cannot be asked of a host.
func (m *modeller) notHosted(c *Class, who string, pos token.Pos, why string) {
	m.problem(pos, "%s cannot be part of %s: %s; give it parameters and results of the types in docs/types.md and an error last, or mark it //dsss:local to leave it out", who, c.HostedProxy(), why)
}

// numberHosted gives the fields of structs that only results and questions have their ids, in the order of declaration. They
// are in no log and no checkpoint, and travel within a run alone, whose processes are of one build: the lock need not keep
// them. Those of the others, which are in locked, are what they are there.
func numberHosted(pkg *Package, locked map[string]*Type) {
	for _, c := range pkg.Classes {
		if !c.Hosted {
			continue
		}
		found := map[string]*Type{}
		for _, m := range c.Mutators {
			if m.Result != nil {
				nestedStructs(m.Result, found)
			}
		}
		for _, g := range c.Getters {
			for _, t := range append(slices.Clone(g.Values), g.Args) {
				nestedStructs(t, found)
			}
		}
		for name, t := range found {
			if locked[name] != nil {
				continue
			}
			for i, f := range t.Fields {
				f.ID = i
			}
		}
	}
}
