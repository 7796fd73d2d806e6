package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
)

// findSharing charges a marked mutator with memory that two places of its object share. A checkpoint writes such memory
// twice, so a process that was restored from one holds two copies where the others hold one, and the next write to it
// makes them differ.
//
// Reported are a parameter or local variable of a slice, map or pointer type that is stored in more than one place, or
// in a loop that it was not declared in, and a field that is stored in another place as it is, unless it is set again
// afterwards (a move, a swap). Storing an argument once is fine: what was decoded is the replica's own.
func (p *pkg) findSharing(n *node) {
	if !marked(n.decl) || len(n.decl.Recv.List[0].Names) == 0 {
		return
	}
	s := &sharer{&walker{p, n}, n.object.(*types.Func).Signature().Recv(), map[*types.Var][]*ast.AssignStmt{}}
	ast.Inspect(n.body, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
			for i, to := range a.Lhs {
				if v, _ := s.root(to); v == s.state && len(s.path(to)) > 1 {
					for _, from := range s.storedBy(a.Rhs[i]) {
						s.store(a, to, from)
					}
				}
			}
		}
		return true
	})
}

// A sharer looks for shared memory in the body of one mutator.
type sharer struct {
	*walker
	state *types.Var
	kept  map[*types.Var][]*ast.AssignStmt // where a variable's value was stored
}

// storedBy returns what an assignment stores: the value, or what append adds.
func (s *sharer) storedBy(from ast.Expr) []ast.Expr {
	if call, ok := ast.Unparen(from).(*ast.CallExpr); ok && s.builtin(call) == "append" && !call.Ellipsis.IsValid() {
		return call.Args[1:]
	}
	return []ast.Expr{from}
}

func (s *sharer) store(a *ast.AssignStmt, to, from ast.Expr) {
	t := s.info().TypeOf(from)
	if t == nil || !isReference(t) || immutable(t) {
		return
	}
	place := ast.Unparen(from)
	v := s.local(place)
	if v != nil && len(s.locals[v]) == 1 {
		if source := s.firstPlace(s.locals[v]); source != nil {
			place = source
		}
	}
	if x, ok := ast.Unparen(place).(*ast.SliceExpr); ok {
		place = x.X
	}
	p := s.path(place)
	switch {
	case p != nil && p.root() == s.state && len(p) > 1:
		if !samePath(p, s.path(to)) && !s.isMoved(s.statement(place), p, place) {
			s.charge(s.n, from.Pos(), Sharing, "makes "+types.ExprString(to)+" share memory with "+types.ExprString(place)+", which a restored process does not", "store a copy")
		}
	case v != nil && v != s.state && !isGlobal(v) && len(s.locals[v]) <= 1:
		s.keep(a, v, to, from)
	}
}

// local returns the variable that an expression is, or nil.
func (s *sharer) local(e ast.Expr) *types.Var {
	id, ok := e.(*ast.Ident)
	if !ok {
		return nil
	}
	v, _ := s.info().ObjectOf(id).(*types.Var)
	return v
}

// keep notes that the value of a variable, which is set once, is stored.
func (s *sharer) keep(a *ast.AssignStmt, v *types.Var, to, from ast.Expr) {
	again := s.repeats(a, v)
	for _, other := range s.kept[v] {
		again = again || !s.exclude(other, a) && !(sameText(other.Lhs[0], to) && sameText(other.Rhs[0], from))
	}
	s.kept[v] = append(s.kept[v], a)
	if again {
		s.charge(s.n, from.Pos(), Sharing, "keeps "+v.Name()+" in more than one place, which a restored process does not share", "store copies")
	}
}

// repeats tells whether a statement runs more often than a variable is declared.
func (s *sharer) repeats(n ast.Node, v *types.Var) bool {
	for at := s.parents[n]; at != nil; at = s.parents[at] {
		switch at.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			return v.Pos() < at.Pos() || v.Pos() > at.End()
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		}
	}
	return false
}

