package determinism

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

// A mapLoop decides whether the order of a range over a map can be seen after it.
//
// It cannot when what the iterations do commutes: each writes to a place of its own (the entry of another map under the
// range's key, the range's value), or all write to one place by one commutative and associative operation (integer +=,
// |=, max), or all write the same value; and no iteration reads what others write; and those that leave the loop early
// all leave the same behind. A slice that is sorted afterwards forgets its order, too.
type mapLoop struct {
	*walker
	loop       *ast.RangeStmt
	at         ast.Node            // the loop, or the statement that a function in its place is in
	key, value *types.Var          // nil when the loop has none
	inside     map[*types.Var]bool // declared in the loop, key and value included
	// counters are mentions of a variable as the index of the next element that is filled: they need not see the
	// same number in the same iteration.
	counters map[ast.Expr]bool
	writes   []write
	exits    []exit
	// shrinks and sets tell whether iterations delete their own entry of the ranged map, and set it.
	shrinks, sets bool
	// predicate says that the loop is a function that decides which entries of the map are deleted.
	predicate bool
	why, hint string
}

// A write is how the loop writes to a place outside of it.
type write struct {
	place ast.Expr
	path  path
	// way is how: writes to one place must all have the same. "own" is for a place that belongs to the iteration.
	way  string
	stmt ast.Node
	// reads are expressions that may read the place besides.
	reads []ast.Expr
}

// An exit is a statement that ends the loop early.
type exit struct {
	stmt    ast.Stmt
	what    string // as text: equal ones leave the same behind
	results []ast.Expr
}

const own = "own"

func (l *mapLoop) fail(pos token.Pos, hint, format string, args ...any) {
	if l.why == "" {
		l.why = fmt.Sprintf(format, args...)
		if at := l.place(pos); at.Line != l.place(l.loop.Pos()).Line {
			l.why += fmt.Sprintf(" (line %d)", at.Line)
		}
		l.hint = hint
	}
}

// check returns why the order can be seen, or "".
func (l *mapLoop) check(key, value ast.Expr) (why, hint string) {
	for _, e := range []ast.Expr{l.loop.Key, l.loop.Value} {
		id, ok := e.(*ast.Ident)
		if e == nil || ok && id.Name == "_" {
			continue
		}
		if l.loop.Tok != token.DEFINE {
			l.fail(e.Pos(), "", "leaves its last key or value in %s", types.ExprString(e))
		}
	}
	l.key, l.value = l.defined(key), l.defined(value)
	ast.Inspect(l.loop, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if v, ok := l.info().Defs[id].(*types.Var); ok {
				l.inside[v] = true
			}
		}
		return true
	})
	l.block(l.loop.Body.List, 0)
	l.checkWays()
	l.checkReads()
	l.checkRanged()
	l.checkExits()
	return l.why, l.hint
}

func (l *mapLoop) defined(e ast.Expr) *types.Var {
	if id, ok := e.(*ast.Ident); ok {
		v, _ := l.info().Defs[id].(*types.Var)
		return v
	}
	return nil
}

// block looks at statements; depth counts the loops and switches inside of ours that a break would leave instead.
func (l *mapLoop) block(list []ast.Stmt, depth int) {
	for _, s := range list {
		l.stmt(s, depth)
	}
}

func (l *mapLoop) stmt(s ast.Stmt, depth int) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		l.assign(s)
		l.calls(s)
	case *ast.IncDecStmt:
		l.operate(s, s.X, token.ADD_ASSIGN)
		l.calls(s)
	case *ast.BlockStmt:
		l.block(s.List, depth)
	case *ast.IfStmt:
		l.conditional(s, depth)
	case *ast.ForStmt:
		l.optional(s.Init, depth)
		l.optional(s.Post, depth)
		l.calls(s.Cond)
		l.block(s.Body.List, depth+1)
	case *ast.RangeStmt:
		l.calls(s.X)
		if s.Tok == token.ASSIGN {
			l.fail(s.Pos(), "", "leaves the last key or value of an inner loop behind")
		}
		l.block(s.Body.List, depth+1)
	case *ast.SwitchStmt:
		l.optional(s.Init, depth)
		l.calls(s.Tag)
		l.cases(s.Body, depth)
	case *ast.TypeSwitchStmt:
		l.optional(s.Init, depth)
		l.cases(s.Body, depth)
	case *ast.LabeledStmt:
		l.stmt(s.Stmt, depth)
	case *ast.BranchStmt:
		l.branch(s, depth)
	case *ast.ReturnStmt:
		if l.predicate {
			l.calls(s)
			break
		}
		l.exits = append(l.exits, exit{s, exprs("return", s.Results), s.Results})
		l.calls(s)
	case *ast.ExprStmt:
		l.expression(s)
	case *ast.DeferStmt:
		l.fail(s.Pos(), "", "defers calls in its order")
	case *ast.DeclStmt:
		l.calls(s)
	case *ast.GoStmt, *ast.SendStmt, *ast.SelectStmt: // reported for themselves
	}
}

func (l *mapLoop) optional(s ast.Stmt, depth int) {
	if s != nil {
		l.stmt(s, depth)
	}
}

func (l *mapLoop) cases(body *ast.BlockStmt, depth int) {
	for _, c := range body.List {
		if c, ok := c.(*ast.CaseClause); ok {
			for _, e := range c.List {
				l.calls(e)
			}
			l.block(c.Body, depth+1)
		}
	}
}

