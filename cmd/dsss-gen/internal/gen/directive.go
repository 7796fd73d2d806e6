package gen

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// A directive is one //dsss:word comment with its options, such as id=7. One that takes no value, such as commutes, has an
// empty one.
type directive struct {
	pos     token.Pos
	word    string
	options map[string]string
}

// A Directive is a kind of mark that the generator knows. docs/directives.md has a section for each, and dsss-gen --help and
// the errors about unknown ones are made of them.
type Directive struct {
	Word    string
	Options []string // each NAME=VALUE, or NAME for one without a value; in brackets when it may be left out
	On      string   // what it stands above
	Does    string   // in a few words
}

// Directives are all that there are.
var Directives = []Directive{
	{"mutator", []string{"[id=N]", "[replays=NAME]", "[combine=HOW]", "[commutes]"}, "a method", "changes the struct: it is ordered, and runs on every copy of it"},
	{"getter", nil, "a method", "reads; exported methods without a mark are getters where they can be"},
	{"local", nil, "a method", "is no part of the proxy"},
	{"class", []string{"name=NAME"}, "the struct", "gives the class another name than package.Type"},
	{"hosted", nil, "the struct", "asks for a second proxy, of hosted objects, of which workers have no copy"},
	{"removed", []string{"field=NAME", "[func=METHOD]"}, "a struct", "says that a field is gone, and which method gets what old states hold of it"},
	{"renamed", []string{"from=OLD", "[to=NEW]"}, "a struct or a mutator", "says what a field, parameter or mutator was called"},
}

// String is the directive as it is written.
func (d Directive) String() string {
	return strings.Join(append([]string{"//dsss:" + d.Word}, d.Options...), " ")
}

// takes tells whether there is such an option, and whether it has a value.
func (d Directive) takes(name string) (known, valued bool) {
	for _, o := range d.Options {
		if key, _, valued := strings.Cut(strings.Trim(o, "[]"), "="); key == name {
			return true, valued
		}
	}
	return false, false
}

func directiveOf(word string) (Directive, bool) {
	i := slices.IndexFunc(Directives, func(d Directive) bool { return d.Word == word })
	if i < 0 {
		return Directive{}, false
	}
	return Directives[i], true
}

// everyDirective names them all, for the message about one that does not exist.
func everyDirective() string {
	var all []string
	for _, d := range Directives {
		all = append(all, fmt.Sprintf("%v on %s", d, d.On))
	}
	return strings.Join(all, ", ")
}

var almostDirective = func() *regexp.Regexp {
	var words []string
	for _, d := range Directives {
		words = append(words, d.Word)
	}
	return regexp.MustCompile(`^//\s+dsss:\s*(` + strings.Join(words, "|") + `)\b`)
}()

// directives returns the directives in a doc comment, checked by themselves, and marks them as used in attached.
func (m *modeller) directives(doc *ast.CommentGroup) []directive {
	if doc == nil {
		return nil
	}
	var found []directive
	for _, c := range doc.List {
		text, ok := strings.CutPrefix(c.Text, "//dsss:")
		if !ok || isAllow(c.Text) {
			continue
		}
		m.attached[c.Pos()] = true
		if d, ok := m.directive(c.Pos(), text); ok {
			found = append(found, d)
		}
	}
	return found
}

// isAllow tells whether a comment is for dsss vet, about the line that it stands on; it is not checked here.
func isAllow(text string) bool { return strings.HasPrefix(text, "//dsss:allow") }

func (m *modeller) directive(pos token.Pos, text string) (directive, bool) {
	words := strings.Fields(text)
	if len(words) == 0 || !strings.HasPrefix(text, words[0]) {
		words = append([]string{""}, words...)
	}
	d := directive{pos: pos, word: words[0], options: map[string]string{}}
	kind, known := directiveOf(d.word)
	if !known {
		m.problem(pos, "//dsss:%s is not known; there are %s; see docs/directives.md", d.word, everyDirective())
		return d, false
	}
	for _, option := range words[1:] {
		key, value, hasValue := strings.Cut(option, "=")
		if known, valued := kind.takes(key); !known || valued != hasValue || valued && value == "" {
			want := "no options"
			if len(kind.Options) > 0 {
				want = "only " + strings.NewReplacer("[", "", "]", "").Replace(strings.Join(kind.Options, ", "))
			}
			m.problem(pos, "//dsss:%s takes %s, not %q; remove it, and write remarks on a line of their own", d.word, want, option)
			return d, false
		}
		if _, twice := d.options[key]; twice {
			m.problem(pos, "//dsss:%s has %s twice; keep one", d.word, key)
			return d, false
		}
		d.options[key] = value
	}
	return d, true
}

// strayDirectives reports directives that no method or struct took: a blank line below one or a space within one would
// otherwise silently turn a mutator into a getter.
func (m *modeller) strayDirectives() {
	for _, f := range m.src.files {
		for _, group := range f.Comments {
			for _, c := range group.List {
				switch {
				case m.attached[c.Pos()], isAllow(c.Text):
				case strings.HasPrefix(c.Text, "//dsss:"):
					m.problem(c.Pos(), "%s stands before no method or struct; put it directly above one", c.Text)
				case almostDirective.MatchString(c.Text):
					m.problem(c.Pos(), "%q is a remark and not a directive; write it without the space", c.Text)
				}
			}
		}
	}
}
