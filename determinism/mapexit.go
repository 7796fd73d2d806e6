package determinism

import (
	"go/ast"
	"go/types"
	"strings"
)

// checkExits finds loops that leave something behind when they end early that depends on where they do.
func (l *mapLoop) checkExits() {
	if len(l.exits) == 0 {
		return
	}
	first := l.exits[0]
	for _, x := range l.exits {
		if x.what != first.what {
			l.fail(x.stmt.Pos(), "", "ends early in several ways, the first of which depends on its order")
		}
		for _, e := range x.results {
			if !l.isInvariant(e) {
				l.fail(x.stmt.Pos(), "", "ends at the first that fits, which depends on its order")
			}
			for _, w := range l.writes {
				if w.path != nil && l.mentions(e, w.path, nil) != nil {
					l.fail(x.stmt.Pos(), "", "ends early with %s as far as it has come", types.ExprString(w.place))
				}
			}
		}
	}
	for _, w := range l.writes {
		if !l.beforeExit(w) && !l.dropped(w) {
			l.fail(w.stmt.Pos(), "", "ends early, after it changed %s for some of the entries", types.ExprString(w.place))
		}
	}
	l.checkExitBlocks()
}

// beforeExit tells whether a write sets a fixed value in the block that an exit ends.
func (l *mapLoop) beforeExit(w write) bool {
	block, ok := l.parents[w.stmt].(*ast.BlockStmt)
	if !ok || !strings.HasPrefix(w.way, setTo) {
		return false
	}
	for _, x := range l.exits {
		if block.List[len(block.List)-1] == x.stmt {
			return true
		}
	}
	return false
}

// dropped tells whether a write is to a local variable of a function that every exit returns from.
func (l *mapLoop) dropped(w write) bool {
	for _, x := range l.exits {
		if _, ok := x.stmt.(*ast.BranchStmt); ok {
			return false
		}
	}
	if len(w.path) != 1 {
		return false
	}
	for at := l.at; at != nil; at = l.parents[at] {
		switch at.(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			return l.dies(w.path, at)
		}
	}
	return false
}

// checkExitBlocks finds exits that are equal themselves but set different things first.
func (l *mapLoop) checkExitBlocks() {
	text := func(x exit) (all string) {
		for _, w := range l.writes {
			if l.parents[w.stmt] == l.parents[x.stmt] {
				all += types.ExprString(w.place) + " " + w.way + ";"
			}
		}
		return all
	}
	for _, x := range l.exits[1:] {
		if text(x) != text(l.exits[0]) {
			l.fail(x.stmt.Pos(), "", "ends early in several ways, the first of which depends on its order")
		}
	}
}
