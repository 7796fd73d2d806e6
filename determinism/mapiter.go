package determinism

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

// findIterators finds the functions that are, or return, iterators which range over a map and hand on what they come to: as
// maps.Keys does, and so whoever ranges over them ranges over a map.
func (p *pkg) findIterators() {
	for again := true; again; {
		again = false
		for _, n := range p.nodes {
			fn, ok := n.object.(*types.Func)
			if !ok || n.decl == nil || n.decl.Body == nil || p.iterators[fn] {
				continue
			}
			if p.handsOn(n.decl.Type, n.decl.Body) || p.returnsIterator(n.decl) {
				p.iterators[fn], again = true, true
			}
		}
	}
}

// iteratesMap tells whether fn is one of them.
func (p *pkg) iteratesMap(fn *types.Func) bool {
	if fn = origin(fn); fn.Pkg() == p.pass.Pkg {
		return p.iterators[fn]
	}
	return !trusted(fn.Pkg().Path()) && p.summary(fn).Iterates
}

// returnsIterator tells whether a function returns a literal that hands on, or another such iterator.
func (p *pkg) returnsIterator(d *ast.FuncDecl) (found bool) {
	ast.Inspect(d.Body, func(n ast.Node) bool {
		if _, literal := n.(*ast.FuncLit); literal {
			return false
		}
		ret, ok := n.(*ast.ReturnStmt)
		if !ok || len(ret.Results) != 1 {
			return true
		}
		switch x := ast.Unparen(ret.Results[0]).(type) {
		case *ast.FuncLit:
			found = found || p.handsOn(x.Type, x.Body)
		case *ast.CallExpr:
			found = found || p.isMapIterator(x)
		}
		return false
	})
	return found
}

// isMapIterator tells whether a call returns an iterator over a map.
func (p *pkg) isMapIterator(call *ast.CallExpr) bool {
	fn := typeutil.StaticCallee(p.pass.TypesInfo, call)
	if fn == nil || fn.Pkg() == nil {
		return false
	}
	if fn.Pkg().Path() == "maps" {
		return fn.Name() == "Keys" || fn.Name() == "Values" || fn.Name() == "All"
	}
	return p.iteratesMap(fn)
}

// handsOn tells whether a function calls its yield, a last parameter of a function type with a bool as its result, in a
// range over a map.
func (p *pkg) handsOn(typ *ast.FuncType, body *ast.BlockStmt) (found bool) {
	yield := p.yieldOf(typ)
	if yield == nil {
		return false
	}
	ast.Inspect(body, func(n ast.Node) bool {
		loop, ok := n.(*ast.RangeStmt)
		if !ok || found {
			return !found
		}
		call, _ := ast.Unparen(loop.X).(*ast.CallExpr)
		if _, isMap := core(p.pass.TypesInfo.TypeOf(loop.X)).(*types.Map); isMap || call != nil && p.isMapIterator(call) {
			ast.Inspect(loop.Body, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && p.pass.TypesInfo.Uses[id] == yield {
					found = true
				}
				return !found
			})
		}
		return !found
	})
	return found
}

// yieldOf returns the parameter by which a function hands on what it comes to, or nil when it is no iterator.
func (p *pkg) yieldOf(typ *ast.FuncType) types.Object {
	if typ.Results != nil && len(typ.Results.List) > 0 || len(typ.Params.List) == 0 {
		return nil
	}
	last := typ.Params.List[len(typ.Params.List)-1]
	sig, ok := core(p.pass.TypesInfo.TypeOf(last.Type)).(*types.Signature)
	if !ok || len(last.Names) != 1 || sig.Results().Len() != 1 || !isBool(sig.Results().At(0).Type()) {
		return nil
	}
	return p.pass.TypesInfo.Defs[last.Names[0]]
}

func isBool(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsBoolean != 0
}
