package gen

import (
	"errors"
	"fmt"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// lockHeader explains the file to readers of a commit.
const lockHeader = `# Ids given by dsss-gen. Logs and checkpoints refer to them: commit this file, and let only dsss-gen write it.
# An id stays with its name for ever; what the program no longer has is marked retired, and what had another name was=IT.
# A state directory is resumed by programs that have all lines that its own had.
#
# mutator CLASS NAME ID
# arg     CLASS MUTATOR.NAME ID TYPE
# state   CLASS NAME ID TYPE
# field   STRUCT NAME ID TYPE
`

// An entry is one line of a lock file. It is found by kind, owner and name.
type entry struct {
	kind, owner, name string
	id                uint32
	wire              string   // FlatBuffers type; empty for a mutator
	was               []string // earlier names, oldest first; of an argument without the mutator's
	retired           bool
	line              int  // in the file; 0 when new
	used              bool // by the program as it is
}

func (e *entry) key() string { return e.kind + " " + e.owner + " " + e.name }

// A lock is the ids of a package.
type lock struct {
	path    string
	read    bool           // whether there is a file
	pkg     *types.Package // what its names are relative to, once they are assigned
	entries map[string]*entry
}

// readLock reads the lock file at path; one that does not exist is empty.
func readLock(path string, problems *Problems) (*lock, error) {
	l := &lock{path: path, entries: map[string]*entry{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	l.read = true
	ids := map[string]*entry{}
	for i, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		at := token.Position{Filename: path, Line: i + 1}
		e := parseEntry(words)
		if e == nil {
			problems.add(at, "%q is no line of a lock file; finish the merge that left it, or restore the file from version control", line)
			continue
		}
		e.line = i + 1
		place := fmt.Sprintf("%s %s %d", e.kind, e.group(), e.id)
		if l.entries[e.key()] != nil || ids[place] != nil {
			problems.add(at, "%s %s has a name or an id that another line has; after a merge keep the lines of the program that has run and delete the other's, else restore the file from version control", e.kind, e.name)
			continue
		}
		l.entries[e.key()], ids[place] = e, e
	}
	return l, nil
}

// group is what an entry's id is unique in, together with its kind.
func (e *entry) group() string {
	if e.kind == "arg" {
		mutator, _, _ := strings.Cut(e.name, ".")
		return e.owner + " " + mutator
	}
	return e.owner
}

// parseEntry returns nil for words that are no entry.
func parseEntry(words []string) *entry {
	e := &entry{}
	if n := len(words); words[n-1] == "retired" {
		e.retired = true
		words = words[:n-1]
	}
	if n := len(words); n > 0 {
		if names, ok := strings.CutPrefix(words[n-1], "was="); ok {
			e.was = strings.Split(names, ",")
			words = words[:n-1]
		}
	}
	want := 5
	if len(words) > 0 && words[0] == "mutator" {
		want = 4
	}
	if len(words) != want {
		return nil
	}
	e.kind, e.owner, e.name = words[0], words[1], words[2]
	if want == 5 {
		e.wire = words[4]
	}
	id, err := strconv.ParseUint(words[3], 10, 32)
	e.id = uint32(id)
	valid := err == nil
	switch e.kind {
	case "mutator":
		valid = valid && id > 0 && !e.retired
	case "state", "field", "arg":
		// A FlatBuffers vtable has room for 32765 fields.
		valid = valid && id < 1<<15-3
		if e.kind == "arg" {
			valid = valid && strings.Count(e.name, ".") == 1
		}
	default:
		valid = false
	}
	if !valid {
		return nil
	}
	return e
}

// format renders the file: sorted, so that equal locks are equal bytes and two branches merge.
func (l *lock) format() string {
	var b strings.Builder
	b.WriteString(lockHeader)
	for _, e := range l.sorted() {
		fmt.Fprintf(&b, "%s %s %s %d", e.kind, e.owner, e.name, e.id)
		if e.wire != "" {
			b.WriteString(" " + e.wire)
		}
		if len(e.was) > 0 {
			b.WriteString(" was=" + strings.Join(e.was, ","))
		}
		if e.retired {
			b.WriteString(" retired")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// assign gives every mutator and field of the package its id, from the lock or new, and notes them in the lock.
func (l *lock) assign(pkg *Package, problems *Problems) {
	l.pkg = pkg.Types
	structs := map[string]*Type{}
	for _, c := range pkg.Classes {
		for _, m := range c.Mutators {
			if m.Was != nil {
				l.renameMutator(c, *m.Was, problems)
			}
		}
		l.mutators(c, problems)
		nestedStructs(c.State, structs)
		for _, m := range c.Mutators {
			for _, r := range m.Renamed {
				l.rename("arg", c.Name, m.Name()+".", r, problems)
			}
			l.layout("arg", c.Name, m.Name()+".", m.Args, problems)
			nestedStructs(m.Args, structs)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(structs)) {
		t := structs[name]
		kind, owner := "field", name
		if t.Class != "" {
			kind, owner = "state", t.Class
			l.adopt(t)
		}
		for _, r := range t.Renamed {
			l.rename(kind, owner, "", r, problems)
		}
		l.layout(kind, owner, "", t, problems)
	}
	numberHosted(pkg, structs)
	l.checkGone(pkg, problems)
}

// nestedStructs adds the named structs that t is or leads to, by lock name: also those that only states of earlier versions
// hold, of which methods make something.
func nestedStructs(t *Type, found map[string]*Type) {
	switch t.Kind {
	case Map:
		nestedStructs(t.Key, found)
		nestedStructs(t.Elem, found)
	case Slice, Array, Pointer:
		nestedStructs(t.Elem, found)
	case Struct:
		if found[t.LockName] == t {
			return
		}
		if t.LockName != "" {
			found[t.LockName] = t
		}
		for _, f := range slices.Concat(t.Fields, t.Removed) {
			if f.Type != nil {
				nestedStructs(f.Type, found)
			}
		}
	}
}

// mutators gives the class's mutators their ids.
func (l *lock) mutators(c *Class, problems *Problems) {
	taken := map[uint32]string{}
	for _, e := range l.entries {
		if e.kind == "mutator" && e.owner == c.Name {
			taken[e.id] = e.name
		}
	}
	for _, m := range c.Mutators {
		e := l.entries["mutator "+c.Name+" "+m.Name()]
		switch {
		case e != nil && m.WantID != 0 && m.WantID != e.id:
			problems.add(m.At, "%s.%s has id %d in %s, and id=%d would give old logs another meaning; write id=%d or no id", c.Go, m.Go, e.id, LockFile, m.WantID, e.id)
			fallthrough
		case e != nil:
			m.ID, e.used = e.id, true
		case m.Replays != "":
			problems.add(m.At, "%s.%s replays %s, which %s does not know; write the name as it stands there", c.Go, m.Go, m.Replays, LockFile)
		case m.WantID != 0 && taken[m.WantID] != "":
			problems.add(m.At, "%s.%s wants id %d, which belongs to %s; use another number, or leave id= out", c.Go, m.Go, m.WantID, taken[m.WantID])
		case m.WantID != 0:
			taken[m.WantID] = m.Name()
			l.note(&entry{kind: "mutator", owner: c.Name, name: m.Name(), id: m.WantID})
			m.ID = m.WantID
		}
	}
	next := uint32(1)
	for _, m := range c.Mutators {
		if m.ID != 0 || m.WantID != 0 {
			continue
		}
		for taken[next] != "" {
			next++
		}
		taken[next] = m.Name()
		l.note(&entry{kind: "mutator", owner: c.Name, name: m.Name(), id: next})
		m.ID = next
	}
}

func (l *lock) note(e *entry) {
	e.used = true
	l.entries[e.key()] = e
}

// layout gives the fields of t their ids, and t the fields that are retired. Ids are dense, as flatc demands.
func (l *lock) layout(kind, owner, prefix string, t *Type, problems *Problems) {
	known := map[uint32]*entry{}
	for _, e := range l.entries {
		if e.kind == kind && e.owner == owner && strings.HasPrefix(e.name, prefix) {
			known[e.id] = e
		}
	}
	for _, f := range t.Fields {
		e := l.entries[kind+" "+owner+" "+prefix+f.Go]
		wire := lockType(f.Type)
		if e == nil {
			e = &entry{kind: kind, owner: owner, name: prefix + f.Go, wire: wire}
			for known[e.id] != nil {
				e.id++
			}
			known[e.id] = e
			l.note(e)
		}
		if e.wire != wire {
			advice := "give the field a new name, and say //dsss:removed field=" + f.Go + " func=METHOD if it is made of the old one"
			if kind == "arg" {
				advice = "give the mutator a new name, and keep the old one for logs as //dsss:mutator replays=" + strings.TrimSuffix(prefix, ".")
			}
			problems.add(f.At, "%s.%s%s is %s now, which is %s on the wire, and was %s when %s was written; %s, or delete the line from %s if no log and no checkpoint is to be kept", owner, prefix, f.Go, types.TypeString(f.Type.Go, types.RelativeTo(l.pkg)), wire, e.wire, LockFile, advice, LockFile)
		}
		f.ID, e.used, e.retired = int(e.id), true, false
	}
	for _, id := range slices.Sorted(maps.Keys(known)) {
		e := known[id]
		if e.used {
			continue
		}
		name := strings.TrimPrefix(e.name, prefix)
		old := t.removed(name)
		switch {
		case e.retired:
		case t.KeyOf != "":
			problems.add(t.At, "%s.%s is gone, and %s is in the keys of %s: keys that differed in it alone would become one; keep the field, or give the map a new name with a struct of its own as the key, and say //dsss:removed with func=METHOD for the old map", owner, name, t.Name, t.KeyOf)
		case old != nil:
		case kind == "arg":
			problems.add(t.At, "%s.%s has no argument %s any more, which calls in logs have; say //dsss:renamed from=%s to=NEW if it has another name now, else give the mutator a new name and keep the old one for logs as //dsss:mutator replays=%s, or delete the line from %s if no log is to be kept", owner, strings.TrimSuffix(prefix, "."), name, name, strings.TrimSuffix(prefix, "."), LockFile)
		default:
			problems.add(t.At, "%s.%s is gone, and checkpoints may hold it; say on the struct //dsss:renamed from=%s to=NEW if it has another name now, else //dsss:removed field=%s to drop it, with func=METHOD to make something of it, or delete the line from %s if no checkpoint is to be kept", owner, name, name, name, LockFile)
		}
		e.used, e.retired = true, true
		gone := &Field{Go: name, ID: int(id), Wire: e.wire}
		if old != nil && old.Func != "" {
			gone.Old, gone.Func = old.Type, old.Func
			if wire := lockType(old.Type); wire != e.wire {
				problems.add(old.At, "%s takes %s and %s was %s; give it a parameter of the old type", old.Func, wire, name, e.wire)
			}
		}
		t.Retired = append(t.Retired, gone)
	}
}

// checkGone reports classes and mutators that the lock knows and the program has no more, and retires the fields of
// structs that nothing shared refers to.
func (l *lock) checkGone(pkg *Package, problems *Problems) {
	here, gone := map[string]bool{}, map[string]bool{}
	for _, c := range pkg.Classes {
		here[c.Name] = true
	}
	for _, e := range l.sorted() {
		if e.kind == "mutator" && !e.used && !gone[e.owner] {
			at := token.Position{Filename: filepath.Base(l.path), Line: e.line}
			if !here[e.owner] {
				gone[e.owner] = true
				problems.add(at, "class %s is gone, and logs and checkpoints may hold objects of it; keep its struct, whatever its name, as //dsss:class name=%s, or delete its lines here if none is to be kept", e.owner, e.owner)
				continue
			}
			problems.add(at, "mutator %s of class %s is gone, and logs may hold calls of it; say //dsss:renamed from=%s on the method that it is now, or keep one for them as //dsss:mutator replays=%s, or delete its lines here if no log is to be kept", e.name, e.owner, e.name, e.name)
		}
	}
	for _, e := range l.entries {
		if e.kind != "mutator" && !e.used {
			e.used, e.retired = true, true
		}
	}
}
