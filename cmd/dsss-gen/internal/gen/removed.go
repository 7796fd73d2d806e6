package gen

import (
	"go/ast"
	"go/token"
	"go/types"
)

// collectPast finds the //dsss:removed and //dsss:renamed of all structs of the package: those of nested structs count
// as those of classes.
func (m *modeller) collectPast() {
	for _, f := range m.src.files {
		for _, decl := range f.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.TYPE {
				continue
			}
			for _, spec := range d.Specs {
				s := spec.(*ast.TypeSpec)
				doc := s.Doc
				if doc == nil && len(d.Specs) == 1 {
					doc = d.Doc
				}
				obj, ok := m.src.info.Defs[s.Name].(*types.TypeName)
				if !ok || doc == nil {
					continue
				}
				before := len(*m.problems)
				for _, x := range m.directives(doc) {
					if x.word == "removed" || x.word == "renamed" {
						m.past[obj] = append(m.past[obj], x)
					}
				}
				*m.problems = (*m.problems)[:before] // they are found again with the class, or as strays
			}
		}
	}
}

// removedField is what a //dsss:removed on the struct says: a field, and the method that gets what states hold of it.
func (m *modeller) removedField(named *types.Named, d directive) *Field {
	name := named.Obj().Name()
	f := &Field{Go: d.options["field"], Func: d.options["func"], At: m.src.at(d.pos)}
	if f.Go == "" {
		m.problem(d.pos, "//dsss:removed on %s names no field; write field=NAME", name)
		return f
	}
	st := named.Underlying().(*types.Struct)
	for i := range st.NumFields() {
		if st.Field(i).Name() == f.Go {
			m.problem(d.pos, "%s has the field %s, which //dsss:removed says is gone; remove one of the two", name, f.Go)
		}
	}
	if f.Func == "" {
		return f
	}
	obj, _, _ := types.LookupFieldOrMethod(types.NewPointer(named), true, named.Obj().Pkg(), f.Func)
	fn, ok := obj.(*types.Func)
	if !ok || fn.Signature().Params().Len() != 1 || fn.Signature().Results().Len() != 0 {
		m.problem(d.pos, "%s has no method %s with one parameter, of the type that %s had, and no result; write it", name, f.Func, f.Go)
		f.Func = ""
		return f
	}
	if f.Type = m.types.typeOf(fn.Signature().Params().At(0).Type(), name+"."+f.Func, fn.Pos()); f.Type == nil {
		f.Func = ""
	}
	return f
}
