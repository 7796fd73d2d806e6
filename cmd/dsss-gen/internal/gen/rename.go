package gen

import (
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// A rename is a //dsss:renamed: what was called from is called to. It keeps its id.
type rename struct {
	from, to string
	at       token.Position
}

// renamedField reads a //dsss:renamed on the struct.
func (m *modeller) renamedField(named *types.Named, d directive) (rename, bool) {
	var fields []string
	st := named.Underlying().(*types.Struct)
	for i := range st.NumFields() {
		fields = append(fields, st.Field(i).Name())
	}
	return m.renamed(named.Obj().Name(), "field", fields, d)
}

// renamedParams reads the //dsss:renamed on a mutator: those of its parameters, and the name that it had itself.
func (m *modeller) renamedParams(who string, x method, mu *Mutator) {
	var params []string
	for _, f := range mu.Args.Fields {
		params = append(params, f.Go)
	}
	for _, d := range x.directives {
		switch {
		case d.word != "renamed":
		case d.options["to"] == "" && d.options["from"] != "" && mu.Replays != "":
			m.problem(d.pos, "%s replays %s and is renamed from %s; keep one of the two", who, mu.Replays, d.options["from"])
		case d.options["to"] == "" && upperFirst(d.options["from"]) == mu.Name():
			m.problem(d.pos, "%s is called %s in logs as it was before; remove //dsss:renamed", who, mu.Name())
		case d.options["to"] == "" && d.options["from"] != "":
			mu.Was = &rename{from: upperFirst(d.options["from"]), to: mu.Name(), at: m.src.at(d.pos)}
		default:
			if r, ok := m.renamed(who, "parameter", params, d); ok {
				mu.Renamed = append(mu.Renamed, r)
			}
		}
	}
}

// renamed checks a //dsss:renamed with from and to against the names that there are.
func (m *modeller) renamed(who, what string, names []string, d directive) (rename, bool) {
	r := rename{d.options["from"], d.options["to"], m.src.at(d.pos)}
	switch {
	case r.from == "" || r.to == "":
		m.problem(d.pos, "//dsss:renamed on %s does not say which %s; write from=OLD to=NEW", who, what)
	case slices.Contains(names, r.from):
		m.problem(d.pos, "%s has the %s %s, which //dsss:renamed says is called %s now; remove one of the two", who, what, r.from, r.to)
	case !slices.Contains(names, r.to):
		m.problem(d.pos, "%s has no %s %s, which //dsss:renamed says that %s is called now; write its name, or remove the line", who, what, r.to, r.from)
	default:
		return r, true
	}
	return r, false
}

// rename gives entries of the lock another name, prefix being what stands before it. One that has it already is left.
func (l *lock) rename(kind, owner, prefix string, r rename, problems *Problems) {
	key := kind + " " + owner + " " + prefix
	e, taken := l.entries[key+r.from], l.entries[key+r.to]
	switch {
	case taken != nil && slices.Contains(taken.was, r.from):
	case e == nil:
		problems.add(r.at, "%s.%s%s is renamed from %s, which %s does not know; write the name as it stands there, or remove //dsss:renamed", owner, prefix, r.to, r.from, LockFile)
	case taken != nil:
		problems.add(r.at, "%s.%s%s has had an id of its own, so %s cannot be renamed to it; use a name that is not in %s", owner, prefix, r.to, r.from, LockFile)
	default:
		l.move(e, prefix+r.to)
		e.was = append(e.was, r.from)
	}
}

// renameMutator gives a mutator and its arguments the name that it has now.
func (l *lock) renameMutator(c *Class, r rename, problems *Problems) {
	for _, m := range c.Mutators {
		if m.Name() == r.from {
			problems.add(r.at, "%s.%s is renamed from %s, which is there too; remove one of the two", c.Go, r.to, r.from)
			return
		}
	}
	before := len(*problems)
	done := l.entries["mutator "+c.Name+" "+r.to]
	l.rename("mutator", c.Name, "", r, problems)
	if done != nil || len(*problems) > before {
		return
	}
	for _, e := range l.sorted() {
		if name, ok := strings.CutPrefix(e.name, r.from+"."); ok && e.kind == "arg" && e.owner == c.Name {
			l.move(e, r.to+"."+name)
		}
	}
}

func (l *lock) move(e *entry, name string) {
	delete(l.entries, e.key())
	e.name = name
	l.entries[e.key()] = e
}
