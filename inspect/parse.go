package inspect

import (
	"cmp"
	"fmt"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"text/scanner"

	"dsss/internal/limits"
)

// A parser makes a Schema of the words of a text: names and numbers, quoted strings, and signs.
type parser struct {
	scan   scanner.Scanner
	word   string // that comes next; empty at the end and behind the first error
	err    error
	schema *Schema
}

func (p *parser) parse(text string) (*Schema, error) {
	if len(text) > limits.Schema {
		return nil, fmt.Errorf("it has %d bytes, at most %d are read", len(text), limits.Schema)
	}
	p.scan.Init(strings.NewReader(text))
	p.scan.Mode = scanner.ScanIdents | scanner.ScanStrings | scanner.ScanComments | scanner.SkipComments
	p.scan.IsIdentRune = func(r rune, _ int) bool { return isName(r) }
	p.scan.Error = func(s *scanner.Scanner, what string) { p.fail("%s in line %d", what, s.Pos().Line) }
	p.schema = &Schema{tables: map[string]*table{}}
	for p.next(); p.word != ""; {
		p.declaration()
	}
	if p.err == nil {
		p.err = p.schema.resolve()
	}
	return p.schema, p.err
}

// next goes behind the word that comes next, and returns it.
func (p *parser) next() string {
	word := p.word
	p.word = ""
	if p.err == nil && p.scan.Scan() != scanner.EOF && p.err == nil {
		p.word = p.scan.TokenText()
	}
	return word
}

// take tells whether the next word is this one, and goes behind it.
func (p *parser) take(want string) bool { return p.word == want && p.next() == want }

func (p *parser) expect(want string) {
	if !p.take(want) {
		p.unexpected()
	}
}

func (p *parser) name() string {
	if p.word == "" || !isName(rune(p.word[0])) {
		p.unexpected()
	}
	return p.next()
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	p.word = ""
}

func (p *parser) unexpected() {
	if p.word == "" {
		p.fail("it ends in the middle")
	} else {
		p.fail("%q in line %d", p.word[:min(len(p.word), 40)], p.scan.Line)
	}
}

func isName(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// declaration reads a table or a struct.
func (p *parser) declaration() {
	isStruct := p.take("struct")
	if !isStruct {
		p.expect("table")
	}
	t := &table{name: p.name(), ids: map[int]bool{}}
	if p.schema.tables[t.name] != nil {
		p.fail("two declarations of %s", t.name)
	}
	p.schema.tables[t.name] = t
	for _, a := range p.attributes() {
		t.form = cmp.Or(forms[a.name], t.form)
	}
	p.expect("{")
	for !p.take("}") && p.err == nil {
		p.field(t)
	}
	slices.SortFunc(t.fields, func(a, b *field) int { return cmp.Compare(a.id, b.id) })
	switch {
	case isStruct || t.form == aScalar:
		if t.scalar = t.known(); !isStruct || t.scalar == 0 {
			p.fail("a struct %s", t.name)
		}
	case p.schema.root == nil:
		p.schema.root = t
	}
}

// forms are the attributes of tables and structs.
var forms = map[string]form{"map": aMap, "set": aMap, "box": aBox, "dense": aDense, "vector": aVector, "symmetric": aSymmetric, "time": aScalar, "complex": aScalar}

// known is the scalar that a struct of FlatBuffers stands for; none when it is not one of those that there are.
func (t *table) known() Scalar {
	for _, s := range []struct {
		scalar     Scalar
		name, a, b string
	}{{Time, "GoTime", "long", "int"}, {Complex64, "Complex64", "float", "float"}, {Complex128, "Complex128", "double", "double"}} {
		if t.form == aScalar && t.name == s.name && len(t.fields) == 2 && t.fields[0].wire == s.a && t.fields[1].wire == s.b {
			return s.scalar
		}
	}
	return 0
}

func (p *parser) field(t *table) {
	f := &field{name: p.name(), id: len(t.ids)}
	p.expect(":")
	f.vector = p.take("[")
	if f.wire = p.next(); f.vector {
		p.expect("]")
	}
	deprecated := p.apply(f, p.attributes())
	p.expect(";")
	if t.ids[f.id] {
		p.fail("two fields of %s with id %d", t.name, f.id)
	}
	t.ids[f.id] = true
	if !deprecated {
		t.fields = append(t.fields, f)
	}
}

// apply puts attributes into the field.
func (p *parser) apply(f *field, given []attribute) (deprecated bool) {
	for _, a := range given {
		switch a.name {
		case "id":
			id, err := strconv.ParseUint(a.value, 10, 15)
			if err != nil {
				p.fail("field %s has id %q", f.name, a.value)
			}
			f.id = int(id)
		case "go":
			name, err := strconv.Unquote(a.value)
			if err != nil || !token.IsIdentifier(name) {
				p.fail("field %s is called %s in Go", f.name, a.value)
			}
			f.name = name
		case "binary":
			var err error
			if f.binary, err = strconv.Unquote(a.value); err != nil {
				p.fail("field %s is binary of %s", f.name, a.value)
			}
		case "deprecated":
			deprecated = true
		}
	}
	return deprecated
}

// An attribute has a value behind a colon, or none.
type attribute struct{ name, value string }

// attributes reads a list of them in parentheses, if there is one.
func (p *parser) attributes() (list []attribute) {
	for sign := "("; p.take(sign); sign = "," {
		a := attribute{name: p.name()}
		if p.take(":") {
			a.value = p.next()
		}
		list = append(list, a)
	}
	if list != nil {
		p.expect(")")
	}
	return list
}
