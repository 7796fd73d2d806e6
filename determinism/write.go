package determinism

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

// root returns the variable that e reaches into, and whether it goes through a pointer, slice or map on the way, so that
// what is written to e is seen by others who hold the variable's value. A local variable that was set to a place is
// followed to that place. It returns nil for values that nobody else holds: those of calls and literals.
func (p *pkg) root(e ast.Expr) (v *types.Var, shared bool) {
	for range 64 { // deeper ones are a local variable that is set from itself
		switch x := ast.Unparen(e).(type) {
		case *ast.SelectorExpr:
			if obj, ok := p.pass.TypesInfo.Uses[x.Sel].(*types.Var); ok && !obj.IsField() {
				return obj, shared // pkg.Var
			}
			shared = shared || isReference(p.pass.TypesInfo.TypeOf(x.X))
			e = x.X
		case *ast.IndexExpr:
			shared = shared || isReference(p.pass.TypesInfo.TypeOf(x.X))
			e = x.X
		case *ast.SliceExpr:
			shared = shared || isReference(p.pass.TypesInfo.TypeOf(x.X))
			e = x.X
		case *ast.StarExpr:
			shared = true
			e = x.X
		case *ast.TypeAssertExpr:
			e = x.X
		case *ast.UnaryExpr:
			if x.Op != token.AND {
				return nil, false
			}
			e = x.X
		case *ast.CallExpr:
			to := p.aliasOf(x)
			if to == nil && p.deep {
				to, shared = p.resultOf(x), true
			}
			if to == nil {
				return nil, false
			}
			e = to
		case *ast.Ident:
			v, _ := p.pass.TypesInfo.ObjectOf(x).(*types.Var)
			if v == nil {
				return nil, false
			}
			from := p.locals[v]
			if !shared && !isReference(v.Type()) || len(from) == 0 {
				return v, shared
			}
			to := p.firstPlace(from)
			if to == nil {
				return v, shared
			}
			// v holds a reference to a place: what is reached through v is reached through the place.
			e = to
		default:
			return nil, false
		}
	}
	return nil, false
}

// firstPlace returns the first expression that is a place or the address of one, and not a fresh value.
func (p *pkg) firstPlace(from []ast.Expr) ast.Expr {
	for _, e := range from {
		switch x := ast.Unparen(e).(type) {
		case *ast.SelectorExpr, *ast.IndexExpr, *ast.SliceExpr, *ast.StarExpr, *ast.TypeAssertExpr:
			return x
		case *ast.Ident:
			if _, ok := p.pass.TypesInfo.ObjectOf(x).(*types.Var); ok {
				return x
			}
		case *ast.UnaryExpr:
			if _, literal := ast.Unparen(x.X).(*ast.CompositeLit); x.Op == token.AND && !literal {
				return x
			}
		case *ast.CallExpr:
			if to := p.aliasOf(x); to != nil {
				return to
			}
			if p.deep && p.resultOf(x) != nil {
				return x
			}
		}
	}
	return nil
}

// resultOf returns what the result of a call of a function shares memory with: what it is given, or its receiver.
func (p *pkg) resultOf(call *ast.CallExpr) ast.Expr {
	fn := origin(typeutil.StaticCallee(p.pass.TypesInfo, call))
	if fn == nil || fn.Pkg() == nil {
		return nil
	}
	returns := p.returns[fn]
	if fn.Pkg() != p.pass.Pkg && !trusted(fn.Pkg().Path()) {
		returns = p.summary(fn).Returns
	}
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && returns.has(0) {
		return sel.X
	}
	for i, a := range call.Args {
		if returns.has(i + 1) {
			return a
		}
	}
	return nil
}

// findReturns finds what results share memory with, and then again what functions write to, through results too.
func (p *pkg) findReturns() {
	p.deep = true
	for again := true; again; {
		again = false
		for _, n := range p.nodes {
			fn, ok := n.object.(*types.Func)
			if !ok || n.decl == nil || n.decl.Body == nil {
				continue
			}
			before := p.returns[fn]
			ast.Inspect(n.decl.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncLit:
					return false
				case *ast.ReturnStmt:
					for _, e := range n.Results {
						if isReference(p.pass.TypesInfo.TypeOf(e)) {
							v, _ := p.root(e)
							p.returns[fn] |= paramBit(fn.Signature(), v)
						}
					}
				}
				return true
			})
			again = again || p.returns[fn] != before
		}
	}
	p.findEffects()
}

// aliasOf returns what the result of a call shares memory with, as far as it is known: append's first argument, and
// what is converted.
func (p *pkg) aliasOf(call *ast.CallExpr) ast.Expr {
	if len(call.Args) == 0 {
		return nil
	}
	if tv := p.pass.TypesInfo.Types[call.Fun]; tv.IsType() && isReference(tv.Type) && isReference(p.pass.TypesInfo.TypeOf(call.Args[0])) {
		return call.Args[0]
	}
	if b := p.builtin(call); b == "append" {
		switch ast.Unparen(call.Args[0]).(type) {
		case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr, *ast.SliceExpr:
			if id, ok := ast.Unparen(call.Args[0]).(*ast.Ident); !ok || id.Name != "nil" {
				return call.Args[0]
			}
		}
	}
	return nil
}

