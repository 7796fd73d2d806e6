package gen

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// combines says how calls of a mutator in a row could be merged into one that does the same: when it has no result and
// does nothing but add to, or take the maximum or minimum with, parts of its receiver by arguments. It is a suggestion,
// found in the syntax; empty when there is none.
func (m *modeller) combines(x method, mu *Mutator) string {
	recv := m.receiver(x)
	if recv == nil || x.decl.Body == nil || mu.Result != nil || mu.Error || mu.Order || len(x.decl.Body.List) == 0 {
		return ""
	}
	var how []string
	done := map[string]string{} // what is done to each part: two things to one do not commute
	for _, s := range x.decl.Body.List {
		word, to, index := m.combining(s, recv)
		if word == "" || done[to] != "" && done[to] != word {
			return ""
		}
		done[to] = word
		if index != "" {
			word += " for equal " + index
		}
		if !slices.Contains(how, word) {
			how = append(how, word)
		}
	}
	return strings.Join(how, " and ")
}

// combining says what a statement does with the receiver, if it is one that combines, to which part, and by which index.
func (m *modeller) combining(s ast.Stmt, recv types.Object) (word, part, index string) {
	var to, by ast.Expr
	switch s := s.(type) {
	case *ast.IncDecStmt:
		to, word = s.X, "their number"
	case *ast.AssignStmt:
		if len(s.Lhs) != 1 {
			return "", "", ""
		}
		to, by = s.Lhs[0], s.Rhs[0]
		word = map[token.Token]string{token.ADD_ASSIGN: "the sum", token.SUB_ASSIGN: "the sum", token.OR_ASSIGN: "the union of bits", token.AND_ASSIGN: "the intersection of bits"}[s.Tok]
		if s.Tok == token.ADD_ASSIGN && isString(m.src.info.TypeOf(to)) {
			return "", "", ""
		}
		if call, ok := by.(*ast.CallExpr); ok && s.Tok == token.ASSIGN {
			word, by = m.extreme(call, to)
		}
	default:
		return "", "", ""
	}
	if word == "" || by != nil && m.mentions(by, recv) || !m.reaches(to, recv) {
		return "", "", ""
	}
	for e := to; ; {
		switch x := e.(type) {
		case *ast.IndexExpr:
			if m.mentions(x.Index, recv) {
				return "", "", ""
			}
			index, e = types.ExprString(x.Index), x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.Ident:
			return word, types.ExprString(to), index
		default:
			return "", "", ""
		}
	}
}

// extreme recognises max(to, by) and min(to, by), in either order.
func (m *modeller) extreme(call *ast.CallExpr, to ast.Expr) (word string, by ast.Expr) {
	fn, ok := call.Fun.(*ast.Ident)
	if !ok || len(call.Args) != 2 {
		return "", nil
	}
	if b, ok := m.src.info.Uses[fn].(*types.Builtin); !ok || b.Name() != "max" && b.Name() != "min" {
		return "", nil
	}
	word = map[string]string{"max": "the maximum", "min": "the minimum"}[fn.Name]
	switch types.ExprString(to) {
	case types.ExprString(call.Args[0]):
		return word, call.Args[1]
	case types.ExprString(call.Args[1]):
		return word, call.Args[0]
	}
	return "", nil
}

// mentions tells whether the receiver, or a call that could do anything, is in e.
func (m *modeller) mentions(e ast.Expr, recv types.Object) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			found = found || m.src.info.Uses[n] == recv
		case *ast.CallExpr:
			found = found || !m.src.info.Types[n.Fun].IsType()
		}
		return !found
	})
	return found
}

func isString(t types.Type) bool {
	if t == nil {
		return false // of an expression that is wrong
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsString != 0
}
