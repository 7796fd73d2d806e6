package determinism

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

// findGlobalWrites finds what a declaration writes to package-level variables. What init writes belongs to the initial
// value; what else is written makes a variable one that changes.
func (p *pkg) findGlobalWrites(d ast.Decl) {
	var in *types.Func
	if decl, ok := d.(*ast.FuncDecl); ok {
		in, _ = p.pass.TypesInfo.Defs[decl.Name].(*types.Func)
	}
	isInit := in != nil && in.Name() == "init" && in.Signature().Recv() == nil
	write := func(e ast.Expr, _ bool) {
		v, _ := p.root(e)
		if v == nil || !isGlobal(v) {
			return
		}
		if isInit {
			p.hidden[v] = append(p.hidden[v], in)
			return
		}
		if id := mention(p.pass.TypesInfo, e, v); id != nil {
			p.writing[id] = true
		}
		if _, known := p.written[v]; !known {
			p.written[v] = e.Pos()
		}
	}
	p.eachWrite(d, write)
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.UnaryExpr:
			if n.Op == token.AND && p.addressEscapes(n) {
				write(n.X, true)
			}
		case *ast.SelectorExpr:
			// A method that is taken as a value writes when it is called.
			if _, called := p.parents[n].(*ast.CallExpr); !called {
				if s := p.pass.TypesInfo.Selections[n]; s != nil && s.Kind() == types.MethodVal {
					if fn, ok := s.Obj().(*types.Func); ok && p.effectsOf(fn.Origin()).has(0) {
						write(n.X, true)
					}
				}
			}
		}
		return true
	})
}

// addressEscapes tells whether somebody may write through an address that is taken: whoever keeps it, and code that is
// not ours to read. A function that we know and that gets it as an argument is asked by eachWriteOfCall.
func (p *pkg) addressEscapes(addr *ast.UnaryExpr) bool {
	if _, literal := ast.Unparen(addr.X).(*ast.CompositeLit); literal {
		return false
	}
	call, ok := p.parents[addr].(*ast.CallExpr)
	if !ok {
		_, compared := p.parents[addr].(*ast.BinaryExpr)
		_, selected := p.parents[addr].(*ast.SelectorExpr)
		return !compared && !selected
	}
	fn := typeutil.StaticCallee(p.pass.TypesInfo, call)
	return fn == nil || fn.Pkg() == nil || trusted(fn.Pkg().Path())
}

func isGlobal(v *types.Var) bool {
	return v.Pkg() != nil && !v.IsField() && v.Parent() == v.Pkg().Scope()
}

// mention returns the identifier in e that stands for v, or nil when e comes to v by another name.
func mention(info *types.Info, e ast.Expr, v *types.Var) (found *ast.Ident) {
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && found == nil && info.Uses[id] == v {
			found = id
		}
		return found == nil
	})
	return found
}
