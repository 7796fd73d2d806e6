package determinism

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

// isRanged tells whether e is the map itself, by its own name or by that of a local variable.
func (l *mapLoop) isRanged(e ast.Expr) bool {
	return samePath(l.resolved(e), l.resolved(l.ranged()))
}

// ranged is the map that the loop is over.
func (l *mapLoop) ranged() ast.Expr {
	x := ast.Unparen(l.loop.X)
	if call, ok := x.(*ast.CallExpr); ok && len(call.Args) == 1 {
		return call.Args[0] // maps.Keys(m)
	}
	return x
}

// resolved is the path of e, where local variables that still hold what a place held stand for that place.
func (l *mapLoop) resolved(e ast.Expr) path {
	p := l.path(e)
	for range 8 {
		if p == nil {
			return nil
		}
		v := p.root()
		from := l.locals[v]
		if len(from) != 1 || !isReference(v.Type()) {
			return p
		}
		place := l.firstPlace(from)
		if place == nil {
			return p
		}
		q := l.path(place)
		if q == nil || l.replaced(q, v.Pos()) {
			return p
		}
		p = append(append(path{}, q...), p[1:]...)
	}
	return p
}

// replaced tells whether a place, or what holds it, is set behind a position in the function around the loop: what a
// variable got from there before is another thing then.
func (l *mapLoop) replaced(p path, behind token.Pos) (found bool) {
	l.eachWrite(l.enclosingBody(l.at), func(e ast.Expr, through bool) {
		if q := l.path(e); q != nil && !through && len(q) <= len(p) && q.touches(p) && e.Pos() > behind {
			found = true
		}
	})
	return found
}

// checkRanged finds expressions that read of the ranged map what other iterations may have changed: another entry where
// entries are set or deleted, and also its length, or all of it, where they are deleted.
func (l *mapLoop) checkRanged() {
	if !l.shrinks && !l.sets || l.why != "" {
		return
	}
	name := types.ExprString(l.ranged())
	ast.Inspect(l.loop.Body, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok || l.why != "" {
			return l.why == ""
		}
		switch x := e.(type) {
		case *ast.IndexExpr:
			if l.isRanged(x.X) {
				if !l.isKey(x.Index) {
					l.fail(x.Pos(), "", "reads %s, which other iterations change", types.ExprString(x))
				}
				return false
			}
		case *ast.CallExpr:
			if b := l.builtin(x); b == "len" && l.isRanged(x.Args[0]) {
				if l.shrinks {
					l.fail(x.Pos(), "", "reads len(%s) while it deletes, which depends on how far it has come", name)
				}
				return false
			} else if b == "delete" && l.isRanged(x.Args[0]) {
				return false // the key is the iteration's
			}
			if l.shrinks && l.looksAtRanged(x) {
				l.fail(x.Pos(), "", "calls %s, which reads %s, while it deletes from it", types.ExprString(x.Fun), name)
			}
		case *ast.Ident, *ast.SelectorExpr:
			if l.shrinks && l.isRanged(x) && !l.isSet(x) {
				l.fail(x.Pos(), "", "reads %s while it deletes from it, which depends on how far it has come", name)
			}
		}
		return true
	})
}

// isSet tells whether e is what an assignment sets.
func (l *mapLoop) isSet(e ast.Expr) bool {
	a, ok := l.parents[e].(*ast.AssignStmt)
	if !ok {
		return false
	}
	for _, to := range a.Lhs {
		if to == e {
			return true
		}
	}
	return false
}

// looksAtRanged tells whether a call is one of a function, of this package or a literal in a local variable, that reads the
// ranged map, be it by what it calls itself. The entry under the iteration's key it may read.
func (l *mapLoop) looksAtRanged(call *ast.CallExpr) bool {
	s := &lookout{l: l, seen: map[ast.Node]bool{}}
	if sel, ok := ast.Unparen(l.ranged()).(*ast.SelectorExpr); ok {
		s.field, _ = l.info().Uses[sel.Sel].(*types.Var)
	}
	return s.call(call, true)
}

// A lookout looks for functions that read the ranged map.
type lookout struct {
	l     *mapLoop
	field *types.Var // that has the map; nil for a variable
	seen  map[ast.Node]bool
}

// call looks at what is called; first says that the loop does so.
func (s *lookout) call(call *ast.CallExpr, first bool) bool {
	body, params := s.callee(call)
	if body == nil || s.seen[body] {
		return false
	}
	s.seen[body] = true
	keys := map[types.Object]bool{} // parameters that are the iteration's key
	for i, p := range params {
		if first && i < len(call.Args) && s.l.isKey(call.Args[i]) {
			keys[p] = true
		}
	}
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.IndexExpr:
			if id, ok := ast.Unparen(x.Index).(*ast.Ident); ok && s.isMap(x.X) && keys[s.l.info().Uses[id]] {
				return false
			}
		case *ast.CallExpr:
			found = found || s.call(x, false)
		}
		if e, ok := n.(ast.Expr); ok && s.isMap(e) {
			found = true
		}
		return !found
	})
	return found
}

// isMap tells whether e is the ranged map, of whichever object, or a variable of the loop's function that holds it.
func (s *lookout) isMap(e ast.Expr) bool {
	if sel, ok := ast.Unparen(e).(*ast.SelectorExpr); ok && s.field != nil {
		return s.l.info().Uses[sel.Sel] == s.field
	}
	return s.l.isRanged(e)
}

// callee returns the body and the parameters of the function that is called, if it is one to be looked at.
func (s *lookout) callee(call *ast.CallExpr) (body *ast.BlockStmt, params []types.Object) {
	var typ *ast.FuncType
	switch {
	case typeutil.StaticCallee(s.l.info(), call) != nil:
		n := s.l.byObject[origin(typeutil.StaticCallee(s.l.info(), call))]
		if n == nil || n.decl == nil {
			return nil, nil
		}
		typ, body = n.decl.Type, n.decl.Body
	default:
		id, ok := ast.Unparen(call.Fun).(*ast.Ident)
		if !ok {
			return nil, nil
		}
		v, _ := s.l.info().Uses[id].(*types.Var)
		if v == nil || len(s.l.locals[v]) != 1 {
			return nil, nil
		}
		lit, ok := ast.Unparen(s.l.locals[v][0]).(*ast.FuncLit)
		if !ok {
			return nil, nil
		}
		typ, body = lit.Type, lit.Body
	}
	for _, f := range typ.Params.List {
		for _, name := range f.Names {
			params = append(params, s.l.info().Defs[name])
		}
	}
	return body, params
}

// delete looks at a call of delete.
func (l *mapLoop) delete(call *ast.CallExpr) {
	from := call.Args[0]
	switch {
	case l.isOwn(from):
	case !l.isRanged(from) && l.isKey(call.Args[1]):
		entry := &ast.IndexExpr{X: from, Index: call.Args[1]}
		l.add(write{place: entry, path: l.path(entry), way: own, stmt: call})
		return
	case !l.isRanged(from):
		l.add(write{place: from, path: l.path(from), way: "delete", stmt: call})
		return
	case !l.isKey(call.Args[1]):
		l.fail(call.Pos(), "", "deletes entries that it may not have come to")
	default:
		l.shrinks = true
	}
	l.add(write{place: from, way: own, stmt: call})
}
