package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// findTypes collects the types among which the implementers of an interface are looked for: all of the package, and
// the exported ones of packages that it imports, directly or not, and that are not trusted.
func (p *pkg) findTypes() {
	seen := map[*types.Package]bool{}
	var add func(pkg *types.Package)
	add = func(pkg *types.Package) {
		if seen[pkg] || trusted(pkg.Path()) {
			return
		}
		seen[pkg] = true
		for _, name := range pkg.Scope().Names() {
			obj, ok := pkg.Scope().Lookup(name).(*types.TypeName)
			if !ok || obj.IsAlias() || types.IsInterface(obj.Type()) {
				continue
			}
			if named, ok := obj.Type().(*types.Named); ok && named.TypeParams() == nil && (obj.Exported() || pkg == p.pass.Pkg) {
				p.types = append(p.types, named)
			}
		}
		for _, imp := range pkg.Imports() {
			add(imp)
		}
	}
	add(p.pass.Pkg)
}

// interfaceNode returns the node that is charged with what calls through an interface may run, as far as can be seen from
// here.
func (p *pkg) interfaceNode(t types.Type) *node {
	if n, ok := p.interfaces[t]; ok {
		return n
	}
	n := &node{name: "interface " + types.TypeString(t, p.qualifier)}
	pos := p.files[0].Package
	if named, ok := types.Unalias(t).(*types.Named); ok {
		pos = named.Obj().Pos()
		n.at = p.placeOf(named.Obj())
	} else {
		n.at = p.place(pos)
	}
	p.interfaces[t] = n
	p.nodes = append(p.nodes, n)
	w := &walker{p, n}
	for _, fn := range p.implementers(t.Underlying().(*types.Interface)) {
		w.visitFunc(pos, fn)
	}
	return n
}

// qualifier names packages as the source does.
func (p *pkg) qualifier(of *types.Package) string {
	if of == p.pass.Pkg {
		return ""
	}
	return of.Name()
}

func (p *pkg) implementers(iface *types.Interface) []*types.Func {
	var found []*types.Func
	for _, t := range p.types {
		ptr := types.NewPointer(t)
		if !types.Implements(t, iface) && !types.Implements(ptr, iface) {
			continue
		}
		for m := range iface.Methods() {
			obj, _, _ := types.LookupFieldOrMethod(ptr, false, m.Pkg(), m.Name())
			if fn, ok := obj.(*types.Func); ok && !types.IsInterface(recvType(fn)) {
				found = append(found, fn.Origin())
			}
		}
	}
	return found
}

// visitField charges the node with what a field that it reads may call.
func (w *walker) visitField(pos token.Pos, id *ast.Ident, v *types.Var) {
	if w.isStoredTo(id) {
		return
	}
	if n := w.byObject[v]; n != nil {
		w.connect(w.n, pos, n)
	}
	if t := callable(v.Type(), 0); t != nil {
		w.connect(w.n, pos, w.interfaceNode(t))
	}
}

// isStoredTo tells whether a field is mentioned only to be set.
func (w *walker) isStoredTo(id *ast.Ident) bool {
	switch parent := w.parents[id].(type) {
	case *ast.KeyValueExpr:
		return parent.Key == id
	case *ast.SelectorExpr:
		assign, ok := w.parents[parent].(*ast.AssignStmt)
		return ok && slices.Contains(assign.Lhs, ast.Expr(parent))
	}
	return false
}

// callable returns the interface type with methods that values of t are or hold as elements, except error.
func callable(t types.Type, depth int) types.Type {
	if depth > 4 || types.Identical(t, types.Universe.Lookup("error").Type()) {
		return nil
	}
	switch u := t.Underlying().(type) {
	case *types.Interface:
		if _, param := types.Unalias(t).(*types.TypeParam); !param && u.NumMethods() > 0 {
			return t
		}
	case *types.Slice:
		return callable(u.Elem(), depth+1)
	case *types.Array:
		return callable(u.Elem(), depth+1)
	case *types.Map:
		return callable(u.Elem(), depth+1)
	}
	return nil
}

// findStored makes a node of each field that holds functions and of which this package stores some.
func (p *pkg) findStored() {
	store := func(v *types.Var, e ast.Expr) {
		if v == nil || e == nil || !v.IsField() || !holdsFuncs(v.Type(), 0) {
			return
		}
		v = v.Origin()
		n := p.byObject[v]
		if n == nil {
			n = p.add(&node{object: v, name: "field " + v.Name(), at: p.place(v.Pos())})
			n.at.Package = v.Pkg().Path()
		}
		n.inits = append(n.inits, e)
	}
	field := func(id *ast.Ident) *types.Var {
		v, _ := p.pass.TypesInfo.Uses[id].(*types.Var)
		return v
	}
	for _, f := range p.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i, to := range n.Lhs {
					if sel, ok := to.(*ast.SelectorExpr); ok && len(n.Lhs) == len(n.Rhs) {
						store(field(sel.Sel), n.Rhs[i])
					}
				}
			case *ast.CompositeLit:
				s, ok := derefStruct(p.pass.TypesInfo.TypeOf(n))
				for i, e := range n.Elts {
					if kv, keyed := e.(*ast.KeyValueExpr); keyed {
						if id, ok := kv.Key.(*ast.Ident); ok {
							store(field(id), kv.Value)
						}
					} else if ok && i < s.NumFields() {
						store(s.Field(i), e)
					}
				}
			}
			return true
		})
	}
}

