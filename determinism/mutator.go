package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// dsssPath is the package of jobs and objects; that of classes, whose NewMutator takes apply functions, is classPath.
const (
	dsssPath  = "dsss"
	classPath = dsssPath + "/class"
)

// A mutator is where the check starts; a codec is another such place.
type mutator struct {
	kind string // "mutator", "codec" or "migration"
	name string
	body *node // nil for a function of another package
	pos  token.Pos
	fn   *types.Func // of a hand-written class, when it is a declared function
	// apply is the function of a hand-written class when it is a literal.
	apply *ast.FuncLit
}

// mutators returns the mutators of the package, those in generated files excepted.
func (p *pkg) mutators() []mutator {
	var all []mutator
	for _, f := range p.files {
		if ast.IsGenerated(f) {
			continue
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && marked(fn) {
				if n := p.byObject[p.pass.TypesInfo.Defs[fn.Name]]; n != nil {
					all = append(all, mutator{kind: "mutator", name: n.name, body: n})
				}
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && p.isNewMutator(call) {
				all = append(all, p.handWritten(call))
			}
			return true
		})
	}
	return all
}

// marked tells whether a method is marked as mutator.
func marked(d *ast.FuncDecl) bool {
	if d.Doc == nil || d.Recv == nil {
		return false
	}
	for _, c := range d.Doc.List {
		rest, ok := strings.CutPrefix(c.Text, "//dsss:mutator")
		if ok && (rest == "" || rest[0] == ' ' || rest[0] == '\t') {
			return true
		}
	}
	return false
}

// isNewMutator tells whether call is class.NewMutator(class, id, name, codec, apply).
func (p *pkg) isNewMutator(call *ast.CallExpr) bool {
	fn := typeutil.StaticCallee(p.pass.TypesInfo, call)
	return fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == classPath && fn.Name() == "NewMutator" && len(call.Args) == 5
}

// handWritten returns the mutator that a call of NewMutator makes.
func (p *pkg) handWritten(call *ast.CallExpr) mutator {
	m := mutator{kind: "mutator", name: "apply", pos: call.Args[4].Pos()}
	if name := p.pass.TypesInfo.Types[call.Args[2]].Value; name != nil {
		m.name = strings.Trim(name.ExactString(), `"`)
	}
	arg := ast.Unparen(call.Args[4])
	if id, ok := arg.(*ast.Ident); ok {
		if v, ok := p.pass.TypesInfo.Uses[id].(*types.Var); ok && len(p.locals[v]) == 1 {
			arg = ast.Unparen(p.locals[v][0])
		}
	}
	switch apply := arg.(type) {
	case *ast.FuncLit:
		m.body, m.apply = p.byLit[apply], apply
	case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr, *ast.IndexListExpr:
		if fn := p.function(apply); fn != nil {
			m.fn, m.body = fn, p.byObject[fn]
		}
	}
	return m
}

// function returns the declared function that e names, or nil.
func (p *pkg) function(e ast.Expr) *types.Func {
	switch x := ast.Unparen(e).(type) {
	case *ast.Ident:
		fn, _ := p.pass.TypesInfo.Uses[x].(*types.Func)
		return origin(fn)
	case *ast.SelectorExpr:
		return p.function(x.Sel)
	case *ast.IndexExpr:
		return p.function(x.X)
	case *ast.IndexListExpr:
		return p.function(x.X)
	}
	return nil
}

func origin(fn *types.Func) *types.Func {
	if fn == nil {
		return nil
	}
	return fn.Origin()
}

// mutatorFindings returns what is wrong with the mutators, each where its own body leads to it.
func (p *pkg) mutatorFindings() []Finding {
	all := append(p.mutators(), p.codecs()...)
	roots := map[*node]bool{}
	for _, m := range all {
		if m.body != nil {
			roots[m.body] = true
		}
	}
	var found []Finding
	seen := map[*node]bool{nil: true}
	for _, m := range all {
		switch {
		case m.body == nil && m.fn != nil && m.fn.Pkg() != p.pass.Pkg:
			for _, r := range p.summary(m.fn).Reasons {
				found = append(found, p.finding(m, m.pos, false, r))
			}
		case !seen[m.body]:
			seen[m.body] = true
			found = append(found, p.bodyFindings(m, m.body, roots)...)
		}
	}
	return p.fold(found)
}

