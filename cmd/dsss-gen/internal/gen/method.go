package gen

import (
	"go/types"
	"strconv"
)

// method adds x to the class as what its directives, or their absence, say.
func (m *modeller) method(c *Class, x method, change *change) {
	who := c.Go + "." + x.fn.Name()
	word, wantID, replays := "", uint32(0), ""
	var mark directive
	for _, d := range x.directives {
		switch {
		case d.word == "renamed":
			if !isMutator(x) {
				m.problem(d.pos, "//dsss:renamed is for structs and mutators, and %s is neither; remove it", who)
			}
		case d.word == "class" || d.word == "hosted" || d.word == "removed":
			m.problem(d.pos, "//dsss:%s is for structs, and %s is a method; put it above the struct", d.word, who)
		case word != "":
			m.problem(d.pos, "%s is marked //dsss:%s and //dsss:%s; keep one", who, word, d.word)
		default:
			word, mark = d.word, d
			wantID, replays = m.wantID(who, d), d.options["replays"]
		}
	}
	pos := x.decl.Name.Pos()
	switch {
	case word == "mutator":
		if mu := m.mutator(who, x); mu != nil {
			mu.WantID, mu.Replays = wantID, replays
			m.renamedParams(who, x, mu)
			mu.Merge, mu.Combines = m.merge(who, mark, mu), m.combines(x, mu)
			c.Mutators = append(c.Mutators, mu)
		}
	case word == "local", word == "" && !x.fn.Exported():
	case word == "getter" && !x.fn.Exported():
		m.problem(pos, "%s is marked //dsss:getter, and a proxy cannot have it under that name; export it", who)
	case change != nil:
		m.problem(pos, "%s changes %s (line %d); mark it //dsss:mutator, or //dsss:local to keep it out of the proxy", who, change.what, m.src.at(change.pos).Line)
	default:
		g, reason := m.getter(who, x)
		switch {
		case reason == "" && c.Hosted:
			m.hostedGetter(c, who, x, g)
		case reason == "":
			c.Getters = append(c.Getters, g)
		case word == "getter":
			m.problem(pos, "%s cannot be a getter: it %s", who, reason)
		case x.fn.Signature().Results().Len() == 0 && x.fn.Signature().Params().Len() == 0:
			m.problem(pos, "%s %s; mark it //dsss:mutator if it changes state, else //dsss:local", who, reason)
		case c.Hosted:
			m.notHosted(c, who, pos, "it "+reason)
		default:
			c.Hidden = append(c.Hidden, x.fn.Name()+" "+reason)
		}
	}
}

func (m *modeller) wantID(who string, d directive) uint32 {
	text, ok := d.options["id"]
	if !ok {
		return 0
	}
	id, err := strconv.ParseUint(text, 10, 32)
	if err != nil || id == 0 {
		m.problem(d.pos, "%s: id=%s is no id; use a number from 1 to 4294967295", who, text)
	}
	return uint32(id)
}

// mutator reads the signature of a mutator; nil after problems.
func (m *modeller) mutator(who string, x method) *Mutator {
	sig, name := x.fn.Signature(), x.decl.Name
	before := len(*m.problems)
	mu := &Mutator{Go: name.Name, Doc: x.decl.Doc.Text(), At: m.src.at(name.Pos()), Variadic: sig.Variadic(), Args: &Type{Kind: Struct, At: m.src.at(name.Pos())}}
	if _, ok := sig.Recv().Type().(*types.Pointer); !ok {
		m.problem(name.Pos(), "%s is a mutator and has a value receiver, so it changes a copy; use a pointer receiver", who)
	}
	for i := range sig.Params().Len() {
		p := sig.Params().At(i)
		switch {
		case i == 0 && isOrder(p.Type()):
			mu.Order = true
		case isOrder(p.Type()):
			m.problem(p.Pos(), "%s: dsss.Order must be the first parameter; move it to the front", who)
		case p.Name() == "" || p.Name() == "_":
			m.problem(p.Pos(), "%s: parameter %d has no name; name it, because its id is kept by name", who, i+1)
		default:
			if t := m.types.typeOf(p.Type(), who+" parameter "+p.Name(), p.Pos()); t != nil {
				mu.Args.Fields = append(mu.Args.Fields, &Field{Go: p.Name(), Type: t, At: m.src.at(p.Pos())})
			}
		}
	}
	results := sig.Results()
	n := results.Len()
	if n > 0 && isError(results.At(n-1).Type()) {
		mu.Error = true
		n--
	}
	switch {
	case n > 1:
		m.problem(name.Pos(), "%s has %d results besides an error; return one struct that holds them", who, n)
	case n == 1 && isError(results.At(0).Type()):
		m.problem(name.Pos(), "%s has an error before its last result; put the error last", who)
	case n == 1:
		mu.Result = m.types.typeOf(results.At(0).Type(), who+" result", name.Pos())
	}
	if len(*m.problems) > before {
		return nil
	}
	return mu
}

// getter reads the signature of a getter. When it cannot be one, reason says why as a predicate.
func (m *modeller) getter(who string, x method) (g *Getter, reason string) {
	sig := x.fn.Signature()
	g = &Getter{Go: x.fn.Name(), Doc: x.decl.Doc.Text(), At: m.src.at(x.decl.Name.Pos()), Variadic: sig.Variadic()}
	if sig.Results().Len() == 0 {
		return nil, "returns nothing"
	}
	for i := range sig.Params().Len() {
		p := sig.Params().At(i)
		if what := m.cannotEnter(p.Type()); what != "" {
			return nil, "takes " + what
		}
		g.Params = append(g.Params, p)
	}
	for i := range sig.Results().Len() {
		r := sig.Results().At(i)
		if isError(r.Type()) {
			g.Results = append(g.Results, nil)
			continue
		}
		t, why := m.types.try(r.Type())
		if t == nil {
			return nil, "returns " + why
		}
		g.Results = append(g.Results, t)
	}
	return g, ""
}

// cannotEnter says why a getter behind a proxy cannot have a parameter of type t; empty when it can.
func (m *modeller) cannotEnter(t types.Type) string {
	switch t.Underlying().(type) {
	case *types.Signature:
		return "a function, which could keep what the replica's lock protects"
	case *types.Chan:
		return "a channel, which could wait while it holds the replica's lock"
	}
	return ""
}

func isError(t types.Type) bool {
	return types.Identical(t, types.Universe.Lookup("error").Type())
}

// isOrder tells whether t is dsss.Order.
func isOrder(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Name() == "Order" && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "dsss"
}
