package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// hints say, by category, what to do instead; map order, sharing and results have hints of their own.
var hints = map[Category]string{
	Clock:       "use Order.Time of a first parameter dsss.Order",
	Random:      "use Order.Rand of a first parameter dsss.Order",
	Environment: "pass what it tells as an argument",
	IO:          "do it outside of the mutator and pass what it gives as an argument",
	Goroutine:   "compute it here, one after another, or before the call",
	Channel:     "return a result, and let others Await a change of the object",
	Sync:        "a mutator runs alone; nothing waits for it, and it may wait for nothing",
	MapOrder:    "collect the keys, sort them and range over those",
	Global:      "keep it in the object, or make it constant",
	Address:     "use a number or name of your own",
	Finalizer:   "release it where it is replaced",
	Unknown:     "say //dsss:allow with the reason why it is deterministic",
}

// walk charges a node with what its body, initial value or stored values mention.
func (p *pkg) walk(n *node) {
	if n.body != nil {
		w := &walker{p, n}
		ast.Inspect(n.body, w.visit)
	}
	for _, e := range n.inits {
		w := &walker{p, n}
		w.convert(e, n.object.Type())
		ast.Inspect(e, w.visit)
	}
	if v, ok := n.object.(*types.Var); ok && !v.IsField() {
		for _, fn := range p.hidden[v] {
			p.connect(n, n.object.Pos(), p.byObject[fn])
		}
	}
	if n.decl != nil && n.body != nil {
		p.findSharing(n)
	}
}

// A walker visits one node's body. Literals inside are nodes of their own.
type walker struct {
	*pkg
	n *node
}

func (w *walker) info() *types.Info { return w.pass.TypesInfo }

func (w *walker) report(pos token.Pos, c Category, what string) {
	w.charge(w.n, pos, c, what, hints[c])
}

func (w *walker) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncLit:
		w.connect(w.n, n.Pos(), w.literal(n))
		return false
	case *ast.GoStmt:
		w.report(n.Pos(), Goroutine, "starts a goroutine")
	case *ast.SendStmt:
		if !w.inSelect(n) {
			w.report(n.Pos(), Channel, "sends to a channel")
		}
	case *ast.SelectStmt:
		w.report(n.Pos(), Channel, "selects among channels")
	case *ast.UnaryExpr:
		if n.Op == token.ARROW && !w.inSelect(n) {
			w.report(n.Pos(), Channel, "receives from a channel")
		}
	case *ast.RangeStmt:
		w.visitRange(n)
	case *ast.CallExpr:
		w.visitCall(n)
	case *ast.Ident:
		w.visitIdent(n)
	}
	w.conversions(n)
	return true
}

// literal returns the node of a function literal; it is walked when it is made.
func (w *walker) literal(lit *ast.FuncLit) *node {
	if n := w.byLit[lit]; n != nil {
		return n
	}
	n := &node{at: w.place(lit.Pos()), body: lit.Body}
	w.byLit[lit] = n
	w.nodes = append(w.nodes, n)
	in := &walker{w.pkg, n}
	ast.Inspect(lit.Body, in.visit)
	return n
}

// inSelect tells whether a send or receive is a case of a select statement, which is reported as a whole.
func (w *walker) inSelect(n ast.Node) bool {
	for at := w.parents[n]; at != nil; n, at = at, w.parents[at] {
		switch at := at.(type) {
		case *ast.CommClause:
			return at.Comm == n
		case *ast.ExprStmt, *ast.AssignStmt, *ast.ParenExpr:
		default:
			return false
		}
	}
	return false
}

func (w *walker) visitRange(n *ast.RangeStmt) {
	switch core(w.info().TypeOf(n.X)).(type) {
	case *types.Chan:
		w.report(n.Pos(), Channel, "ranges over a channel")
	case *types.Map:
		w.checkMapRange(n, n.Key, n.Value)
	case *types.Signature:
		// A method that is an iterator itself; one that returns an iterator is seen as a call.
		if fn := w.function(n.X); fn != nil && w.iteratesMap(fn) {
			w.checkMapRange(n, n.Key, n.Value)
		}
	}
}

