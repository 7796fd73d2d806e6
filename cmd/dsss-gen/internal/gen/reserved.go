package gen

import "go/token"

// reserved are the methods that every proxy has.
var reserved = []string{"Name", "Object", "View", "Await"}

// checkNames reports methods that a proxy would have twice, and classes that share a name or a file.
func (m *modeller) checkNames(pkg *Package) {
	byName, byFile, declared := map[string]string{}, map[string]string{}, map[string]string{}
	for _, c := range pkg.Classes {
		if other := byName[c.Name]; other != "" {
			m.problems.add(c.At, "%s and %s are both class %s; give one another name by //dsss:class name=NAME", other, c.Go, c.Name)
		}
		if other := byFile[c.fileBase("")]; other != "" {
			m.problems.add(c.At, "%s and %s would be written to the same file; rename one", other, c.Go)
		}
		byName[c.Name], byFile[c.fileBase("")] = c.Go, c.Go
		for _, name := range c.declares() {
			if other := m.src.types.Scope().Lookup(name); other != nil {
				m.problem(other.Pos(), "%s is what dsss-gen declares for %s; rename this one", name, c.Go)
			}
			if other := declared[name]; other != "" {
				m.problems.add(c.At, "%s is what dsss-gen declares for both %s and %s; rename one", name, other, c.Go)
			}
			declared[name] = c.Go
		}
		has := map[string]string{}
		for _, r := range reserved {
			has[r] = "a method that every proxy has"
		}
		add := func(at token.Position, goName, name string) {
			if other := has[name]; other != "" {
				m.problems.add(at, "%s.%s: the proxy's %s would meet %s; rename it or mark it //dsss:local", c.Go, goName, name, other)
			}
			has[name] = "that of " + goName
		}
		for _, mu := range c.Mutators {
			if mu.Replays == "" {
				add(mu.At, mu.Go, mu.Name())
				add(mu.At, mu.Go, mu.Name()+"Async")
				if mu.Merge != nil {
					add(mu.At, mu.Go, "Post"+mu.Name())
				}
			}
			m.checkSpelling(c, mu.Go, mu.Args)
		}
		for _, g := range c.Getters {
			add(g.At, g.Go, g.Go)
			if g.Args != nil {
				m.checkSpelling(c, g.Go, g.Args)
			}
		}
	}
}

// checkSpelling reports parameters that would be one name in the schema, or in the struct of the arguments.
func (m *modeller) checkSpelling(c *Class, method string, args *Type) {
	fields := map[string]bool{}
	for _, f := range args.Fields {
		if fields[snakeCase(f.Go)] || fields[upperFirst(f.Go)] {
			m.problems.add(f.At, "%s.%s: parameter %s differs from another only in how it is spelled; rename it", c.Go, method, f.Go)
		}
		fields[snakeCase(f.Go)], fields[upperFirst(f.Go)] = true, true
	}
}