// findSharedState charges the hand-written mutators of the package with what they share.
func (p *pkg) findSharedState() {
	for _, m := range p.mutators() {
		if m.apply != nil && m.body != nil && m.body.decl == nil {
			p.findSharedResults(m, m.apply.Type, m.apply.Body)
		} else if m.fn != nil && m.body != nil && m.body.decl != nil && m.body.decl.Body != nil {
			p.findSharedResults(m, m.body.decl.Type, m.body.decl.Body)
		}
	}
}

// findFailures charges the mutators of the package with what they have changed when they return an error.
func (p *pkg) findFailures() {
	for _, m := range p.mutators() {
		switch {
		case m.body == nil:
		case m.apply != nil && m.body.decl == nil:
			p.findFailing(m.body, m.apply.Type, m.apply.Body, p.secondParam(m.apply.Type))
		case m.body.decl == nil || m.body.decl.Body == nil:
		case m.fn != nil:
			p.findFailing(m.body, m.body.decl.Type, m.body.decl.Body, p.secondParam(m.body.decl.Type))
		default:
			p.findFailing(m.body, m.body.decl.Type, m.body.decl.Body, m.body.object.(*types.Func).Signature().Recv())
		}
	}
}

// secondParam is the state in an apply function; nil when it has no name.
func (p *pkg) secondParam(typ *ast.FuncType) (state *types.Var) {
	count := 0
	for _, f := range typ.Params.List {
		for _, name := range f.Names {
			if count++; count == 2 {
				state, _ = p.pass.TypesInfo.Defs[name].(*types.Var)
			}
		}
	}
	return state
}

// bodyFindings reports a mutator's own reasons, and those of what it calls at the place of the call. What another
// mutator of the package does is reported there.
func (p *pkg) bodyFindings(m mutator, body *node, roots map[*node]bool) []Finding {
	var found []Finding
	for _, s := range body.sources {
		found = append(found, p.finding(m, s.pos, len(s.reason.Through) == 0, s.reason))
	}
	for _, e := range body.edges {
		switch {
		case e.allow != nil || roots[e.to]:
		case e.to.name == "":
			found = append(found, p.bodyFindings(m, e.to, roots)...)
		default:
			for _, s := range e.to.order {
				r := s.reason
				r.Through = append(e.to.steps(p, s), r.Through...)
				found = append(found, p.finding(m, e.pos, false, r))
			}
		}
	}
	return found
}

func (p *pkg) finding(m mutator, pos token.Pos, direct bool, r Reason) Finding {
	return Finding{
		Position: p.pass.Fset.Position(pos),
		Mutator:  m.name,
		Reason:   r,
		Message:  message(p.pass.Pkg, m, direct, r),
		pos:      pos,
	}
}

// fold makes one finding of those that a mutator's one call leads to and that want the same to be done: the nearest, with
// the others in Also.
func (p *pkg) fold(all []Finding) []Finding {
	type key struct {
		pos      token.Pos
		category Category
		hint     string
		through  Step
	}
	var folded []Finding
	at := map[key]int{}
	for _, f := range all {
		if len(f.Through) == 0 {
			folded = append(folded, f)
			continue
		}
		k := key{f.pos, f.Category, f.Hint, f.Through[0]}
		i, known := at[k]
		if !known {
			at[k] = len(folded)
			folded = append(folded, f)
			continue
		}
		if folded[i].What != f.What || folded[i].At != f.At {
			folded[i].Also = append(folded[i].Also, f.Reason)
		}
	}
	for i := range folded {
		folded[i].Message += also(p.pass.Pkg, folded[i].Also)
	}
	return folded
}
