package determinism

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

// checkMapRange charges a range over a map, or over an iterator of one, whose order can be seen afterwards.
func (w *walker) checkMapRange(loop *ast.RangeStmt, key, value ast.Expr) {
	w.checkLoop(&mapLoop{loop: loop, at: loop}, key, value, "ranges over a map and ")
}

func (w *walker) checkLoop(l *mapLoop, key, value ast.Expr, what string) {
	l.walker, l.inside, l.counters = w, map[*types.Var]bool{}, map[ast.Expr]bool{}
	if why, hint := l.check(key, value); why != "" {
		if hint == "" {
			hint = hints[MapOrder]
		}
		w.charge(w.n, l.loop.Pos(), MapOrder, what+why, hint)
	}
}

// checkMapPredicate charges a call of maps.DeleteFunc whose function decides by more than the entry that it is given.
func (w *walker) checkMapPredicate(call *ast.CallExpr, fn *types.Func) {
	if fn.Pkg().Path() != "maps" || fn.Name() != "DeleteFunc" || len(call.Args) != 2 {
		return
	}
	lit, ok := ast.Unparen(call.Args[1]).(*ast.FuncLit)
	if !ok {
		return
	}
	var names []ast.Expr
	for _, f := range lit.Type.Params.List {
		for _, name := range f.Names {
			names = append(names, name)
		}
	}
	names = append(names, nil, nil) // they may have none
	loop := &ast.RangeStmt{For: call.Pos(), Key: names[0], Value: names[1], Tok: token.DEFINE, X: call.Args[0], Body: lit.Body}
	l := &mapLoop{loop: loop, at: w.statement(call), predicate: true, shrinks: true}
	w.checkLoop(l, names[0], names[1], "deletes from a map by a function that ")
}

// checkMapIterator charges a use of maps.Keys, Values or All that keeps their order.
func (w *walker) checkMapIterator(call *ast.CallExpr, fn *types.Func) {
	name := fn.Name()
	switch path := fn.Pkg().Path(); {
	case w.iteratesMap(fn):
	case name != "Keys" && name != "Values" && name != "All":
		return
	case path == "maps":
		name = "maps." + name
	case path == "golang.org/x/exp/maps":
		if !w.sortedLater(call) {
			w.report(call.Pos(), MapOrder, "keeps the order of maps."+name)
		}
		return
	default:
		return
	}
	switch parent := w.parents[call].(type) {
	case *ast.RangeStmt:
		if parent.X != call {
			break
		}
		switch name {
		case "maps.Values":
			w.checkMapRange(parent, nil, parent.Key)
		default:
			w.checkMapRange(parent, parent.Key, parent.Value)
		}
		return
	case *ast.CallExpr:
		to := typeutil.StaticCallee(w.info(), parent)
		if to == nil || to.Pkg() == nil {
			break
		}
		switch to.Pkg().Path() + "." + to.Name() {
		case "slices.Sorted", "slices.SortedFunc", "slices.SortedStableFunc", "maps.Collect":
			return
		case "maps.Insert":
			if name == "maps.All" {
				return
			}
		case "slices.Collect", "slices.AppendSeq":
			if w.sortedLater(parent) {
				return
			}
		}
	}
	w.report(call.Pos(), MapOrder, "keeps the order of "+name)
}

// sortedLater tells whether a call's result is assigned to a variable that is sorted before any other use.
func (w *walker) sortedLater(call *ast.CallExpr) bool {
	assign, ok := w.parents[call].(*ast.AssignStmt)
	return ok && len(assign.Lhs) == 1 && w.sortedAfter(assign, w.path(assign.Lhs[0]))
}

// sorters are the functions that put a slice, their first argument, in order.
var sorters = map[string]bool{
	"slices.Sort": true, "slices.SortFunc": true, "slices.SortStableFunc": true, "sort.Strings": true, "sort.Ints": true,
	"sort.Float64s": true, "sort.Slice": true, "sort.SliceStable": true, "sort.Sort": true, "sort.Stable": true,
}

