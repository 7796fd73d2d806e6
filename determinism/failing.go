package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/types/typeutil"
)

// failingHint is what to do instead.
const failingHint = "a mutator that fails has changed nothing; check first and change then, or put back what was there"

// findFailing charges a mutator with what it has changed of its object when it returns an error. It follows the body from
// statement to statement and reports the plain cases only: a change that every way to the return makes, or that earlier
// rounds of a loop around it make, and a return whose error is plainly not nil. What is put back in the block that returns
// is no change, nor is that of a call whose error is what is returned. A function that puts things back in a deferred call is
// left alone.
func (p *pkg) findFailing(n *node, typ *ast.FuncType, body *ast.BlockStmt, state *types.Var) {
	if state == nil || !returnsError(p.pass.TypesInfo, typ) {
		return
	}
	f := &failing{walker: &walker{p, n}, state: state, reported: map[ast.Node]bool{}, restored: map[ast.Expr]bool{}}
	if !f.restores(body) {
		f.block(body.List, nil)
	}
}

func returnsError(info *types.Info, typ *ast.FuncType) bool {
	if typ.Results == nil || len(typ.Results.List) == 0 {
		return false
	}
	return isError(info.TypeOf(typ.Results.List[len(typ.Results.List)-1].Type))
}

func isError(t types.Type) bool {
	return t != nil && types.Identical(t, types.Universe.Lookup("error").Type())
}

// A changed is a place of the object that has been changed.
type changed struct {
	e    ast.Expr
	path path // nil for what is reached by another name
	// unless is the variable that the call which made the change has set to its error: when that is not nil, there was none.
	unless *types.Var
}

type failing struct {
	*walker
	state    *types.Var
	reported map[ast.Node]bool
	restored map[ast.Expr]bool // writes that put back what was there
}

// restores tells whether a deferred function writes to the object.
func (f *failing) restores(body *ast.BlockStmt) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if d, ok := n.(*ast.DeferStmt); ok {
			found = found || len(f.changes(d, nil)) > 0
		}
		return !found
	})
	return found
}

// block follows statements with what has been changed before. It returns what has been changed behind them, and whether
// their end is reached at all.
func (f *failing) block(list []ast.Stmt, had []changed) (now []changed, ends bool) {
	for _, s := range list {
		if had, ends = f.stmt(s, had); !ends {
			return had, false
		}
	}
	return had, true
}

func (f *failing) stmt(s ast.Stmt, had []changed) (now []changed, ends bool) {
	switch s := s.(type) {
	case *ast.ReturnStmt:
		f.check(s, had)
		return had, false
	case *ast.BranchStmt:
		return had, false
	case *ast.BlockStmt:
		return f.block(s.List, had)
	case *ast.LabeledStmt:
		return f.stmt(s.Stmt, had)
	case *ast.IfStmt:
		return f.conditional(s, had)
	case *ast.ForStmt:
		if s.Init != nil {
			had, _ = f.stmt(s.Init, had)
		}
		return f.loop(s.Body, had), true
	case *ast.RangeStmt:
		return f.loop(s.Body, had), true
	case *ast.SwitchStmt:
		if s.Init != nil {
			had, _ = f.stmt(s.Init, had)
		}
		return f.cases(s.Body, had), true
	case *ast.TypeSwitchStmt:
		return f.cases(s.Body, had), true
	case *ast.ExprStmt:
		if call, ok := s.X.(*ast.CallExpr); ok && f.builtin(call) == "panic" {
			return had, false
		}
		return f.add(had, f.changes(s, nil)), true
	case *ast.AssignStmt:
		return f.add(f.settled(s, had), f.changes(s, f.errorOf(s))), true
	case *ast.IncDecStmt, *ast.DeclStmt:
		return f.add(had, f.changes(s, nil)), true
	}
	return had, true
}

