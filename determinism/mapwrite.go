package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
)

// setTo begins the way of writes that set one value.
const setTo = "set to "

// add notes a write to a place outside of the loop or, when it has no path, to one of the iteration.
func (l *mapLoop) add(w write) { l.writes = append(l.writes, w) }

// assign looks at an assignment.
func (l *mapLoop) assign(s *ast.AssignStmt) {
	for i, to := range s.Lhs {
		var from ast.Expr
		if len(s.Lhs) == len(s.Rhs) {
			from = s.Rhs[i]
		}
		id, isIdent := to.(*ast.Ident)
		switch {
		case isIdent && (id.Name == "_" || s.Tok == token.DEFINE && l.info().Defs[id] != nil):
		case l.isOwn(to):
			l.ownWrite(s, to)
		case s.Tok == token.ASSIGN || s.Tok == token.DEFINE:
			l.set(s, to, from)
		default:
			l.operate(s, to, s.Tok)
		}
	}
}

// ownWrite notes a write to a place of the iteration that stays after it.
func (l *mapLoop) ownWrite(s ast.Stmt, to ast.Expr) {
	if l.isTemporary(to) {
		return
	}
	l.add(write{place: to, path: l.outerPath(to), way: own, stmt: s, reads: []ast.Expr{to}})
}

// isTemporary tells whether a place ends with the iteration.
func (l *mapLoop) isTemporary(e ast.Expr) bool {
	p := l.path(e)
	if p == nil || !l.inside[p.root()] {
		return false
	}
	v := p.root()
	return len(p) == 1 && !isReference(v.Type()) || v != l.value && (!isReference(v.Type()) || l.firstPlace(l.locals[v]) == nil) || isBare(e)
}

func isBare(e ast.Expr) bool {
	_, ok := ast.Unparen(e).(*ast.Ident)
	return ok
}

// outerPath returns the place of an entry outside of the ranged map, so that other ways to write to it are seen.
func (l *mapLoop) outerPath(to ast.Expr) path {
	p := l.path(to)
	if p == nil || l.inside[p.root()] {
		return nil
	}
	if l.isRangedPart(to) {
		l.sets = true
		return nil
	}
	return p
}

func (l *mapLoop) isRangedPart(e ast.Expr) bool {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.IndexExpr:
			if l.isRanged(x.X) {
				return true
			}
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		default:
			return false
		}
	}
}

// commutes names the operations that give the same for any order of operands, on integers. Those of one class may be
// mixed.
var commutes = map[token.Token]string{
	token.ADD_ASSIGN: "sum", token.SUB_ASSIGN: "sum", token.MUL_ASSIGN: "product", token.OR_ASSIGN: "or",
	token.AND_ASSIGN: "and", token.XOR_ASSIGN: "xor", token.AND_NOT_ASSIGN: "and",
}

// operate looks at to op= ..., or to++.
func (l *mapLoop) operate(s ast.Stmt, to ast.Expr, op token.Token) {
	if l.isOwn(to) {
		l.ownWrite(s, to)
		return
	}
	if !l.accumulate(s, to, op) {
		l.failOperation(s, to)
	}
}

// accumulate notes an operation that commutes, and tells whether it does.
func (l *mapLoop) accumulate(s ast.Node, to ast.Expr, op token.Token) bool {
	t, ok := l.info().TypeOf(to).Underlying().(*types.Basic)
	if !ok || t.Info()&types.IsInteger == 0 || commutes[op] == "" || l.growsRanged(to) {
		return false
	}
	l.add(write{place: to, path: l.path(to), way: commutes[op], stmt: s, reads: []ast.Expr{to}})
	return true
}

// growsRanged tells whether a write to a place may add an entry to the ranged map itself.
func (l *mapLoop) growsRanged(to ast.Expr) bool {
	x, ok := ast.Unparen(to).(*ast.IndexExpr)
	return ok && l.isRanged(x.X)
}

func (l *mapLoop) failOperation(s ast.Node, to ast.Expr) {
	name := types.ExprString(to)
	t, _ := l.info().TypeOf(to).Underlying().(*types.Basic)
	switch {
	case l.growsRanged(to):
		l.fail(s.Pos(), "", "adds entries to it, which it may or may not come to")
	case t != nil && t.Info()&(types.IsFloat|types.IsComplex) != 0:
		l.fail(s.Pos(), "rounding depends on the order; range over sorted keys", "computes %s in floating point in its order", name)
	case t != nil && t.Info()&types.IsString != 0:
		l.fail(s.Pos(), "", "appends to the string %s in its order", name)
	default:
		l.fail(s.Pos(), "", "changes %s in its order", name)
	}
}

// set looks at to = from, where to lies outside of the loop.
func (l *mapLoop) set(s *ast.AssignStmt, to, from ast.Expr) {
	name := types.ExprString(to)
	switch from := ast.Unparen(from).(type) {
	case nil:
	case *ast.CallExpr:
		switch b := l.builtin(from); {
		case b == "append" && types.ExprString(from.Args[0]) == name:
			l.collect(s, to)
			return
		case (b == "max" || b == "min") && l.selfArgument(from, name):
			l.add(write{place: to, path: l.path(to), way: b, stmt: s, reads: []ast.Expr{to, from}})
			return
		}
	case *ast.BinaryExpr:
		if l.fold(s, to, from) {
			return
		}
	}
	if l.fill(s, to) {
		return
	}
	if x, ok := ast.Unparen(to).(*ast.IndexExpr); ok && l.isRanged(x.X) {
		l.fail(s.Pos(), "", "adds entries to it, which it may or may not come to")
		return
	}
	if from != nil && l.isInvariant(from) {
		l.add(write{place: to, path: l.path(to), way: setTo + types.ExprString(from), stmt: s})
		return
	}
	l.fail(s.Pos(), "if the key decides between equal ones, compare it too", "sets %s, which keeps what came last", name)
}