func (p *pkg) builtin(call *ast.CallExpr) string {
	if b, ok := typeutil.Callee(p.pass.TypesInfo, call).(*types.Builtin); ok {
		return b.Name()
	}
	return ""
}

// isReference tells whether what values of t hold lies outside of them and can be written to.
func isReference(t types.Type) bool {
	if t == nil {
		return false
	}
	switch t.Underlying().(type) {
	case *types.Slice, *types.Map, *types.Pointer:
		return true
	}
	return false
}

// findWrites finds what local variables refer to, what functions write to of what they are given, and which
// package-level variables are written.
func (p *pkg) findWrites() {
	for _, f := range p.files {
		ast.Inspect(f, func(n ast.Node) bool { p.findLocals(n); return true })
	}
	p.findEffects()
	for _, f := range p.files {
		for _, d := range f.Decls {
			p.findGlobalWrites(d)
		}
	}
}

// findEffects finds what functions write to of what they are given.
func (p *pkg) findEffects() {
	for again := true; again; {
		again = false
		for _, n := range p.nodes {
			fn, ok := n.object.(*types.Func)
			if !ok || n.body == nil {
				continue
			}
			before := p.effects[fn]
			p.eachWrite(n.body, func(e ast.Expr, through bool) {
				v, shared := p.root(e)
				if v != nil && (shared || through) {
					p.effects[fn] |= paramBit(fn.Signature(), v)
				}
			})
			again = again || p.effects[fn] != before
		}
	}
}

// paramBit returns the bit of a parameter or receiver.
func paramBit(sig *types.Signature, v *types.Var) Params {
	if v == sig.Recv() {
		return bit(0)
	}
	for i := range sig.Params().Len() {
		if v == sig.Params().At(i) {
			return bit(i + 1)
		}
	}
	return 0
}

// findLocals notes what an assignment, declaration or range makes local variables refer to.
func (p *pkg) findLocals(n ast.Node) {
	note := func(to, from ast.Expr) {
		id, ok := to.(*ast.Ident)
		if !ok {
			return
		}
		v, ok := p.pass.TypesInfo.ObjectOf(id).(*types.Var)
		if ok && !v.IsField() && v.Parent() != p.pass.Pkg.Scope() {
			p.locals[v] = append(p.locals[v], from)
		}
	}
	switch n := n.(type) {
	case *ast.AssignStmt:
		for i, to := range n.Lhs {
			if len(n.Lhs) == len(n.Rhs) {
				note(to, n.Rhs[i])
			} else if i == 0 {
				note(to, n.Rhs[0]) // v, ok := m[k]
			}
		}
	case *ast.ValueSpec:
		for i, to := range n.Names {
			if len(n.Names) == len(n.Values) {
				note(to, n.Values[i])
			}
		}
	case *ast.RangeStmt:
		// The value is an element of X: an index expression says so.
		if n.Value != nil {
			if _, call := ast.Unparen(n.X).(*ast.CallExpr); !call && isReference(p.pass.TypesInfo.TypeOf(n.X)) {
				note(n.Value, n.X)
			}
		}
	}
}

// eachWrite calls f for each place that is written to in a body; through says that what is written lies behind the
// place's value, as an element of a map that is given to delete.
func (p *pkg) eachWrite(body ast.Node, f func(e ast.Expr, through bool)) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if id, ok := e.(*ast.Ident); !ok || p.pass.TypesInfo.Defs[id] == nil && id.Name != "_" {
					f(e, false)
				}
			}
		case *ast.IncDecStmt:
			f(n.X, false)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				f(n.Key, false)
				if n.Value != nil {
					f(n.Value, false)
				}
			}
		case *ast.CallExpr:
			p.eachWriteOfCall(n, f)
		}
		return true
	})
}

// eachWriteOfCall calls f for each thing that a call gives to somebody who writes to it.
func (p *pkg) eachWriteOfCall(call *ast.CallExpr, f func(e ast.Expr, through bool)) {
	switch p.builtin(call) {
	case "delete", "clear", "copy":
		f(call.Args[0], true)
		return
	case "":
	default:
		return
	}
	fn := origin(typeutil.StaticCallee(p.pass.TypesInfo, call))
	if fn == nil {
		return
	}
	effects := p.effectsOf(fn)
	sig := fn.Signature()
	args := call.Args
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && sig.Recv() != nil {
		if s := p.pass.TypesInfo.Selections[sel]; s != nil && s.Kind() == types.MethodExpr {
			if len(args) > 0 && effects.has(0) {
				f(args[0], true)
			}
			args = args[min(1, len(args)):]
		} else if effects.has(0) {
			f(sel.X, true)
		}
	}
	for i, a := range args {
		if effects.has(min(i+1, sig.Params().Len())) {
			f(a, true)
		}
	}
}

// effectsOf returns what a function writes to, of what it is given.
func (p *pkg) effectsOf(fn *types.Func) Params {
	switch {
	case fn.Pkg() == nil:
		return 0
	case trusted(fn.Pkg().Path()):
		return trustedEffects(fn)
	case fn.Pkg() == p.pass.Pkg:
		return p.effects[fn]
	}
	return p.summary(fn).Writes
}
