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
// Reported are a parameter of a slice, map or pointer type that is stored in more than one place, or in a loop that the
// parameter is no part of, and a field that is stored in another place as it is, unless it is set anew afterwards (a
// move, a swap). Storing an argument once is fine: what was decoded is the replica's own.
func (p *pkg) findSharing(n *node) {
	if !marked(n.decl) || len(n.decl.Recv.List[0].Names) == 0 {
		return
	}
	fn := n.object.(*types.Func)
	w := &walker{p, n}
	w.sharing(fn.Signature().Recv(), fn.Signature().Params(), n.decl.Body)
}

// sharing looks at the body of a mutator of state.
func (w *walker) sharing(state *types.Var, params *types.Tuple, body *ast.BlockStmt) {
	kept := map[*types.Var]int{}
	ast.Inspect(body, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != len(a.Rhs) {
			return true
		}
		for i, to := range a.Lhs {
			if v, _ := w.root(to); v != state || w.path(to) == nil || len(w.path(to)) < 2 {
				continue
			}
			for _, from := range w.storedBy(to, a.Rhs[i]) {
				w.store(state, params, kept, a, to, from)
			}
		}
		return true
	})
}

// storedBy returns what an assignment stores: the value, or what append adds.
func (w *walker) storedBy(to, from ast.Expr) []ast.Expr {
	if call, ok := ast.Unparen(from).(*ast.CallExpr); ok && w.builtin(call) == "append" && !call.Ellipsis.IsValid() {
		return call.Args[1:]
	}
	return []ast.Expr{from}
}

func (w *walker) store(state *types.Var, params *types.Tuple, kept map[*types.Var]int, a *ast.AssignStmt, to, from ast.Expr) {
	t := w.info().TypeOf(from)
	if t == nil || !isReference(t) || immutable(t) {
		return
	}
	p := w.path(from)
	switch {
	case p == nil:
	case p.root() == state && len(p) > 1 && !w.isMoved(a, p, from) && !samePath(p, w.path(to)):
		w.charge(w.n, from.Pos(), Sharing, "makes "+types.ExprString(to)+" share memory with "+types.ExprString(from)+", which a restored process does not", "store a copy")
	case len(p) == 1 && isParam(params, p.root()):
		kept[p.root()]++
		if kept[p.root()] == 2 || kept[p.root()] < 2 && w.inLoop(a) {
			w.charge(w.n, from.Pos(), Sharing, "keeps its argument "+p.root().Name()+" in more than one place, which a restored process does not share", "store copies")
		}
	}
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

func isParam(params *types.Tuple, v *types.Var) bool {
	for p := range params.Variables() {
		if p == v {
			return true
		}
	}
	return false
}

// isMoved tells whether a place is written, by the same statement or a later one, so that what it held is moved on.
func (w *walker) isMoved(after ast.Node, from path, at ast.Expr) bool {
	moved := false
	f := w.enclosingBody(after)
	w.eachWrite(f, func(e ast.Expr, _ bool) {
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

// inLoop tells whether a statement runs more than once.
func (w *walker) inLoop(n ast.Node) bool {
	for at := w.parents[n]; at != nil; at = w.parents[at] {
		switch at.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			return true
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		}
	}
	return false
}

// findSharedResults charges the apply function of a hand-written class with results that share memory with the state:
// its caller would look into the replica while it changes, and could change it. Generated code copies results.
func (p *pkg) findSharedResults(m mutator, typ *ast.FuncType, body *ast.BlockStmt) {
	params := typ.Params.List
	var state *types.Var
	count := 0
	for _, f := range params {
		for _, name := range f.Names {
			if count++; count == 2 {
				state, _ = p.pass.TypesInfo.Defs[name].(*types.Var)
			}
		}
	}
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
		v, _ := w.info().ObjectOf(id).(*types.Var)
		place := w.firstPlace(w.locals[v])
		if v == nil || v == state || place == nil || len(w.locals[v]) != 1 {
			if v != state {
				return
			}
		} else {
			from = place
		}
	}
	if u, ok := from.(*ast.UnaryExpr); ok && u.Op == token.AND {
		from = u.X
	}
	v, _ := w.root(from)
	if v != state {
		return
	}
	if p := w.path(from); p != nil && len(p) > 1 && w.isMoved(w.firstStatement(from), p, from) {
		return
	}
	w.charge(w.n, e.Pos(), Result, "returns "+types.ExprString(e)+", which shares memory with the state", "return a copy")
}

// firstStatement returns the statement that a place is read in.
func (w *walker) firstStatement(e ast.Node) ast.Node {
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