func (l *mapLoop) selfArgument(call *ast.CallExpr, name string) bool {
	count := 0
	for _, a := range call.Args {
		if types.ExprString(a) == name {
			count++
		}
	}
	return count == 1
}

var assignOf = map[token.Token]token.Token{
	token.ADD: token.ADD_ASSIGN, token.MUL: token.MUL_ASSIGN, token.OR: token.OR_ASSIGN, token.AND: token.AND_ASSIGN,
	token.XOR: token.XOR_ASSIGN, token.SUB: token.SUB_ASSIGN, token.AND_NOT: token.AND_NOT_ASSIGN,
}

// fold looks at to = to op x and, where op is symmetric, to = x op to. It tells whether that is what it is.
func (l *mapLoop) fold(s *ast.AssignStmt, to ast.Expr, e *ast.BinaryExpr) bool {
	name := types.ExprString(to)
	left := types.ExprString(e.X) == name
	right := types.ExprString(e.Y) == name && e.Op != token.SUB && e.Op != token.AND_NOT
	if !left && !right {
		return false
	}
	if e.Op == token.LOR || e.Op == token.LAND {
		l.add(write{place: to, path: l.path(to), way: e.Op.String(), stmt: s, reads: []ast.Expr{to, e.X, e.Y}})
		return true
	}
	if !l.accumulate(s, to, assignOf[e.Op]) {
		l.failOperation(s, to)
		return true
	}
	last := &l.writes[len(l.writes)-1]
	if left {
		last.reads = append(last.reads, e.X)
	} else {
		last.reads = append(last.reads, e.Y)
	}
	return true
}

// isInvariant tells whether e has the same value in each iteration, as long as nothing that it reads is written.
func (l *mapLoop) isInvariant(e ast.Expr) bool {
	invariant := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if v, ok := l.info().ObjectOf(n).(*types.Var); ok && l.inside[v] {
				invariant = false
			}
		case *ast.FuncLit:
			invariant = false
		}
		return invariant
	})
	return invariant
}

// checkWays finds places that are written in several ways.
func (l *mapLoop) checkWays() {
	for i, a := range l.writes {
		if a.path == nil {
			continue
		}
		for _, b := range l.writes[:i] {
			switch {
			case b.path == nil || !a.path.touches(b.path):
			case a.way != b.way:
				l.fail(a.stmt.Pos(), "", "changes %s in several ways in its order", types.ExprString(a.place))
			}
		}
	}
}

// checkReads finds expressions that read what another iteration may have written.
func (l *mapLoop) checkReads() {
	for _, w := range l.writes {
		if w.path == nil || l.why != "" {
			continue
		}
		if e := l.readOf(w); e != nil {
			l.fail(e.Pos(), "", "reads %s, which other iterations change", types.ExprString(w.place))
		}
	}
}

// readOf returns an expression in the loop that reads what a write writes and that is not part of the writing.
func (l *mapLoop) readOf(w write) (found ast.Expr) {
	allowed := map[ast.Node]bool{}
	for _, other := range l.writes {
		if samePath(other.path, w.path) {
			allowed[ast.Unparen(other.place)] = true
			for _, e := range other.reads {
				l.allowSelf(e, w.path, allowed)
			}
			if s, ok := other.stmt.(*ast.AssignStmt); ok && other.way == "append" {
				if call, ok := ast.Unparen(s.Rhs[0]).(*ast.CallExpr); ok {
					allowed[ast.Unparen(call.Args[0])] = true
				}
			}
			if call, ok := other.stmt.(*ast.CallExpr); ok {
				allowed[ast.Unparen(call.Args[0])] = true
			}
		}
	}
	ownEntry := ""
	if w.way == own {
		ownEntry = types.ExprString(w.place)
	}
	ast.Inspect(l.loop.Body, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok || found != nil {
			return found == nil
		}
		if l.counters[e] {
			return false
		}
		if allowed[e] || ownEntry != "" && types.ExprString(e) == ownEntry {
			l.eachIndex(e, func(x ast.Expr) {
				if found == nil {
					if !l.counters[x] && l.mentions(x, w.path, nil) != nil {
						found = x
					}
				}
			})
			return false
		}
		p := l.path(e)
		if p == nil {
			return true
		}
		if p.touches(w.path) && !l.isOwnEntry(e, w) {
			found = e
		}
		l.eachIndex(e, func(x ast.Expr) {
			if found == nil && !l.counters[x] && l.mentions(x, w.path, nil) != nil {
				found = x
			}
		})
		return false
	})
	return found
}

// isOwnEntry tells whether e reads an entry that belongs to the iteration, as the write does.
func (l *mapLoop) isOwnEntry(e ast.Expr, w write) bool { return w.way == own && l.isOwn(e) }

// allowSelf allows the places in e that are exactly the path: to in max(to, x).
func (l *mapLoop) allowSelf(e ast.Expr, to path, allowed map[ast.Node]bool) {
	switch x := ast.Unparen(e).(type) {
	case *ast.CallExpr:
		for _, a := range x.Args {
			if samePath(l.path(a), to) {
				allowed[ast.Unparen(a)] = true
			}
		}
	default:
		if samePath(l.path(x), to) {
			allowed[x] = true
		}
	}
}
