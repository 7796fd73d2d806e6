package determinism

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// What only reads runs on one process's copy alone, so that whatever it writes is on that copy alone: getters, and the
// functions that are given to View and Await.

// readerHint is what to do instead.
const readerHint = "have a mutator do it, which runs on every process's copy"

// readerFindings returns the writes to state of getters, and of functions that are given to View, Await and Read.
func (p *pkg) readerFindings() []Finding {
	var found []Finding
	classes := p.classes()
	for _, f := range p.files {
		if ast.IsGenerated(f) {
			continue
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && p.isGetter(fn, classes) {
				obj := p.pass.TypesInfo.Defs[fn.Name].(*types.Func)
				found = append(found, p.writesOf(mutator{kind: "getter", name: shortName(obj)}, fn.Body, obj.Signature().Recv(), "mark it //dsss:mutator, or //dsss:local to leave it out of the proxy")...)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				found = append(found, p.viewed(call)...)
			}
			return true
		})
	}
	return found
}

// classes returns the types of the package that have a marked method.
func (p *pkg) classes() map[*types.TypeName]bool {
	found := map[*types.TypeName]bool{}
	for _, f := range p.files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && marked(fn) {
				found[p.receiverType(fn)] = true
			}
		}
	}
	delete(found, nil)
	return found
}

// receiverType returns the type that a method is declared on, or nil.
func (p *pkg) receiverType(d *ast.FuncDecl) *types.TypeName {
	fn, ok := p.pass.TypesInfo.Defs[d.Name].(*types.Func)
	if !ok || fn.Signature().Recv() == nil {
		return nil
	}
	t := types.Unalias(fn.Signature().Recv().Type())
	if ptr, ok := t.(*types.Pointer); ok {
		t = types.Unalias(ptr.Elem())
	}
	if named, ok := t.(*types.Named); ok {
		return named.Origin().Obj()
	}
	return nil
}

// isGetter tells whether a method is one that the proxy has as a getter: exported, and with no mark that says otherwise.
func (p *pkg) isGetter(d *ast.FuncDecl, classes map[*types.TypeName]bool) bool {
	if d.Body == nil || d.Recv == nil || !d.Name.IsExported() || !classes[p.receiverType(d)] {
		return false
	}
	return d.Doc == nil || !slices.ContainsFunc(d.Doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//dsss:mutator") || strings.HasPrefix(c.Text, "//dsss:local")
	})
}

// viewed returns what a function that a call of View, Await or Read is given writes to.
func (p *pkg) viewed(call *ast.CallExpr) []Finding {
	fn := origin(typeutil.StaticCallee(p.pass.TypesInfo, call))
	if fn == nil || len(call.Args) == 0 || !isView(fn) {
		return nil
	}
	m := mutator{kind: "the function given to", name: fn.Name()}
	arg := ast.Unparen(call.Args[len(call.Args)-1])
	if id, ok := arg.(*ast.Ident); ok {
		if v, ok := p.pass.TypesInfo.Uses[id].(*types.Var); ok && len(p.locals[v]) == 1 {
			arg = ast.Unparen(p.locals[v][0])
		}
	}
	if lit, ok := arg.(*ast.FuncLit); ok {
		params := lit.Type.Params.List
		if len(params) != 1 || len(params[0].Names) != 1 {
			return nil
		}
		state, _ := p.pass.TypesInfo.Defs[params[0].Names[0]].(*types.Var)
		return p.writesOf(m, lit.Body, state, readerHint)
	}
	given := p.function(arg)
	if given == nil {
		return nil
	}
	at := 1
	if sel, ok := arg.(*ast.SelectorExpr); ok {
		if s := p.pass.TypesInfo.Selections[sel]; s != nil && s.Kind() == types.MethodExpr {
			at = 0 // (*T).method
		}
	}
	if !p.effectsOf(given).has(at) {
		return nil
	}
	return p.found(m, arg, Reason{Category: Reader, What: "is " + shortName(given) + ", which writes to the state", Hint: readerHint})
}

// isView tells whether a function is View, Await or Read of an object or of a proxy, which is a struct with nothing but an
// object.
func isView(fn *types.Func) bool {
	recv := fn.Signature().Recv()
	switch fn.Name() {
	case "Read":
		return recv == nil && fn.Pkg() != nil && fn.Pkg().Path() == dsssPath
	case "View", "Await":
	default:
		return false
	}
	if recv == nil {
		return false
	}
	t := recv.Type()
	if isObject(t) {
		return true
	}
	if ptr, ok := types.Unalias(t).(*types.Pointer); ok {
		t = ptr.Elem()
	}
	s, ok := t.Underlying().(*types.Struct)
	return ok && s.NumFields() == 1 && isObject(s.Field(0).Type())
}

// isObject tells whether t is *dsss.Object[T].
func isObject(t types.Type) bool {
	ptr, ok := types.Unalias(t).(*types.Pointer)
	if !ok {
		return false
	}
	named, ok := types.Unalias(ptr.Elem()).(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == dsssPath && named.Obj().Name() == "Object"
}

// writesOf returns the writes in a body to what a variable leads to: the first of each line.
func (p *pkg) writesOf(m mutator, body *ast.BlockStmt, state *types.Var, hint string) (found []Finding) {
	if state == nil {
		return nil
	}
	lines := map[int]bool{}
	p.eachWrite(body, func(e ast.Expr, through bool) {
		v, shared := p.root(e)
		if v != state || !shared && !through || lines[p.place(e.Pos()).Line] {
			return
		}
		lines[p.place(e.Pos()).Line] = true
		what := "writes " + types.ExprString(e)
		if call := p.writingCall(e); call != nil {
			what = "lets " + types.ExprString(call.Fun) + " write to " + types.ExprString(e)
		}
		found = append(found, p.found(m, e, Reason{Category: Reader, What: what, Hint: hint})...)
	})
	return found
}

// writingCall returns the call that is given e and writes to it; nil when e is written itself.
func (p *pkg) writingCall(e ast.Expr) *ast.CallExpr {
	for at := ast.Node(e); at != nil; at = p.parents[at] {
		switch x := at.(type) {
		case *ast.CallExpr:
			return x
		case ast.Stmt:
			return nil
		}
	}
	return nil
}

// found makes a finding of a reason at e, unless that is silenced.
func (p *pkg) found(m mutator, e ast.Expr, r Reason) []Finding {
	if s := p.silences.at(p, e.Pos()); s != nil {
		s.used = true
		return nil
	}
	r.At = p.place(e.Pos())
	return []Finding{p.finding(m, e.Pos(), true, r)}
}
