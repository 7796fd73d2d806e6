package gen

import (
	"go/types"
	"regexp"
	"slices"
	"strings"
)

// A merge says how two waiting calls of a mutator become one, as //dsss:mutator combine=… asks: by what is done to each
// argument, or by a function of the program's.
type merge struct {
	Func string            // the function; empty when Ops say it
	Ops  map[string]string // by parameter: sum, max or min; parameters without one must be equal
	// Commutes says that calls commute with those of all mutators, and so merge past others.
	Commutes bool
}

var (
	mergeOps = []string{"sum", "max", "min"}
	mergeOp  = regexp.MustCompile(`^(\w+)\(([^()]*)\)$`)
)

// merge reads the combine option of a mutator; nil when there is none, or after problems.
func (m *modeller) merge(who string, d directive, mu *Mutator) *merge {
	text, ok := d.options["combine"]
	_, commutes := d.options["commutes"]
	if !ok {
		if commutes {
			m.problem(d.pos, "%s: commutes is for calls that merge, and without combine= none does; add combine=, or leave commutes out", who)
		}
		return nil
	}
	refuse := func(format string, args ...any) *merge {
		m.problem(d.pos, who+": "+format, args...)
		return nil
	}
	switch {
	case mu.Result != nil || mu.Error:
		return refuse("combine=%s: it returns something, and merged calls would have to share it; let it return nothing, or leave combine= out", text)
	case mu.Order:
		return refuse("combine=%s: it takes a dsss.Order, and merged calls would have to share it; leave one of the two out", text)
	case len(mu.Args.Fields) == 0:
		return refuse("combine=%s: it has no parameters, so merged calls would be one; give it a count", text)
	}
	if !strings.Contains(text, "(") {
		if !m.isMergeFunc(text, mu) {
			return refuse("combine=%s: the package has no function %s of the form func(earlier *T…, later T…) bool for its parameters; write it, or name parameters as in combine=sum(n)", text, text)
		}
		return &merge{Func: text, Commutes: commutes}
	}
	g := &merge{Ops: map[string]string{}, Commutes: commutes}
	for _, part := range strings.Split(strings.ReplaceAll(text, "),", ") "), " ") {
		match := mergeOp.FindStringSubmatch(part)
		if match == nil || !slices.Contains(mergeOps, match[1]) {
			return refuse("combine=%s: %q is not understood; write sum(n), max(n), min(n), several with commas and no spaces, or the name of a function", text, part)
		}
		for _, name := range strings.Split(match[2], ",") {
			i := slices.IndexFunc(mu.Args.Fields, func(f *Field) bool { return f.Go == name })
			switch {
			case i < 0:
				return refuse("combine=%s: it has no parameter %q; name one of its own", text, name)
			case g.Ops[name] != "":
				return refuse("combine=%s: %s stands there twice; keep one", text, name)
			case !mu.Args.Fields[i].Type.isNumber() || strings.HasPrefix(mu.Args.Fields[i].Type.Scalar.method, "Complex") && match[1] != "sum":
				return refuse("combine=%s: %s is no number that has a %s; leave it out", text, name, match[1])
			}
			g.Ops[name] = match[1]
		}
	}
	for _, f := range mu.Args.Fields {
		if g.Ops[f.Go] == "" && (f.Type.Kind != Scalar && f.Type.Kind != String || f.Type.isTime()) {
			return refuse("combine=%s: calls merge where %s is equal, which only numbers, booleans and strings are for sure; combine by a function instead", text, f.Go)
		}
	}
	return g
}

// isMergeFunc tells whether the package has func name(earlier *T…, later T…) bool for the parameters of mu.
func (m *modeller) isMergeFunc(name string, mu *Mutator) bool {
	f, ok := m.src.types.Scope().Lookup(name).(*types.Func)
	if !ok {
		return false
	}
	sig, n := f.Signature(), len(mu.Args.Fields)
	if sig.Variadic() || sig.Params().Len() != 2*n || sig.Results().Len() != 1 || !types.Identical(sig.Results().At(0).Type(), types.Typ[types.Bool]) {
		return false
	}
	for i, field := range mu.Args.Fields {
		t := field.Type.Go
		if !types.Identical(sig.Params().At(i).Type(), types.NewPointer(t)) || !types.Identical(sig.Params().At(n+i).Type(), t) {
			return false
		}
	}
	return true
}

// mergeFunction writes the function that class.Mutator.Combine takes.
func (e *emitter) mergeFunction(m *Mutator, args string) {
	after := ""
	if m.Merge.Commutes {
		after = ".Commutes()"
	}
	e.p("}).Combine(func(into *%s, a %s) bool {", args, args)
	if m.Merge.Func != "" {
		var earlier, later []string
		for _, f := range m.Args.Fields {
			earlier, later = append(earlier, "&into."+upperFirst(f.Go)), append(later, "a."+upperFirst(f.Go))
		}
		e.p("return %s(%s)\n})%s", m.Merge.Func, strings.Join(append(earlier, later...), ", "), after)
		return
	}
	var differ []string
	for _, f := range m.Args.Fields {
		if m.Merge.Ops[f.Go] == "" {
			name := upperFirst(f.Go)
			differ = append(differ, "into."+name+" != a."+name)
		}
	}
	if len(differ) > 0 {
		e.p("if %s {\nreturn false\n}", strings.Join(differ, " || "))
	}
	for _, f := range m.Args.Fields {
		name := upperFirst(f.Go)
		switch op := m.Merge.Ops[f.Go]; op {
		case "":
		case "sum":
			e.p("into.%s += a.%s", name, name)
		default:
			e.p("into.%s = %s(into.%s, a.%s)", name, op, name, name)
		}
	}
	e.p("return true\n})%s", after)
}