func (l *mapLoop) conditional(s *ast.IfStmt, depth int) {
	l.optional(s.Init, depth)
	l.calls(s.Cond)
	if !l.best(s) {
		l.block(s.Body.List, depth)
	}
	l.optional(s.Else, depth)
}

func (l *mapLoop) branch(s *ast.BranchStmt, depth int) {
	if s.Label == nil {
		if s.Tok == token.BREAK && depth == 0 {
			l.exits = append(l.exits, exit{stmt: s, what: "break"})
		}
		return
	}
	if label, ok := l.parents[l.at].(*ast.LabeledStmt); ok && label.Label.Name == s.Label.Name {
		if s.Tok == token.BREAK {
			l.exits = append(l.exits, exit{stmt: s, what: "break"})
		}
		return
	}
	if target, ok := l.info().Uses[s.Label].(*types.Label); ok && target.Pos() > l.loop.Pos() && target.Pos() < l.loop.End() && s.Tok != token.GOTO {
		return // of an inner loop
	}
	l.exits = append(l.exits, exit{stmt: s, what: s.Tok.String() + " " + s.Label.Name})
}

// expression looks at a call that stands alone: it is there for what it changes.
func (l *mapLoop) expression(s *ast.ExprStmt) {
	l.calls(s)
	call, ok := ast.Unparen(s.X).(*ast.CallExpr)
	if !ok {
		return
	}
	if l.builtin(call) == "panic" {
		l.exits = append(l.exits, exit{s, exprs("panic", call.Args), call.Args})
		return
	}
	callee := typeutil.Callee(l.info(), call)
	if fn, ok := callee.(*types.Func); ok && !types.IsInterface(recvType(fn)) {
		return
	}
	if _, ok := callee.(*types.Builtin); ok {
		return
	}
	if lit, ok := ast.Unparen(call.Fun).(*ast.FuncLit); ok && lit != nil {
		return // its body was looked at by calls
	}
	l.fail(s.Pos(), "", "calls %s in its order, and what that does is not known", types.ExprString(call.Fun))
}

func exprs(word string, list []ast.Expr) string {
	for _, e := range list {
		word += " " + types.ExprString(e)
	}
	return word
}

// calls looks at what the calls in n change, and at the bodies of literals as if they ran here.
func (l *mapLoop) calls(n ast.Node) {
	if n == nil {
		return
	}
	if e, ok := n.(ast.Expr); ok && e == nil {
		return
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			exits := l.exits
			l.block(n.Body.List, 1)
			l.exits = exits // its returns end it and not the loop
			return false
		case *ast.CallExpr:
			l.call(n)
		}
		return true
	})
}

func (l *mapLoop) call(call *ast.CallExpr) {
	switch l.builtin(call) {
	case "delete":
		l.delete(call)
		return
	case "append":
		return // seen where the result goes
	}
	l.eachWriteOfCall(call, func(e ast.Expr, _ bool) {
		if !l.isOwn(e) {
			l.fail(call.Pos(), "", "lets %s change %s in its order", types.ExprString(call.Fun), types.ExprString(e))
		}
		if p := l.path(e); p == nil || !l.inside[p.root()] || p.root() == l.value || l.firstPlace(l.locals[p.root()]) != nil {
			l.add(write{place: e, way: own, stmt: call})
		}
	})
}

func (l *mapLoop) isKey(e ast.Expr) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && l.key != nil && l.info().Uses[id] == l.key
}

// isOwn tells whether a place belongs to the iteration: a variable of it, the range's value and what that points to, an
// entry under the range's key, or a fresh value. Values under different keys are taken to be different things.
func (l *mapLoop) isOwn(e ast.Expr) bool {
	for at := ast.Unparen(e); ; {
		switch x := at.(type) {
		case *ast.IndexExpr:
			if l.isKey(x.Index) {
				return true
			}
			at = ast.Unparen(x.X)
			continue
		case *ast.SelectorExpr:
			at = ast.Unparen(x.X)
			continue
		case *ast.StarExpr:
			at = ast.Unparen(x.X)
			continue
		case *ast.UnaryExpr:
			at = ast.Unparen(x.X)
			continue
		case *ast.SliceExpr:
			at = ast.Unparen(x.X)
			continue
		case *ast.Ident:
			if v, ok := l.info().ObjectOf(x).(*types.Var); ok {
				return l.isOwnVar(v, ast.Unparen(e) == at, 0)
			}
		}
		v, _ := l.root(e)
		return v == nil
	}
}

// isOwnVar tells whether a variable, or what it refers to unless it is only set itself, belongs to the iteration.
func (l *mapLoop) isOwnVar(v *types.Var, itself bool, depth int) bool {
	switch {
	case !l.inside[v] || depth > 8:
		return false
	case v == l.value || v == l.key || itself || !isReference(v.Type()):
		return true
	}
	for _, from := range l.locals[v] {
		place := l.firstPlace([]ast.Expr{from})
		if place == nil {
			continue
		}
		if id, ok := place.(*ast.Ident); ok {
			if u, ok := l.info().ObjectOf(id).(*types.Var); ok && u != v && !l.isOwnVar(u, false, depth+1) {
				return false
			}
		} else if !l.isOwn(place) {
			return false
		}
	}
	return true
}