// conditional follows both branches. In the one that is for an error, the call that has returned it has changed nothing.
func (f *failing) conditional(s *ast.IfStmt, had []changed) (now []changed, ends bool) {
	if s.Init != nil {
		had, _ = f.stmt(s.Init, had)
	}
	then, other := had, had
	v, isNot := f.comparedWithNil(s.Cond)
	without := slices.DeleteFunc(slices.Clone(had), func(c changed) bool { return v != nil && c.unless == v })
	if v != nil && isNot {
		then = without
	} else if v != nil {
		other = without
	}
	// What a block that returns an error puts back is no change any more.
	if returns(s.Body.List) {
		then = f.without(then, s.Body)
	}
	thenNow, thenEnds := f.block(s.Body.List, then)
	otherNow, otherEnds := other, true
	if s.Else != nil {
		if block, ok := s.Else.(*ast.BlockStmt); ok && returns(block.List) {
			other = f.without(other, block)
		}
		otherNow, otherEnds = f.stmt(s.Else, other)
	}
	switch {
	case !thenEnds:
		return otherNow, otherEnds
	case !otherEnds:
		return thenNow, true
	}
	return both(thenNow, otherNow), true
}

// without is what has been changed except for what a block writes again.
func (f *failing) without(had []changed, block *ast.BlockStmt) []changed {
	rest := slices.Clone(had)
	for _, b := range f.changes(block, nil) {
		rest = slices.DeleteFunc(rest, func(c changed) bool {
			same := b.path == nil || c.path == nil || b.path.touches(c.path)
			f.restored[b.e] = f.restored[b.e] || same
			return same
		})
	}
	return rest
}

// both are the changes that are in each of two lists.
func both(a, b []changed) []changed {
	return slices.DeleteFunc(slices.Clone(a), func(c changed) bool {
		return !slices.ContainsFunc(b, func(d changed) bool { return c.e == d.e || samePath(c.path, d.path) })
	})
}

// loop follows a body twice: the second round has what the first has changed.
func (f *failing) loop(body *ast.BlockStmt, had []changed) []changed {
	now, ends := f.block(body.List, had)
	if !ends {
		return had
	}
	f.block(body.List, now)
	return now
}

// cases follows the clauses of a switch. Behind it is what was before: which of them ran is not known.
func (f *failing) cases(body *ast.BlockStmt, had []changed) []changed {
	for _, c := range body.List {
		if clause, ok := c.(*ast.CaseClause); ok {
			before := had
			if returns(clause.Body) {
				before = f.without(had, &ast.BlockStmt{List: clause.Body})
			}
			f.block(clause.Body, before)
		}
	}
	return had
}

func (f *failing) add(had, more []changed) []changed {
	more = slices.DeleteFunc(more, func(c changed) bool { return f.restored[c.e] })
	return append(slices.Clip(had), more...)
}

// settled forgets that a change depends on a variable that is set again.
func (f *failing) settled(s *ast.AssignStmt, had []changed) []changed {
	now := slices.Clone(had)
	for _, to := range s.Lhs {
		v := f.variable(to)
		for i := range now {
			if v != nil && now[i].unless == v {
				now[i].unless = nil
			}
		}
	}
	return now
}

func (f *failing) variable(e ast.Expr) *types.Var {
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return nil
	}
	v, _ := f.info().ObjectOf(id).(*types.Var)
	return v
}

// errorOf returns the variable that an assignment sets to the error of a call.
func (f *failing) errorOf(s *ast.AssignStmt) *types.Var {
	if len(s.Rhs) != 1 {
		return nil
	}
	if _, ok := ast.Unparen(s.Rhs[0]).(*ast.CallExpr); !ok {
		return nil
	}
	if v := f.variable(s.Lhs[len(s.Lhs)-1]); v != nil && isError(v.Type()) {
		return v
	}
	return nil
}

// comparedWithNil returns the error variable of a condition v != nil or v == nil, or nil.
func (f *failing) comparedWithNil(cond ast.Expr) (v *types.Var, isNot bool) {
	b, ok := ast.Unparen(cond).(*ast.BinaryExpr)
	if !ok || b.Op != token.NEQ && b.Op != token.EQL || !f.info().Types[b.Y].IsNil() {
		return nil, false
	}
	if v = f.variable(b.X); v == nil || !isError(v.Type()) {
		return nil, false
	}
	return v, b.Op == token.NEQ
}

