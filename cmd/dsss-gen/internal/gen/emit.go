package gen

import (
	"bytes"
	"fmt"
	"go/format"
	"go/types"
	"maps"
	"path"
	"slices"
	"strings"
)

// A File is a file as it should be.
type File struct {
	Name string // absolute
	Text string
	Gone bool // whether it should not be there: it is ours, and of a class that is gone
}

// An emitter writes the Go file of one class.
type emitter struct {
	pkg     *Package
	class   *Class
	names   *names
	ids     string // the lines of the lock that are about the class
	tables  *tableSet
	body    bytes.Buffer
	imports map[string]string // import path to the name it has in this file

	state *table
	args  map[*Mutator]*table // absent for mutators without arguments
	// Names of package-level variables.
	classVar   string
	idsVar     string
	mutatorVar map[*Mutator]string
	results    map[*Mutator]*table // what travels from the host; absent for mutators of which nothing does
	asked      map[*Getter]*asked  // of a class that is hosted
	schemaVar  map[*table]string   // the declaration of one table
	rootVar    map[*table]string   // a root and all that it leads to
	built      map[*table]bool     // have a build function
	copiers    map[string]copier   // functions that copy, by Go type
	comparers  map[string]comparer // functions that order keys, by Go type
}

// emitClass returns the class's Go file and schema. n knows what is taken in the package.
func emitClass(pkg *Package, c *Class, n *names, ids string, problems *Problems) []File {
	e := &emitter{
		pkg: pkg, class: c, names: n, ids: ids, imports: map[string]string{},
		args: map[*Mutator]*table{}, mutatorVar: map[*Mutator]string{}, results: map[*Mutator]*table{}, asked: map[*Getter]*asked{}, schemaVar: map[*table]string{}, rootVar: map[*table]string{}, copiers: map[string]copier{}, comparers: map[string]comparer{},
	}
	e.tables = &tableSet{
		byGo: map[string]*table{}, byName: map[string]*table{}, names: n, prefix: upperFirst(c.Go),
		clash: func(name string) {
			problems.add(c.At, "%s: two types that it holds would both be table %s in the schema; rename one", c.Go, name)
		},
	}
	for _, name := range c.declares() {
		n.claim(name)
	}
	stem := lowerFirst(c.Go)
	e.classVar, e.idsVar = n.fresh(stem+"Class"), n.fresh(stem+"IDs")
	e.state = e.tables.root(c.State)
	for _, m := range c.Mutators {
		e.mutatorVar[m] = n.fresh(stem + m.Name())
		if len(m.Args.Fields) > 0 {
			e.args[m] = e.tables.call(upperFirst(c.Go)+m.Name()+"Args", "the arguments", m.Args)
			e.args[m].Struct = n.fresh(stem + m.Name() + "Args")
		}
	}
	if c.Hosted {
		e.hostedTables(stem)
	}
	e.built = e.builders()
	e.nameSchemas()
	e.registration()
	e.proxy()
	if c.Hosted {
		e.hostedProxy()
	}
	for _, tb := range e.tables.list {
		if tb.Fixed == "" {
			e.table(tb)
		}
	}
	e.copyFunctions()
	e.compareFunctions()
	e.schemas()
	base := c.fileBase(pkg.Dir)
	return []File{
		{Name: base + suffix, Text: e.file()},
		{Name: base + ".fbs", Text: e.schemaFile()},
	}
}

// p writes formatted lines.
func (e *emitter) p(text string, args ...any) { fmt.Fprintf(&e.body, text+"\n", args...) }

// use returns the name under which the file imports the package.
func (e *emitter) use(importPath string) string {
	if name, ok := e.imports[importPath]; ok {
		return name
	}
	name := path.Base(importPath)
	return e.useAs(importPath, name)
}

// useAs is use for a package whose name is known to be name. A name that the user's package has for something else,
// or that another import has, is not taken.
func (e *emitter) useAs(importPath, name string) string {
	if known, ok := e.imports[importPath]; ok {
		return known
	}
	used := maps.Clone(e.names.taken)
	for _, other := range e.imports {
		used[other] = true
	}
	e.imports[importPath] = local(name, used)
	return e.imports[importPath]
}

func (e *emitter) dsss() string    { return e.use("dsss") }
func (e *emitter) classes() string { return e.use("dsss/class") }
func (e *emitter) flat() string    { return e.use("dsss/flat") }
func (e *emitter) matrix() string  { return e.use("dsss/flat/matrix") }
func (e *emitter) context() string { return e.use("context") }

// typ prints a Go type as the file names it.
func (e *emitter) typ(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == e.pkg.Types {
			return ""
		}
		return e.useAs(p.Path(), p.Name())
	})
}

// local returns the name of a local variable in a function that names types of the program: not the name of one.
func (e *emitter) local(name string) string {
	for {
		if _, isType := e.pkg.Types.Scope().Lookup(name).(*types.TypeName); !isType {
			return name
		}
		name += "_"
	}
}

// goType prints the Go type of what the table holds, which may be a struct that we write.
func (e *emitter) goType(tb *table) string {
	if tb.Struct != "" {
		return tb.Struct
	}
	return e.typ(tb.Type.Go)
}

// file puts header, imports and body together and formats them.
func (e *emitter) file() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\npackage %s\n\nimport (\n", header, e.pkg.Name)
	groups := [3][]string{} // standard library, others, ours
	for _, p := range slices.Sorted(maps.Keys(e.imports)) {
		line := fmt.Sprintf("%q", p)
		if name := e.imports[p]; name != path.Base(p) {
			line = name + " " + line
		}
		first, _, _ := strings.Cut(p, "/")
		switch {
		case first == "dsss":
			groups[2] = append(groups[2], line)
		case strings.Contains(first, "."):
			groups[1] = append(groups[1], line)
		default:
			groups[0] = append(groups[0], line)
		}
	}
	for _, g := range groups {
		if len(g) > 0 {
			fmt.Fprintf(&b, "%s\n\n", strings.Join(g, "\n"))
		}
	}
	b.WriteString(")\n\n")
	b.Write(e.body.Bytes())
	text, err := format.Source(b.Bytes())
	if err != nil {
		panic(fmt.Sprintf("generated code does not parse: %v\n%s", err, b.Bytes()))
	}
	return string(text)
}

// comment writes text as a doc comment.
func (e *emitter) comment(text string) {
	for line := range strings.Lines(strings.TrimSpace(text)) {
		e.p("%s", strings.TrimRight("// "+strings.TrimRight(line, "\n"), " "))
	}
}
