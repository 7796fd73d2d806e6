package gen

import (
	"go/ast"
	"go/token"
	"go/types"
)

// A change is where a method writes to its receiver.
type change struct {
	pos  token.Pos
	what string // the expression that is written, or the method that writes
}

// changingMethods returns the methods that plainly change their receiver: by assignment, ++ or --, delete, clear or
// copy on something reached through it, or by calling another that does. It is a check of syntax and finds what
// people forget, not what they hide behind a local variable.
func (m *modeller) changingMethods(methods []method) map[*types.Func]*change {
	changing := map[*types.Func]*change{}
	for _, x := range methods {
		if c := m.directChange(x); c != nil {
			changing[x.fn] = c
		}
	}
	for again := true; again; {
		again = false
		for _, x := range methods {
			if changing[x.fn] != nil {
				continue
			}
			if c := m.changeByCall(x, changing); c != nil {
				changing[x.fn] = c
				again = true
			}
		}
	}
	return changing
}

// receiver returns the variable that the method calls its receiver, or nil when it does not name it.
func (m *modeller) receiver(x method) types.Object {
	list := x.decl.Recv.List
	if len(list) == 0 || len(list[0].Names) == 0 {
		return nil
	}
	return m.src.info.Defs[list[0].Names[0]]
}

func (m *modeller) directChange(x method) (found *change) {
	recv := m.receiver(x)
	if recv == nil || x.decl.Body == nil {
		return nil
	}
	write := func(e, to ast.Expr) {
		if found == nil && m.reaches(to, recv) {
			found = &change{e.Pos(), types.ExprString(e)}
		}
	}
	written := func(e ast.Expr) { write(e, e) }
	ast.Inspect(x.decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					written(e)
				}
			}
		case *ast.IncDecStmt:
			written(n.X)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				written(n.Key)
				written(n.Value)
			}
		case *ast.CallExpr:
			fn, ok := ast.Unparen(n.Fun).(*ast.Ident)
			if !ok || len(n.Args) == 0 {
				break
			}
			if b, ok := m.src.info.Uses[fn].(*types.Builtin); ok {
				switch b.Name() {
				case "delete", "clear", "copy":
					// What is written are the elements.
					write(n.Args[0], &ast.IndexExpr{X: n.Args[0]})
				}
			}
		}
		return found == nil
	})
	return found
}

func (m *modeller) changeByCall(x method, changing map[*types.Func]*change) (found *change) {
	recv := m.receiver(x)
	if recv == nil || x.decl.Body == nil {
		return nil
	}
	ast.Inspect(x.decl.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return found == nil
		}
		sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
		if !ok {
			return true
		}
		base, ok := ast.Unparen(sel.X).(*ast.Ident)
		if fn, isFunc := m.src.info.Uses[sel.Sel].(*types.Func); ok && isFunc && m.src.info.Uses[base] == recv && changing[fn] != nil {
			found = &change{call.Pos(), "state through " + fn.Name()}
		}
		return found == nil
	})
	return found
}

// reaches tells whether writing to e writes to what the receiver's caller sees. Through a pointer receiver every
// field is; through a value receiver only the elements of its slices and maps and what its pointers point to.
func (m *modeller) reaches(e ast.Expr, recv types.Object) bool {
	_, shared := recv.Type().Underlying().(*types.Pointer)
	for depth := 0; ; depth++ {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.SelectorExpr:
			shared = shared || m.isReference(x.X)
			e = x.X
		case *ast.IndexExpr:
			shared = shared || m.isReference(x.X)
			e = x.X
		case *ast.SliceExpr:
			shared = shared || m.isReference(x.X)
			e = x.X
		case *ast.StarExpr:
			shared = true
			e = x.X
		case *ast.Ident:
			return depth > 0 && shared && m.src.info.Uses[x] == recv
		default:
			return false
		}
	}
}

// isReference tells whether e's elements or fields live outside of it.
func (m *modeller) isReference(e ast.Expr) bool {
	t := m.src.info.TypeOf(e)
	if t == nil {
		return false
	}
	switch t.Underlying().(type) {
	case *types.Slice, *types.Map, *types.Pointer:
		return true
	}
	return false
}