// exclude tells whether a call runs only one of two statements: they are in different branches, or the block of the first
// returns.
func (s *sharer) exclude(a, b ast.Node) bool {
	for n := a; n != nil; n = s.parents[n] {
		up := s.parents[n]
		if up == nil || within(b, n) {
			return false
		}
		if !within(b, up) {
			if block, ok := n.(*ast.BlockStmt); ok && returns(block.List) {
				return true
			}
			continue
		}
		switch up := up.(type) {
		case *ast.IfStmt:
			return n == up.Body && up.Else != nil && within(b, up.Else)
		case *ast.BlockStmt:
			_, clause := n.(*ast.CaseClause)
			return clause
		}
		return false
	}
	return false
}

// returns tells whether statements end with a return.
func returns(list []ast.Stmt) bool {
	if len(list) == 0 {
		return false
	}
	_, ok := list[len(list)-1].(*ast.ReturnStmt)
	return ok
}

// immutable tells whether a type is one whose values nobody writes to.
func immutable(t types.Type) bool {
	ptr, ok := t.Underlying().(*types.Pointer)
	if !ok {
		return false
	}
	named, ok := types.Unalias(ptr.Elem()).(*types.Named)
	return ok && named.Obj().Pkg() != nil && readers[named.Obj().Pkg().Path()+"."+named.Obj().Name()]
}

// isMoved tells whether a place is written, by the same statement or a later one, so that what it held is moved on.
func (w *walker) isMoved(after ast.Node, from path, at ast.Expr) bool {
	moved := false
	w.eachWrite(w.enclosingBody(after), func(e ast.Expr, _ bool) {
		if e.Pos() >= after.Pos() && w.path(e) != nil && w.path(e).touches(from) && !within(at, e) {
			moved = true
		}
	})
	return moved
}

func within(e, in ast.Node) bool { return in.Pos() <= e.Pos() && e.End() <= in.End() }

// enclosingBody returns the body of the function around a node.
func (w *walker) enclosingBody(n ast.Node) ast.Node {
	for at := n; at != nil; at = w.parents[at] {
		switch f := at.(type) {
		case *ast.FuncDecl:
			return f.Body
		case *ast.FuncLit:
			return f.Body
		}
	}
	return n
}

// findSharedResults charges the apply function of a hand-written class with results that share memory with the state:
// its caller would look into the replica while it changes, and could change it. Generated code copies results.
func (p *pkg) findSharedResults(m mutator, typ *ast.FuncType, body *ast.BlockStmt) {
	state := p.secondParam(typ)
	if state == nil {
		return
	}
	w := &walker{p, m.body}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			if len(n.Results) > 0 {
				w.result(state, n, n.Results[0])
			}
		}
		return true
	})
}

func (w *walker) result(state *types.Var, ret *ast.ReturnStmt, e ast.Expr) {
	t := w.info().TypeOf(e)
	if t == nil || !refers(t, 0) {
		return
	}
	from := ast.Unparen(e)
	if id, ok := from.(*ast.Ident); ok {
		// A local variable that was set from a place which is written afterwards holds what was moved out.
		if v, _ := w.info().ObjectOf(id).(*types.Var); v != state {
			if v == nil || len(w.locals[v]) != 1 {
				return
			}
			if from = w.firstPlace(w.locals[v]); from == nil {
				return
			}
		}
	}
	if u, ok := from.(*ast.UnaryExpr); ok && u.Op == token.AND {
		from = u.X
	}
	v, _ := w.root(from)
	if v != state {
		return
	}
	if p := w.path(from); len(p) > 1 && w.isMoved(w.statement(from), p, from) {
		return
	}
	w.charge(w.n, e.Pos(), Result, "returns "+types.ExprString(e)+", which shares memory with the state", "return a copy")
}

// statement returns the statement that an expression is in.
func (w *walker) statement(e ast.Node) ast.Node {
	for at := e; at != nil; at = w.parents[at] {
		if s, ok := at.(ast.Stmt); ok {
			return s
		}
	}
	return e
}

// refers tells whether values of t share memory that somebody may write to with plain copies of them.
func refers(t types.Type, depth int) bool {
	if named, ok := types.Unalias(t).(*types.Named); ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "time" {
		return false
	}
	if depth > 8 {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Slice, *types.Map:
		return true
	case *types.Pointer:
		return !immutable(t)
	case *types.Array:
		return refers(u.Elem(), depth+1)
	case *types.Struct:
		for f := range u.Fields() {
			if refers(f.Type(), depth+1) {
				return true
			}
		}
	}
	return false
}