// changes are the places of the object that a statement, or a block, writes to. Function literals count where they stand.
func (f *failing) changes(n ast.Node, unless *types.Var) (list []changed) {
	if a, ok := n.(*ast.AssignStmt); ok && slices.ContainsFunc(a.Rhs, isLiteral) {
		return nil // it is called later
	}
	ast.Inspect(n, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if v := f.variable(call.Fun); v != nil && len(f.locals[v]) == 1 && isLiteral(f.locals[v][0]) {
				list = append(list, f.changes(ast.Unparen(f.locals[v][0]).(*ast.FuncLit).Body, unless)...)
				return false
			}
		}
		return true
	})
	f.eachWrite(n, func(e ast.Expr, through bool) {
		if v, shared := f.root(e); v != f.state || !shared && !through {
			return
		}
		c := changed{e: e, unless: unless}
		if p := f.path(e); p != nil && p.root() == f.state {
			c.path = p
		}
		// A call as a condition or as an operand may have failed: only one that stands alone, or whose error is seen, is a plain
		// change.
		if call := f.writingCall(e); call != nil && unless == nil && f.mayFail(call) {
			return
		}
		list = append(list, c)
	})
	return list
}

func isLiteral(e ast.Expr) bool {
	_, ok := ast.Unparen(e).(*ast.FuncLit)
	return ok
}

// mayFail tells whether a call has an error among its results, and so has changed nothing when it returns one.
func (f *failing) mayFail(call *ast.CallExpr) bool {
	fn := typeutil.StaticCallee(f.info(), call)
	if fn == nil {
		return false
	}
	results := fn.Signature().Results()
	return results.Len() > 0 && isError(results.At(results.Len()-1).Type())
}

// check charges a return of an error that is not nil.
func (f *failing) check(s *ast.ReturnStmt, had []changed) {
	if len(had) == 0 || len(s.Results) == 0 || f.reported[s] || !f.notNil(s.Results[len(s.Results)-1], s) {
		return
	}
	f.reported[s] = true
	first := had[0]
	f.charge(f.n, s.Pos(), Failure, "changes "+types.ExprString(first.e)+" at "+f.place(first.e.Pos()).from(f.pass.Pkg)+" and then returns an error", failingHint)
}

// notNil tells whether an error is plainly one: made here, a package-level variable, or a variable in a branch in which it is
// not nil.
func (f *failing) notNil(e ast.Expr, at ast.Node) bool {
	switch x := ast.Unparen(e).(type) {
	case *ast.CallExpr:
		fn := typeutil.StaticCallee(f.info(), x)
		if fn == nil || fn.Pkg() == nil {
			return false
		}
		name := fn.Pkg().Path() + "." + fn.Name()
		return name == "errors.New" || name == "fmt.Errorf"
	case *ast.UnaryExpr:
		_, lit := ast.Unparen(x.X).(*ast.CompositeLit)
		return x.Op == token.AND && lit
	case *ast.CompositeLit:
		return true
	case *ast.SelectorExpr, *ast.Ident:
		id, ok := x.(*ast.Ident)
		if !ok {
			id = x.(*ast.SelectorExpr).Sel
		}
		v, _ := f.info().Uses[id].(*types.Var)
		return v != nil && !v.IsField() && (isGlobal(v) || f.guarded(v, at))
	}
	return false
}

// guarded tells whether a statement is in a branch in which v is not nil.
func (f *failing) guarded(v *types.Var, at ast.Node) bool {
	for n := at; n != nil; n = f.parents[n] {
		switch up := f.parents[n].(type) {
		case *ast.IfStmt:
			if w, isNot := f.comparedWithNil(up.Cond); w == v && (isNot && n == up.Body || !isNot && n == up.Else) {
				return true
			}
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		}
	}
	return false
}
