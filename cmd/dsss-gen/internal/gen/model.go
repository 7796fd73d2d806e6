package gen

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// A Package is what a run knows of the user's package.
type Package struct {
	Name    string // of the package clause
	Path    string // import path
	Dir     string
	Types   *types.Package
	Classes []*Class // by Go name
}

// A Class is a struct with mutators.
type Class struct {
	Name     string // "package.Type" unless //dsss:class gives another; what logs and checkpoints hold
	Go       string // the struct's name
	Doc      string
	At       token.Position
	State    *Type // a Struct
	Mutators []*Mutator
	Getters  []*Getter
	Hidden   []string // exported methods that are no part of the proxy, each with the reason, for its doc comment
	Hosted   bool     // whether there is a proxy of hosted objects, too
}

// Proxy is the name of the generated type.
func (c *Class) Proxy() string { return c.exportedLike("Shared") }

// Opener is the name of the generated function that opens an object.
func (c *Class) Opener() string { return c.exportedLike("Open") }

// HostedProxy is the name of the generated type of hosted objects.
func (c *Class) HostedProxy() string { return c.exportedLike("Hosted") }

// HostedOpener is the name of the generated function that opens a hosted object.
func (c *Class) HostedOpener() string { return c.Opener() + "Hosted" }

// declares are the names in the package's scope that are promised to the program.
func (c *Class) declares() []string {
	names := []string{c.Proxy(), c.Opener()}
	if c.Hosted {
		names = append(names, c.HostedProxy(), c.HostedOpener())
	}
	return names
}

func (c *Class) exportedLike(prefix string) string {
	if ast.IsExported(c.Go) {
		return prefix + c.Go
	}
	return lowerFirst(prefix) + upperFirst(c.Go)
}

// A Mutator is a method marked //dsss:mutator.
type Mutator struct {
	Go       string
	Doc      string
	At       token.Position
	ID       uint32 // 0 until the lock gives one
	WantID   uint32 // of //dsss:mutator id=N; 0 for none
	Order    bool   // whether the first parameter is a dsss.Order
	Args     *Type  // a Struct of the parameters on the wire, in order; Fields is empty when there are none
	Variadic bool
	Result   *Type // nil for none
	Error    bool  // whether the last result is an error

	Was      *rename  // the name that it had; nil for none
	Renamed  []rename // its parameters that had others
	Replays  string   // the mutator of old logs that it stands for; it is no part of the proxy then
	Merge    *merge   // how waiting calls merge; nil when they do not
	Combines string   // how calls in a row could be one, as a phrase; empty when they could not
}

// Name is the proxy's name for the mutator, which is also what it has in logs: always exported.
func (m *Mutator) Name() string {
	if m.Replays != "" {
		return m.Replays
	}
	return upperFirst(m.Go)
}

// A Getter is a method that only reads.
type Getter struct {
	Go       string
	Doc      string
	At       token.Position
	Params   []*types.Var
	Variadic bool
	Results  []*Type // nil stands for an error

	question // of a class that is hosted
}

// A modeller reads classes from a source.
type modeller struct {
	src      *source
	problems *Problems
	attached map[token.Pos]bool // directives that a method or a struct took
	types    *analyser
	methods  map[*types.TypeName][]method // declared in this package, in order of file and line

	generic   []*types.TypeName               // structs with mutators and type parameters
	past      map[*types.TypeName][]directive // //dsss:removed and //dsss:renamed, by struct
	instances map[*types.TypeName]bool        // structs that are classes, or of which an instance is
}

// A method is one method declaration with its directives.
type method struct {
	decl       *ast.FuncDecl
	fn         *types.Func
	directives []directive
}

func (m *modeller) problem(pos token.Pos, format string, args ...any) {
	m.problems.add(m.src.at(pos), format, args...)
}

// readModel returns the package's classes. Where it adds problems the model is incomplete.
func readModel(src *source, problems *Problems) *Package {
	m := &modeller{src: src, problems: problems, attached: map[token.Pos]bool{}, methods: map[*types.TypeName][]method{}, instances: map[*types.TypeName]bool{}, past: map[*types.TypeName][]directive{}}
	m.types = newAnalyser(m)
	pkg := &Package{Name: src.types.Name(), Path: src.path, Dir: src.dir, Types: src.types}
	m.collectMethods()
	m.collectPast()
	for _, f := range src.files {
		for _, decl := range f.Decls {
			if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.TYPE {
				for _, spec := range d.Specs {
					if c := m.class(d, spec.(*ast.TypeSpec)); c != nil {
						pkg.Classes = append(pkg.Classes, c)
					}
				}
			}
		}
	}
	for _, obj := range m.generic {
		if !m.instances[obj] {
			m.problem(obj.Pos(), "%s has type parameters; declare what is to be shared as in type Int%s = %s[int]", obj.Name(), obj.Name(), obj.Name())
		}
	}
	m.strayDirectives()
	slices.SortFunc(pkg.Classes, func(a, b *Class) int { return strings.Compare(a.Go, b.Go) })
	m.checkNames(pkg)
	return pkg
}