// core returns the type that all types of a type parameter's constraint have underneath, as far as map, channel and
// function are concerned; for other types, the underlying one.
func core(t types.Type) types.Type {
	if t == nil {
		return nil
	}
	param, ok := types.Unalias(t).(*types.TypeParam)
	if !ok {
		return t.Underlying()
	}
	iface, ok := param.Constraint().Underlying().(*types.Interface)
	if !ok {
		return nil
	}
	for e := range iface.EmbeddedTypes() {
		switch e := types.Unalias(e).(type) {
		case *types.Union:
			for term := range e.Terms() {
				switch under := term.Type().Underlying().(type) {
				case *types.Map, *types.Chan:
					return under
				}
			}
		default:
			switch under := e.Underlying().(type) {
			case *types.Map, *types.Chan:
				return under
			}
		}
	}
	return iface
}

func (w *walker) visitCall(call *ast.CallExpr) {
	switch w.builtin(call) {
	case "close":
		w.report(call.Pos(), Channel, "closes a channel")
	case "print", "println":
		w.report(call.Pos(), IO, "prints to standard error")
	}
	if fn := typeutil.StaticCallee(w.info(), call); fn != nil && fn.Pkg() != nil {
		w.checkPrinted(call, fn)
		w.checkZone(call, fn)
		w.checkMapIterator(call, fn)
		w.checkMapPredicate(call, fn)
	}
}

// visitIdent charges the node with the function or variable that is mentioned.
func (w *walker) visitIdent(id *ast.Ident) {
	pos := id.Pos()
	if sel, ok := w.parents[id].(*ast.SelectorExpr); ok && sel.Sel == id {
		if x, ok := sel.X.(*ast.Ident); ok {
			pos = x.Pos()
		}
	}
	switch obj := w.info().Uses[id].(type) {
	case *types.Func:
		w.visitFunc(pos, obj.Origin())
		w.visitInstance(pos, id)
	case *types.Var:
		switch {
		case obj.IsField():
			w.visitField(pos, id, obj.Origin())
		case isGlobal(obj):
			w.visitGlobal(pos, id, obj)
		}
	case *types.TypeName:
		if obj.Pkg() == types.Unsafe {
			w.report(pos, Address, "uses unsafe."+obj.Name())
		}
		w.visitInstance(pos, id)
	case *types.Builtin:
		if _, qualified := w.parents[id].(*ast.SelectorExpr); qualified && !slices.Contains([]string{"Sizeof", "Alignof", "Offsetof"}, obj.Name()) {
			w.report(pos, Address, "uses unsafe."+obj.Name())
		}
	}
}

func (w *walker) visitFunc(pos token.Pos, fn *types.Func) {
	switch {
	case fn.Pkg() == nil: // error.Error
	case types.IsInterface(recvType(fn)): // charged to who made the value
		w.visitTrusted(pos, fn)
	case fn.Pkg() == w.pass.Pkg:
		if strings.HasPrefix(fn.Name(), "_Cfunc_") {
			w.report(pos, IO, "calls C's "+strings.TrimPrefix(fn.Name(), "_Cfunc_"))
			return
		}
		w.connect(w.n, pos, w.byObject[fn])
	case trusted(fn.Pkg().Path()):
		w.visitTrusted(pos, fn)
	default:
		step := Step{fn.Pkg().Path(), shortName(fn), w.placeOf(fn)}
		s := w.summary(fn)
		for _, r := range s.Reasons {
			r.Through = append([]Step{step}, r.Through...)
			w.chargeReason(w.n, pos, r)
		}
		for _, name := range s.Reads {
			w.n.readsNamed(name)
		}
	}
}

func recvType(fn *types.Func) types.Type {
	if recv := fn.Signature().Recv(); recv != nil {
		return recv.Type()
	}
	return types.Typ[types.Invalid]
}

