package gen

import (
	"fmt"
	"path/filepath"
	"strings"
)

// What explain takes for typical, where the length of something decides about the bytes of a call.
const (
	typicalText  = 16 // bytes of a string
	typicalItems = 8  // of a slice or map
	callHead     = 16 // bytes of object, method and length before the arguments
)

// Explain tells about the classes of the package in dir: the ids of mutators, arguments and fields, what a call costs on
// the wire, which calls could be combined, and the schema. Its errors are those of Generate; it writes nothing.
func Explain(dir string) (string, error) {
	pkg, files, err := run(dir)
	if err != nil {
		return "", err
	}
	schemas := map[string]string{}
	for _, f := range files {
		schemas[filepath.Base(f.Name)] = f.Text
	}
	var b strings.Builder
	for i, c := range pkg.Classes {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "class %s (%s, %s:%d)\n", c.Name, c.Go, filepath.Base(c.At.Filename), c.At.Line)
		for _, m := range c.Mutators {
			m.explain(&b)
		}
		b.WriteString("  state\n")
		explainFields(&b, c.State)
		schema := schemas[filepath.Base(c.fileBase(pkg.Dir))+".fbs"]
		fmt.Fprintf(&b, "  schema\n%s", indented(schema[strings.Index(schema, "namespace"):]))
	}
	fmt.Fprintf(&b, "\nBytes of a call are those in a batch, with strings of %d bytes and %d items in slices and maps.\n", typicalText, typicalItems)
	return b.String(), nil
}

func (m *Mutator) explain(b *strings.Builder) {
	size := 0
	how := "without arguments"
	if len(m.Args.Fields) > 0 {
		if l := newLayout(structSlots(m.Args)); l != nil {
			how = "at fixed places"
			size = l.typical()
		} else {
			how = "by a Builder"
			size = 4 + m.Args.typical(true)
		}
	}
	fmt.Fprintf(b, "  mutator %d %s: %d bytes a call, %s\n", m.ID, m.Name(), callHead+(size+7)&^7, how)
	explainFields(b, m.Args)
	switch {
	case m.Merge != nil:
		fmt.Fprintf(b, "    %s\n", m.Merge.explain())
	case m.Combines != "":
		fmt.Fprintf(b, "    could be combined: calls in a row are one call with %s\n", m.Combines)
	}
}

// says is what the proxy says of merging.
func (g *merge) says() string {
	if g.Commutes {
		return "Calls that wait to be sent merge, also past others."
	}
	return "Calls that wait to be sent merge with their neighbours."
}

// explain says the same with what to do about it.
func (g *merge) explain() string {
	if g.Commutes {
		return "waiting calls merge, also past calls of other mutators and objects in the same batch"
	}
	return "waiting calls merge with their neighbours: those of other mutators or objects in between keep them apart, so that two in turn never merge; if it commutes with every call, say commutes"
}

func explainFields(b *strings.Builder, t *Type) {
	for _, s := range structSlots(t) {
		name := s.Go
		if s.Type == nil {
			name += " (retired)"
		}
		fmt.Fprintf(b, "    %d %s %s\n", s.ID, name, s.Wire)
	}
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// typical is the length of a buffer with this layout.
func (l *layout) typical() int {
	end := len(l.template)
	for _, s := range l.root.vectors {
		align := max(4, alignment(s.Type))
		end = (end+4+align-1)&^(align-1) + s.Type.contents()
	}
	return end
}

// contents is the length of what stands behind the count of a vector, or of a string.
func (t *Type) contents() int {
	switch t.Kind {
	case String:
		return typicalText + 1
	case Binary:
		return typicalText
	case Array:
		return int(t.Len) * t.Elem.typical(false)
	}
	return typicalItems * t.Elem.typical(false)
}

// typical is about the length of a value of type t with all that it refers to: as an element of a vector, or by itself.
func (t *Type) typical(root bool) int {
	offset := 4
	if root {
		offset = 0
	}
	switch t.Kind {
	case Scalar:
		return t.Scalar.bytes
	case String, Slice, Array, Binary:
		return offset + 4 + (t.contents()+3)&^3
	case Map:
		size := offset + 16 + 8 + typicalItems*t.Key.typical(false)
		if !isSet(t) {
			size += 4 + typicalItems*t.Elem.typical(false)
		}
		return size
	case Pointer:
		if t.Elem.Kind == Struct {
			return offset + 24 // not what it leads to: that may be itself
		}
		return offset + 12 + t.Elem.typical(false)
	case Matrix:
		return offset + 40 + 8*typicalItems
	}
	size := offset + 8 + 2*len(t.Fields)
	for _, f := range t.Fields {
		size += f.Type.typical(false)
	}
	return size
}