func (m *modeller) collectMethods() {
	for _, f := range m.src.files {
		for _, decl := range f.Decls {
			d, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			directives := m.directives(d.Doc)
			fn, ok := m.src.info.Defs[d.Name].(*types.Func)
			if !ok {
				continue
			}
			owner := receiverType(fn)
			if owner == nil {
				for _, x := range directives {
					m.problem(x.pos, "//dsss:%s is for methods, and %s is a function; give it a receiver or remove the mark", x.word, d.Name.Name)
				}
				continue
			}
			m.methods[owner] = append(m.methods[owner], method{d, fn, directives})
		}
	}
}

// receiverType returns the named type that fn is a method of, or nil.
func receiverType(fn *types.Func) *types.TypeName {
	recv := fn.Signature().Recv()
	if recv == nil {
		return nil
	}
	t := recv.Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if named, ok := types.Unalias(t).(*types.Named); ok {
		return named.Obj()
	}
	return nil
}

// class returns the class that spec declares, or nil when it declares none.
func (m *modeller) class(decl *ast.GenDecl, spec *ast.TypeSpec) *Class {
	doc := spec.Doc
	if doc == nil && len(decl.Specs) == 1 {
		doc = decl.Doc
	}
	directives := m.directives(doc)
	obj, ok := m.src.info.Defs[spec.Name].(*types.TypeName)
	if !ok {
		return nil
	}
	_, marked := m.shared(obj, spec)
	name, hosted := m.src.types.Name()+"."+spec.Name.Name, token.NoPos
	for _, d := range directives {
		switch {
		case d.word == "removed", d.word == "renamed":
		case d.word != "class" && d.word != "hosted":
			m.problem(d.pos, "//dsss:%s is for methods, and %s is a type; put it above the method", d.word, spec.Name.Name)
		case len(marked) == 0:
			m.problem(d.pos, "%s has no method marked //dsss:mutator; mark the methods that change it, or remove //dsss:%s", spec.Name.Name, d.word)
		case d.word == "hosted":
			hosted = d.pos
		case d.options["name"] == "":
			m.problem(d.pos, "//dsss:class on %s says no name; write name=NAME, or remove it", spec.Name.Name)
		default:
			name = d.options["name"]
		}
	}
	named, methods := m.shared(obj, spec)
	if len(methods) == 0 {
		return nil
	}
	if named == nil {
		m.problem(spec.Pos(), "%s is not a struct, and only structs are shared; wrap it in a struct", spec.Name.Name)
		return nil
	}
	if named.TypeParams().Len() > 0 && named.TypeArgs().Len() == 0 {
		if m.generic = append(m.generic, obj); hosted.IsValid() {
			m.problem(hosted, "%s has type parameters, and its instances are hosted each by itself; put //dsss:hosted above them", obj.Name())
		}
		return nil
	}
	c := &Class{Name: name, Go: spec.Name.Name, Doc: doc.Text(), At: m.src.at(spec.Pos()), Hosted: hosted.IsValid()}
	if c.State = m.types.structOf(named, c.Go, spec.Pos()); c.State != nil {
		c.State.Class, c.State.Name = name, c.Go
	}
	m.instances[named.Obj()] = true
	changing := m.changingMethods(m.methods[named.Obj()])
	for i, x := range m.methods[named.Obj()] {
		m.method(c, methods[i], changing[x.fn])
	}
	m.promoted(c, named)
	return c
}

// promoted notes the exported methods that the struct has by embedding another of the package: they are no part of the
// proxy, and marks on them are for the other.
func (m *modeller) promoted(c *Class, named *types.Named) {
	for s := range types.NewMethodSet(types.NewPointer(named)).Methods() {
		fn := s.Obj().(*types.Func)
		if owner := receiverType(fn); len(s.Index()) > 1 && fn.Exported() && fn.Pkg() == m.src.types && owner != nil {
			c.Hidden = append(c.Hidden, fmt.Sprintf("%s is that of the embedded %s; a method of its own that calls it would be a part", fn.Name(), owner.Name()))
		}
	}
}

// shared returns the struct that spec declares, or that it is an alias of when that is an instance of a generic struct,
// with its methods if any is marked as a mutator. The struct is nil when the type is none.
func (m *modeller) shared(obj *types.TypeName, spec *ast.TypeSpec) (*types.Named, []method) {
	named, _ := types.Unalias(obj.Type()).(*types.Named)
	if named == nil || spec.Assign.IsValid() && named.TypeArgs().Len() == 0 {
		return nil, nil // another name for what is declared elsewhere
	}
	declared := m.methods[named.Obj()]
	if !slices.ContainsFunc(declared, isMutator) {
		return nil, nil
	}
	if _, ok := named.Underlying().(*types.Struct); !ok {
		return nil, declared
	}
	if named.TypeArgs().Len() == 0 {
		return named, declared
	}
	// The methods of the instance have its types in their signatures.
	methods := slices.Clone(declared)
	for i, x := range methods {
		for j := range named.NumMethods() {
			if fn := named.Method(j); fn.Origin() == x.fn {
				methods[i].fn = fn
			}
		}
	}
	return named, methods
}

func isMutator(x method) bool {
	return slices.ContainsFunc(x.directives, func(d directive) bool { return d.word == "mutator" })
}
