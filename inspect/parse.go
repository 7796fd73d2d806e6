package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"dsss/internal/limits"
)

// A lexer cuts a schema into words: names, numbers, quoted strings and signs. Comments are left out.
type lexer struct {
	rest string
	line int
}

// next returns the next word; empty at the end. A quoted string begins with its quote.
func (l *lexer) next() string {
	for {
		blank := len(l.rest) - len(strings.TrimLeft(l.rest, " \t\r\n"))
		l.skip(blank)
		if !strings.HasPrefix(l.rest, "//") {
			break
		}
		end := strings.IndexByte(l.rest, '\n')
		if end < 0 {
			end = len(l.rest)
		}
		l.skip(end)
	}
	if l.rest == "" {
		return ""
	}
	end := strings.IndexFunc(l.rest, func(r rune) bool { return !isName(r) })
	switch {
	case end < 0:
		end = len(l.rest)
	case end > 0:
	case l.rest[0] == '"':
		quoted, err := strconv.QuotedPrefix(l.rest)
		if err != nil {
			end = 1
		} else {
			end = len(quoted)
		}
	default:
		end = 1
	}
	word := l.rest[:end]
	l.skip(end)
	return word
}

func (l *lexer) skip(n int) {
	l.line += strings.Count(l.rest[:n], "\n")
	l.rest = l.rest[n:]
}

func isName(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// isIdentifier tells whether s can be the name of a field in Go.
func isIdentifier(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) < 0
}

// A parser makes a Schema of the words of a text.
type parser struct {
	lexer
	schema *Schema
}

func (p *parser) parse() error {
	if len(p.rest) > limits.Schema {
		return fmt.Errorf("it has %d bytes, at most %d are read", len(p.rest), limits.Schema)
	}
	for {
		word := p.next()
		if word == "" {
			return p.schema.resolve()
		}
		if word != "table" && word != "struct" {
			return p.unexpected(word)
		}
		if err := p.declaration(word); err != nil {
			return err
		}
	}
}

func (p *parser) unexpected(word string) error {
	if word == "" {
		return errors.New("it ends in the middle")
	}
	return fmt.Errorf("%q in line %d", word[:min(len(word), 40)], p.line)
}

func (p *parser) expect(want string) error {
	if word := p.next(); word != want {
		return p.unexpected(word)
	}
	return nil
}

func (p *parser) name() (string, error) {
	word := p.next()
	if word == "" || strings.IndexFunc(word, func(r rune) bool { return !isName(r) }) >= 0 {
		return "", p.unexpected(word)
	}
	return word, nil
}

// declaration reads a table or struct behind its first word.
func (p *parser) declaration(kind string) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	t := &table{name: name, ids: map[int]bool{}}
	if p.schema.tables[name] != nil {
		return fmt.Errorf("two declarations of %s", name)
	}
	p.schema.tables[name] = t
	word := p.next()
	if word == "(" {
		given, err := p.attributes()
		if err != nil {
			return err
		}
		for _, a := range given {
			if f, ok := forms[a.name]; ok {
				t.form = f
			}
		}
		word = p.next()
	}
	if word != "{" {
		return p.unexpected(word)
	}
	for {
		word := p.next()
		if word == "}" {
			break
		}
		if err := p.field(t, word); err != nil {
			return err
		}
	}
	slices.SortFunc(t.fields, func(a, b *field) int { return cmp.Compare(a.id, b.id) })
	if kind == "struct" || t.form == aScalar {
		return t.known(kind)
	}
	if p.schema.root == nil {
		p.schema.root = t
	}
	return nil
}

// forms are the attributes of tables and structs.
var forms = map[string]form{"map": aMap, "set": aMap, "box": aBox, "dense": aDense, "vector": aVector, "symmetric": aSymmetric, "time": aScalar, "complex": aScalar}

// known checks that a struct is one of those that there are.
func (t *table) known(kind string) error {
	for _, s := range []struct {
		scalar     Scalar
		name, a, b string
	}{{Time, "GoTime", "long", "int"}, {Complex64, "Complex64", "float", "float"}, {Complex128, "Complex128", "double", "double"}} {
		if kind == "struct" && t.form == aScalar && t.name == s.name && len(t.fields) == 2 && t.fields[0].wire == s.a && t.fields[1].wire == s.b {
			t.scalar = s.scalar
			return nil
		}
	}
	return fmt.Errorf("a struct %s", t.name)
}

// field reads a field whose name is given.
func (p *parser) field(t *table, name string) error {
	if name == "" || strings.IndexFunc(name, func(r rune) bool { return !isName(r) }) >= 0 {
		return p.unexpected(name)
	}
	f := &field{name: name, id: len(t.ids)}
	err := p.expect(":")
	if err != nil {
		return err
	}
	word := p.next()
	if f.vector = word == "["; f.vector {
		word = p.next()
	}
	if f.wire = word; word == "" {
		return p.unexpected(word)
	}
	if f.vector {
		if err := p.expect("]"); err != nil {
			return err
		}
	}
	word, deprecated := p.next(), false
	if word == "(" {
		given, err := p.attributes()
		if err != nil {
			return err
		}
		if deprecated, err = f.apply(given); err != nil {
			return err
		}
		word = p.next()
	}
	if word != ";" {
		return p.unexpected(word)
	}
	if t.ids[f.id] {
		return fmt.Errorf("two fields of %s with id %d", t.name, f.id)
	}
	t.ids[f.id] = true
	if !deprecated {
		t.fields = append(t.fields, f)
	}
	return nil
}

// apply puts attributes into the field.
func (f *field) apply(given []attribute) (deprecated bool, err error) {
	for _, a := range given {
		switch a.name {
		case "id":
			id, err := strconv.ParseUint(a.value, 10, 15)
			if err != nil {
				return false, fmt.Errorf("field %s has id %q", f.name, a.value)
			}
			f.id = int(id)
		case "go":
			name, err := strconv.Unquote(a.value)
			if err != nil || !isIdentifier(name) {
				return false, fmt.Errorf("field %s is called %s in Go", f.name, a.value)
			}
			f.name = name
		case "binary":
			if f.binary, err = strconv.Unquote(a.value); err != nil {
				return false, fmt.Errorf("field %s is binary of %s", f.name, a.value)
			}
		case "deprecated":
			deprecated = true
		}
	}
	return deprecated, nil
}

// An attribute has a value behind a colon, or none.
type attribute struct{ name, value string }

// attributes reads a list of them behind its opening parenthesis.
func (p *parser) attributes() (list []attribute, err error) {
	for {
		var a attribute
		if a.name, err = p.name(); err != nil {
			return nil, err
		}
		word := p.next()
		if word == ":" {
			a.value = p.next()
			word = p.next()
		}
		list = append(list, a)
		switch word {
		case ")":
			return list, nil
		case ",":
		default:
			return nil, p.unexpected(word)
		}
	}
}