func derefStruct(t types.Type) (*types.Struct, bool) {
	if t == nil {
		return nil, false
	}
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	s, ok := t.Underlying().(*types.Struct)
	return s, ok
}

func holdsFuncs(t types.Type, depth int) bool {
	if depth > 4 {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Signature:
		return true
	case *types.Slice:
		return holdsFuncs(u.Elem(), depth+1)
	case *types.Array:
		return holdsFuncs(u.Elem(), depth+1)
	case *types.Map:
		return holdsFuncs(u.Elem(), depth+1)
	}
	return false
}

// conversions charges the node with the methods of each interface that a node of the tree converts a value to.
func (w *walker) conversions(n ast.Node) {
	switch n := n.(type) {
	case *ast.AssignStmt:
		for i, to := range n.Lhs {
			if len(n.Lhs) == len(n.Rhs) && n.Tok == token.ASSIGN {
				w.convert(n.Rhs[i], w.info().TypeOf(to))
			}
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if len(n.Names) == len(n.Values) {
				w.convert(n.Values[i], w.info().TypeOf(name))
			}
		}
	case *ast.ReturnStmt:
		if results := w.resultsOf(n); results != nil && results.Len() == len(n.Results) {
			for i, e := range n.Results {
				w.convert(e, results.At(i).Type())
			}
		}
	case *ast.CompositeLit:
		w.convertElements(n)
	case *ast.CallExpr:
		w.convertArguments(n)
	}
}

// resultsOf returns the results of the function that a return statement leaves.
func (w *walker) resultsOf(n ast.Node) *types.Tuple {
	for at := w.parents[n]; at != nil; at = w.parents[at] {
		var t types.Type
		switch f := at.(type) {
		case *ast.FuncLit:
			t = w.info().TypeOf(f)
		case *ast.FuncDecl:
			if obj := w.info().Defs[f.Name]; obj != nil {
				t = obj.Type()
			}
		default:
			continue
		}
		if sig, ok := t.(*types.Signature); ok {
			return sig.Results()
		}
		return nil
	}
	return nil
}

func (w *walker) convertElements(lit *ast.CompositeLit) {
	t := w.info().TypeOf(lit)
	if t == nil {
		return
	}
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	for i, e := range lit.Elts {
		kv, keyed := e.(*ast.KeyValueExpr)
		if keyed {
			e = kv.Value
		}
		switch u := t.Underlying().(type) {
		case *types.Struct:
			if keyed {
				if id, ok := kv.Key.(*ast.Ident); ok {
					w.convert(e, w.info().TypeOf(id))
				}
			} else if i < u.NumFields() {
				w.convert(e, u.Field(i).Type())
			}
		case *types.Slice:
			w.convert(e, u.Elem())
		case *types.Array:
			w.convert(e, u.Elem())
		case *types.Map:
			w.convert(e, u.Elem())
		}
	}
}

func (w *walker) convertArguments(call *ast.CallExpr) {
	tv := w.info().Types[call.Fun]
	if tv.IsType() {
		if len(call.Args) == 1 {
			w.convert(call.Args[0], tv.Type)
		}
		return
	}
	if tv.Type == nil {
		return
	}
	sig, ok := tv.Type.Underlying().(*types.Signature)
	if !ok {
		return
	}
	for i, a := range call.Args {
		var to types.Type
		switch last := sig.Params().Len() - 1; {
		case sig.Variadic() && i >= last && !call.Ellipsis.IsValid():
			if s, ok := sig.Params().At(last).Type().(*types.Slice); ok {
				to = s.Elem()
			}
		case i <= last:
			to = sig.Params().At(i).Type()
		}
		w.convert(a, to)
	}
}

// spoken are the methods that fmt and the encoders look for in what they are given as any.
var spoken = []string{"String", "Error", "Format", "GoString", "MarshalJSON", "MarshalText", "MarshalBinary", "MarshalXML",
	"UnmarshalJSON", "UnmarshalText", "UnmarshalBinary", "GobEncode", "GobDecode", "LogValue", "Scan"}

func (w *walker) convert(e ast.Expr, to types.Type) {
	from := w.info().TypeOf(e)
	if from == nil || to == nil || types.IsInterface(from) {
		return
	}
	iface, ok := to.Underlying().(*types.Interface)
	if _, param := types.Unalias(to).(*types.TypeParam); !ok || param {
		return
	}
	if iface.NumMethods() > 0 {
		w.chargeMethods(e.Pos(), from, iface)
		return
	}
	for _, name := range spoken {
		if obj, _, _ := types.LookupFieldOrMethod(from, true, w.pass.Pkg, name); obj != nil {
			if fn, ok := obj.(*types.Func); ok && fn.Pkg() != nil && !trusted(fn.Pkg().Path()) && !types.IsInterface(recvType(fn)) {
				w.visitFunc(e.Pos(), fn.Origin())
			}
		}
	}
}
