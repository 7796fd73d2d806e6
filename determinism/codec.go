package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// Codecs are run on every process like mutators, and equal states must give equal bytes everywhere. Those that people
// write are: MarshalBinary and UnmarshalBinary of the types that a class's state and the arguments of its mutators are
// made of, the methods that //dsss:removed names, and the functions of the codecs passed to class.New and class.NewMutator.

// codecs returns them; calls of fmt's and the encoders' methods are none, because generated code makes no use of those.
func (p *pkg) codecs() []mutator {
	c := &codecFinder{p: p, types: map[types.Type]bool{}, known: map[*types.Func]bool{}}
	for _, f := range p.files {
		if ast.IsGenerated(f) {
			continue
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if marked(d) {
					c.mutator(d)
				}
			case *ast.GenDecl:
				c.migrations(d)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				c.handWritten(call)
			}
			return true
		})
	}
	return c.found
}

type codecFinder struct {
	p     *pkg
	types map[types.Type]bool
	known map[*types.Func]bool
	found []mutator
}

// add adds a function that is run at pos of this package.
func (c *codecFinder) add(kind, name string, fn *types.Func, pos token.Pos) {
	fn = fn.Origin()
	if c.known[fn] || fn.Pkg() == nil || trusted(fn.Pkg().Path()) {
		return
	}
	c.known[fn] = true
	if name == "" {
		name = shortName(fn)
		if fn.Pkg() != c.p.pass.Pkg {
			name = qualified(fn)
		}
	}
	c.found = append(c.found, mutator{kind: kind, name: name, fn: fn, body: c.p.byObject[fn], pos: pos})
}

// mutator looks through the types of a mutator's receiver and parameters.
func (c *codecFinder) mutator(d *ast.FuncDecl) {
	fn, ok := c.p.pass.TypesInfo.Defs[d.Name].(*types.Func)
	if !ok {
		return
	}
	sig := fn.Signature()
	c.made(sig.Recv().Type(), d.Pos())
	for v := range sig.Params().Variables() {
		c.made(v.Type(), v.Pos())
	}
}

// made adds the codecs of the types that t is made of. Those of other packages are reported at pos.
func (c *codecFinder) made(t types.Type, pos token.Pos) {
	t = types.Unalias(t)
	if c.types[t] {
		return
	}
	c.types[t] = true
	if named, ok := t.(*types.Named); ok {
		obj := named.Obj()
		if obj.Pkg() == nil || trusted(obj.Pkg().Path()) {
			return
		}
		if marshal, unmarshal := ownMethod(named, "MarshalBinary"), ownMethod(named, "UnmarshalBinary"); marshal != nil && unmarshal != nil {
			c.add("codec", "", marshal, pos)
			c.add("codec", "", unmarshal, pos)
			return
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		c.made(u.Elem(), pos)
	case *types.Slice:
		c.made(u.Elem(), pos)
	case *types.Array:
		c.made(u.Elem(), pos)
	case *types.Map:
		c.made(u.Key(), pos)
		c.made(u.Elem(), pos)
	case *types.Struct:
		for f := range u.Fields() {
			at := pos
			if f.Pkg() == c.p.pass.Pkg {
				at = f.Pos()
			}
			c.made(f.Type(), at)
		}
	}
}

// ownMethod returns the method of that name that t or *t has, not by embedding; nil for none.
func ownMethod(t *types.Named, name string) *types.Func {
	obj, index, _ := types.LookupFieldOrMethod(types.NewPointer(t), true, nil, name)
	fn, ok := obj.(*types.Func)
	if !ok || len(index) > 1 {
		return nil
	}
	return fn
}

var migration = regexp.MustCompile(`^//dsss:removed\s.*\bfunc=(\w+)`)

// migrations adds the methods that the types of a declaration name to make something of removed fields.
func (c *codecFinder) migrations(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		s, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		doc := s.Doc
		if doc == nil && len(d.Specs) == 1 {
			doc = d.Doc
		}
		obj, ok := c.p.pass.TypesInfo.Defs[s.Name].(*types.TypeName)
		if !ok || doc == nil {
			continue
		}
		named, ok := types.Unalias(obj.Type()).(*types.Named)
		for _, x := range doc.List {
			if m := migration.FindStringSubmatch(x.Text); ok && m != nil {
				method, _, _ := types.LookupFieldOrMethod(types.NewPointer(named), true, c.p.pass.Pkg, m[1])
				if fn, ok := method.(*types.Func); ok {
					c.add("migration", "", fn, s.Pos())
				}
			}
		}
	}
}

// handWritten adds the functions of the codec that a call of class.New or class.NewMutator gets.
func (c *codecFinder) handWritten(call *ast.CallExpr) {
	info := c.p.pass.TypesInfo
	fn := typeutil.StaticCallee(info, call)
	if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != classPath {
		return
	}
	var name, codec ast.Expr
	switch {
	case fn.Name() == "New" && len(call.Args) == 2:
		name, codec = call.Args[0], call.Args[1]
	case fn.Name() == "NewMutator" && len(call.Args) == 5:
		name, codec = call.Args[2], call.Args[3]
	}
	lit, ok := codec.(*ast.CompositeLit)
	if !ok {
		return
	}
	of := "codec"
	if v := info.Types[name].Value; v != nil {
		of = strings.Trim(v.ExactString(), `"`)
	}
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, ok := kv.Key.(*ast.Ident)
		if !ok {
			continue
		}
		full := key.Name + " of " + of
		if f, ok := ast.Unparen(kv.Value).(*ast.FuncLit); ok {
			c.found = append(c.found, mutator{kind: "codec", name: full, body: c.p.byLit[f], pos: f.Pos()})
		} else if fn := c.p.function(kv.Value); fn != nil {
			c.add("codec", full, fn, kv.Value.Pos())
		}
	}
}
