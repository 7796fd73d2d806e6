package gen

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A program may resume a state directory when it knows every id that was given to what is in there, by the name and with
// the type that it had. So a generated class carries its lines of the lock, in the form of the lines below, and whoever
// opens a state directory compares them with those of the programs that wrote it. Lines are never lost as long as the
// lock file is kept: what is retired stays, and what is renamed has a line for each of its names.
//
//	mutator ID NAME
//	arg MUTATOR-ID ID NAME TYPE
//	state ID NAME TYPE
//	field STRUCT ID NAME TYPE

// idLines returns the lines of the class: its own, and those of the structs that it leads to, or has led to.
func (l *lock) idLines(pkg *Package, c *Class) string {
	var lines, wires []string
	for _, e := range l.sorted() {
		if e.owner != c.Name || e.kind == "field" {
			continue
		}
		switch kind := e.kind; kind {
		case "arg":
			mutator, name, _ := strings.Cut(e.name, ".")
			of := l.entries["mutator "+c.Name+" "+mutator]
			if of == nil {
				continue // its mutator's line was deleted
			}
			lines = append(lines, e.lines(fmt.Sprintf("arg %d %d", of.id, e.id), name)...)
		default:
			lines = append(lines, e.lines(fmt.Sprintf("%s %d", kind, e.id), e.name)...)
		}
		wires = append(wires, e.wire)
	}
	// Which structs a wire type leads to is guessed from its text, since the program may not have them any more. One
	// too many does no harm: it is one too many in every later form, too.
	nested := l.nested(pkg, c)
	for found := true; found; {
		found = false
		for _, name := range slices.Sorted(maps.Keys(nested)) {
			s := nested[name]
			if !s.in(wires) {
				continue
			}
			found = true
			delete(nested, name)
			for _, e := range s.entries {
				lines = append(lines, e.lines(fmt.Sprintf("field %s %d", name, e.id), e.name)...)
				wires = append(wires, e.wire)
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

// lines is what an entry adds: a line for each name that it has had.
func (e *entry) lines(head, name string) []string {
	var lines []string
	for _, n := range append(slices.Clone(e.was), name) {
		lines = append(lines, strings.TrimRight(head+" "+n+" "+e.wire, " "))
	}
	return lines
}

// A lockedStruct is a struct as the lock knows it: its fields, and the words by which wire types speak of it.
type lockedStruct struct {
	words   []string
	entries []*entry
}

func (s *lockedStruct) in(wires []string) bool {
	return slices.ContainsFunc(wires, func(wire string) bool {
		return slices.ContainsFunc(s.words, func(word string) bool { return strings.Contains(wire, word) })
	})
}

// nested returns the structs of the lock, by name; other classes are structs too when something holds them. Of a struct
// that became a class its ids as a class count.
func (l *lock) nested(pkg *Package, c *Class) map[string]*lockedStruct {
	found := map[string]*lockedStruct{}
	classes := map[string]bool{}
	for _, other := range pkg.Classes {
		classes[other.State.LockName] = true
	}
	add := func(name, word string, e *entry) {
		s := found[name]
		if s == nil {
			s = &lockedStruct{}
			found[name] = s
		}
		s.words = append(s.words, word)
		s.entries = append(s.entries, e)
	}
	for _, e := range l.sorted() {
		switch {
		case e.kind == "field" && !classes[e.owner]:
			name, _, _ := strings.Cut(e.owner, "[") // of a generic struct
			add(e.owner, tableName(name[strings.LastIndexAny(name, "./")+1:]), e)
		case e.kind == "state":
			for _, other := range pkg.Classes {
				if other != c && other.Name == e.owner {
					add(other.State.LockName, tableName(other.State.Name), e)
				}
			}
		}
	}
	return found
}

// sorted returns the entries in the order of the file.
func (l *lock) sorted() []*entry {
	return slices.SortedFunc(maps.Values(l.entries), func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.group(), b.group()), cmp.Compare(a.id, b.id))
	})
}

// adopt gives a struct that has become a class the ids that its fields had: states of others may hold it.
func (l *lock) adopt(t *Type) {
	var had []*entry
	for _, e := range l.entries {
		switch {
		case e.kind == "state" && e.owner == t.Class:
			return
		case e.kind == "field" && e.owner == t.LockName:
			had = append(had, e)
		}
	}
	for _, e := range had {
		mine := *e
		mine.kind, mine.owner = "state", t.Class
		l.entries[mine.key()] = &mine
	}
}
