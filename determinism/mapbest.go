package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// best looks at an if that keeps the largest or smallest: its condition compares something of the iteration with what
// is kept, and its body keeps it,
//
//	if v > best { best = v }
//	if !found || v > best || v == best && k < bestKey { found, best, bestKey = true, v, k }
//
// It tells whether it is one whose outcome does not depend on the order. What is kept beside what is compared must be
// decided by it, so the comparison must end with the range's key. Floating-point numbers do not qualify: of 0 and -0, and
// of NaN, the first would stay.
func (l *mapLoop) best(s *ast.IfStmt) bool {
	kept, flags := l.keeps(s.Body.List)
	if s.Else != nil || len(kept) == 0 {
		return false
	}
	var compared []ast.Expr // places that the condition compares strictly with what they would be set to
	byKey := false
	for _, term := range operands(s.Cond, token.LOR) {
		if not, ok := ast.Unparen(term).(*ast.UnaryExpr); ok && not.Op == token.NOT {
			if slices.ContainsFunc(flags, func(f keep) bool { return sameText(f.place, not.X) }) {
				continue
			}
			return false
		}
		// What earlier terms compare must be equal before more is compared.
		chain := operands(term, token.LAND)
		if len(chain) != len(compared)+1 {
			return false
		}
		for i, e := range chain {
			k := l.compares(e, kept, i == len(compared))
			switch {
			case k == nil || i < len(compared) && !sameText(k.place, compared[i]):
				return false
			case i == len(compared):
				compared = append(compared, k.place)
				byKey = byKey || l.isKey(k.from)
			}
		}
	}
	if len(compared) == 0 || len(kept) > 1 && !byKey {
		return false
	}
	for _, k := range slices.Concat(kept, flags) {
		l.calls(k.from)
		w := write{place: k.place, path: l.path(k.place), way: "best by " + types.ExprString(s.Cond), stmt: k.stmt, reads: []ast.Expr{k.place}}
		ast.Inspect(s.Cond, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok && sameText(e, k.place) {
				w.reads = append(w.reads, e)
			}
			return true
		})
		l.add(w)
	}
	return true
}

// A keep is one assignment of something of the iteration to a place outside.
type keep struct {
	place, from ast.Expr
	stmt        ast.Stmt
}

// keeps returns the assignments of a body that has nothing else; flags are those of true. Nothing when there is else.
func (l *mapLoop) keeps(list []ast.Stmt) (kept, flags []keep) {
	for _, s := range list {
		a, ok := s.(*ast.AssignStmt)
		if !ok || a.Tok != token.ASSIGN || len(a.Lhs) != len(a.Rhs) {
			return nil, nil
		}
		for i, to := range a.Lhs {
			k := keep{to, a.Rhs[i], s}
			switch {
			case l.path(to) == nil || l.isOwn(to):
				return nil, nil
			case l.isConstant(k.from):
				if types.ExprString(k.from) != "true" {
					return nil, nil
				}
				flags = append(flags, k)
			default:
				kept = append(kept, k)
			}
		}
	}
	return kept, flags
}

// operands returns the parts of a chain of one operator.
func operands(e ast.Expr, op token.Token) []ast.Expr {
	if b, ok := ast.Unparen(e).(*ast.BinaryExpr); ok && b.Op == op {
		return append(operands(b.X, op), operands(b.Y, op)...)
	}
	return []ast.Expr{ast.Unparen(e)}
}

// compares returns which kept place e compares with what it would be set to: by order when strict, else for equality.
func (l *mapLoop) compares(e ast.Expr, kept []keep, strict bool) *keep {
	b, ok := e.(*ast.BinaryExpr)
	if !ok {
		return nil
	}
	switch b.Op {
	case token.LSS, token.GTR, token.LEQ, token.GEQ:
		if !strict {
			return nil
		}
	case token.EQL:
		if strict {
			return nil
		}
	default:
		return nil
	}
	for i, k := range kept {
		t, ok := l.info().TypeOf(k.place).Underlying().(*types.Basic)
		if !ok || t.Info()&(types.IsInteger|types.IsString) == 0 {
			continue
		}
		if sameText(b.X, k.place) && sameText(b.Y, k.from) || sameText(b.Y, k.place) && sameText(b.X, k.from) {
			return &kept[i]
		}
	}
	return nil
}

func sameText(a, b ast.Expr) bool { return types.ExprString(a) == types.ExprString(b) }