// placeOf returns where a function of another package is declared.
func (p *pkg) placeOf(obj types.Object) Place {
	at := p.place(obj.Pos())
	at.Package = obj.Pkg().Path()
	return at
}

// visitTrusted charges the node with what the table says of a function.
func (w *walker) visitTrusted(pos token.Pos, fn *types.Func) {
	if !trusted(fn.Pkg().Path()) {
		return
	}
	switch c := verdict(fn); {
	case c == "":
	case fn.Pkg().Path() == dsssPath || strings.HasPrefix(fn.Pkg().Path(), dsssPath+"/"):
		w.charge(w.n, pos, c, "calls "+qualified(fn), "a mutator may not use the job that it is part of; do it outside")
	default:
		w.report(pos, c, "calls "+qualified(fn))
	}
}

// qualified returns "time.Now" or "(*sync.Mutex).Lock".
func qualified(fn *types.Func) string {
	name := shortName(fn)
	if rest, ok := strings.CutPrefix(name, "(*"); ok {
		return "(*" + fn.Pkg().Name() + "." + rest
	}
	return fn.Pkg().Name() + "." + name
}

// visitInstance charges the node with the methods that a type argument's constraint has: the generic function calls
// them.
func (w *walker) visitInstance(pos token.Pos, id *ast.Ident) {
	inst, ok := w.info().Instances[id]
	if !ok {
		return
	}
	var params *types.TypeParamList
	switch obj := w.info().Uses[id].(type) {
	case *types.Func:
		params = obj.Signature().TypeParams()
		if o := obj.Origin().Signature().TypeParams(); o != nil {
			params = o
		}
	case *types.TypeName:
		if named, ok := types.Unalias(obj.Type()).(*types.Named); ok {
			params = named.Origin().TypeParams()
		}
	}
	for i := range inst.TypeArgs.Len() {
		if params == nil || i >= params.Len() {
			return
		}
		if iface, ok := params.At(i).Constraint().Underlying().(*types.Interface); ok {
			w.chargeMethods(pos, inst.TypeArgs.At(i), iface)
		}
	}
}

// chargeMethods charges the node with calling the interface's methods on a concrete type.
func (w *walker) chargeMethods(pos token.Pos, t types.Type, iface *types.Interface) {
	if types.IsInterface(t) {
		return
	}
	for m := range iface.Methods() {
		obj, _, _ := types.LookupFieldOrMethod(t, true, m.Pkg(), m.Name())
		if fn, ok := obj.(*types.Func); ok && !types.IsInterface(recvType(fn)) {
			w.visitFunc(pos, fn.Origin())
		}
	}
}

// visitGlobal charges the node with a package-level variable.
func (w *walker) visitGlobal(pos token.Pos, id *ast.Ident, v *types.Var) {
	name := v.Name()
	if v.Pkg() != w.pass.Pkg {
		name = v.Pkg().Name() + "." + name
	}
	if trusted(v.Pkg().Path()) {
		if c := verdict(v); c != "" {
			w.report(pos, c, "uses "+name)
			return
		}
	}
	if w.writing[id] {
		w.report(pos, Global, "writes the global variable "+name)
		return
	}
	if trusted(v.Pkg().Path()) {
		return
	}
	w.n.reads(v)
	if v.Pkg() == w.pass.Pkg {
		if at, ok := w.written[v]; ok {
			w.report(pos, Global, "reads the global variable "+name+", which is written at "+w.place(at).from(w.pass.Pkg))
			return
		}
		w.connect(w.n, pos, w.byObject[v])
		return
	}
	var fact Variable
	w.pass.ImportObjectFact(v, &fact)
	if fact.Written != nil {
		w.report(pos, Global, "reads the global variable "+name+", which is written at "+fact.Written.from(w.pass.Pkg))
		return
	}
	for _, r := range fact.Reasons {
		r.Through = append([]Step{{v.Pkg().Path(), v.Name(), w.placeOf(v)}}, r.Through...)
		w.chargeReason(w.n, pos, r)
	}
}
