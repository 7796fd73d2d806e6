package determinism

import (
	"go/ast"
	"go/types"
	"strings"
)

// zoneless are the methods of time.Time that do not tell in which time zone it is.
var zoneless = map[string]bool{
	"UTC": true, "In": true, "Unix": true, "UnixMilli": true, "UnixMicro": true, "UnixNano": true, "Sub": true,
	"Before": true, "After": true, "Equal": true, "Compare": true, "IsZero": true,
}

// checkZone charges a call of time.Unix and its like whose result keeps the time zone of the machine.
func (w *walker) checkZone(call *ast.CallExpr, fn *types.Func) {
	if fn.Pkg().Path() != "time" || fn.Signature().Recv() != nil || !strings.HasPrefix(fn.Name(), "Unix") {
		return
	}
	var at ast.Node = call
	for {
		parent := w.parents[at]
		if _, ok := parent.(*ast.ParenExpr); !ok {
			if sel, ok := parent.(*ast.SelectorExpr); ok && zoneless[sel.Sel.Name] {
				return
			}
			break
		}
		at = parent
	}
	w.charge(w.n, call.Fun.Pos(), Environment, "takes the machine's time zone by time."+fn.Name(), "add .UTC()")
}