// sortedAfter tells whether what is collected in a place by a statement is sorted before anything else looks at it. len
// may look. Loops around the statement may not look either.
func (w *walker) sortedAfter(stmt ast.Node, to path) bool {
	if to == nil {
		return false
	}
	for at := stmt; ; {
		parent := w.parents[at]
		var list []ast.Stmt
		switch b := parent.(type) {
		case *ast.BlockStmt:
			list = b.List
		case *ast.CaseClause:
			list = b.Body
		case *ast.ForStmt, *ast.RangeStmt:
			if !w.declaredWithin(to, parent) && w.mentions(parent, to, stmt) != nil {
				return false
			}
		case *ast.FuncDecl, *ast.FuncLit, nil:
			return w.dies(to, parent)
		}
		for i, s := range list {
			if s != at {
				continue
			}
			for _, next := range list[i+1:] {
				if m := w.mentions(next, to, nil); m != nil {
					return w.isSorting(next, to)
				}
			}
		}
		at = parent
	}
}

// isSorting tells whether a statement is a call that sorts a place.
func (w *walker) isSorting(s ast.Stmt, to path) bool {
	e, ok := s.(*ast.ExprStmt)
	if !ok {
		return false
	}
	call, ok := e.X.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	fn := typeutil.StaticCallee(w.info(), call)
	if fn == nil || fn.Pkg() == nil || !sorters[fn.Pkg().Path()+"."+fn.Name()] {
		return false
	}
	arg := ast.Unparen(call.Args[0])
	for {
		inner, ok := arg.(*ast.CallExpr) // sort.StringSlice(keys), sort.Reverse(...)
		if !ok || len(inner.Args) != 1 {
			return samePath(w.path(arg), to)
		}
		arg = ast.Unparen(inner.Args[0])
	}
}

// dies tells whether a place ends with the function: a local variable that is not a result.
func (w *walker) dies(to path, f ast.Node) bool {
	if len(to) != 1 || f == nil || !w.declaredWithin(to, f) {
		return false
	}
	var t *ast.FuncType
	switch f := f.(type) {
	case *ast.FuncDecl:
		t = f.Type
	case *ast.FuncLit:
		t = f.Type
	}
	return t == nil || t.Results == nil || to.root().Pos() < t.Results.Pos() || to.root().Pos() > t.Results.End()
}

func (w *walker) declaredWithin(to path, n ast.Node) bool {
	return n.Pos() <= to.root().Pos() && to.root().Pos() < n.End()
}

// mentions returns the first expression in n, outside of except, that looks at a place: at all or part of it, or at what
// holds it.
func (w *walker) mentions(n ast.Node, to path, except ast.Node) (found ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil || found != nil || n == except {
			return false
		}
		if call, ok := n.(*ast.CallExpr); ok && w.builtin(call) == "len" && samePath(w.path(call.Args[0]), to) {
			return false
		}
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		p := w.path(e)
		if p == nil {
			return true
		}
		if p.touches(to) {
			found = e
			return false
		}
		// The chain itself is another place, but its indices are expressions of their own.
		w.eachIndex(e, func(x ast.Expr) {
			if found == nil {
				found = w.mentions(x, to, except)
			}
		})
		return false
	})
	return found
}

// A path is a place as a variable and the way from it: names of fields, and "[]" for elements.
type path []any

func (p path) root() *types.Var { return p[0].(*types.Var) }

// path returns the place that e is, or nil when it is none.
func (w *walker) path(e ast.Expr) path {
	switch x := ast.Unparen(e).(type) {
	case *ast.Ident:
		if v, ok := w.info().ObjectOf(x).(*types.Var); ok && !v.IsField() {
			return path{v}
		}
	case *ast.SelectorExpr:
		v, ok := w.info().Uses[x.Sel].(*types.Var)
		if ok && !v.IsField() {
			return path{v}
		}
		if to := w.path(x.X); ok && to != nil {
			return append(to, x.Sel.Name)
		}
	case *ast.IndexExpr:
		if to := w.path(x.X); to != nil {
			return append(to, "[]")
		}
	case *ast.StarExpr:
		return w.path(x.X)
	}
	return nil
}

// eachIndex calls f for the index expressions in a chain.
func (w *walker) eachIndex(e ast.Expr, f func(ast.Expr)) {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			f(x.Index)
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return
		}
	}
}

// touches tells whether one place is the other or holds it.
func (p path) touches(q path) bool {
	n := min(len(p), len(q))
	return samePath(p[:n], q[:n])
}

func samePath(p, q path) bool {
	if len(p) != len(q) || len(p) == 0 {
		return false
	}
	for i := range p {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}

// isConstant tells whether e has the same value wherever it stands.
func (w *walker) isConstant(e ast.Expr) bool {
	tv := w.info().Types[e]
	return tv.Value != nil || tv.IsNil()
}
