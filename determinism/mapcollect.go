package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
)

// collect looks at to = append(to, ...).
func (l *mapLoop) collect(s *ast.AssignStmt, to ast.Expr) {
	p := l.path(to)
	if !l.sortedAfter(l.at, p) {
		l.fail(s.Pos(), "sort it before it is used", "appends to %s in its order", types.ExprString(to))
	}
	l.add(write{place: to, path: p, way: "append", stmt: s, reads: []ast.Expr{to}})
}

// fill looks at to[i] = x followed by i++, which collects as append does. It tells whether that is what it is.
func (l *mapLoop) fill(s *ast.AssignStmt, to ast.Expr) bool {
	x, ok := ast.Unparen(to).(*ast.IndexExpr)
	if !ok || len(s.Lhs) != 1 || !isSlice(l.info().TypeOf(x.X)) {
		return false
	}
	index, ok := ast.Unparen(x.Index).(*ast.Ident)
	block, inBlock := l.parents[s].(*ast.BlockStmt)
	if !ok || !inBlock {
		return false
	}
	for i, stmt := range block.List[:len(block.List)-1] {
		next, ok := block.List[i+1].(*ast.IncDecStmt)
		if stmt != ast.Stmt(s) || !ok || next.Tok != token.INC || !sameText(next.X, index) {
			continue
		}
		p := l.path(x.X)
		if !l.sortedAfter(l.at, p) {
			l.fail(s.Pos(), "sort it before it is used", "fills %s in its order", types.ExprString(x.X))
		}
		l.counters[index] = true
		l.add(write{place: to, path: p, way: "fill", stmt: s, reads: []ast.Expr{to}})
		return true
	}
	return false
}

func isSlice(t types.Type) bool {
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Slice)
	return ok
}
