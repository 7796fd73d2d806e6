package gen

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// A directive is one //dsss:word comment with its options, such as id=7.
type directive struct {
	pos     token.Pos
	word    string
	options map[string]string
}

// The words of directives, and the options that each takes.
var directiveOptions = map[string][]string{
	"mutator": {"id", "replays", "combine"},
	"getter":  nil,
	"local":   nil,
	"class":   {"name"},
	"removed": {"field", "func"},
	"renamed": {"from", "to"},
}

var almostDirective = regexp.MustCompile(`^//\s+dsss:\s*(mutator|getter|local|class|removed|renamed)\b`)

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

// isAllow tells whether a comment is a word to dsss vet about the line that it stands on, which is not ours to judge.
func isAllow(text string) bool { return strings.HasPrefix(text, "//dsss:allow") }

func (m *modeller) directive(pos token.Pos, text string) (directive, bool) {
	words := strings.Fields(text)
	if len(words) == 0 || !strings.HasPrefix(text, words[0]) {
		words = append([]string{""}, words...)
	}
	d := directive{pos: pos, word: words[0], options: map[string]string{}}
	allowed, known := directiveOptions[d.word]
	if !known {
		m.problem(pos, "//dsss:%s is not known; there are //dsss:mutator [id=N] [replays=NAME] [combine=HOW], //dsss:getter and //dsss:local for methods, //dsss:class name=NAME and //dsss:removed field=NAME [func=METHOD] for structs, and //dsss:renamed from=OLD [to=NEW] for both", d.word)
		return d, false
	}
	for _, option := range words[1:] {
		key, value, ok := strings.Cut(option, "=")
		if !ok || !slices.Contains(allowed, key) || value == "" {
			want := "no options"
			if len(allowed) > 0 {
				want = "only " + strings.Join(allowed, "=, ") + "="
			}
			m.problem(pos, "//dsss:%s takes %s, not %q; remove it, and write remarks on a line of their own", d.word, want, option)
			return d, false
		}
		d.options[key] = value
	}
	return d, true
}

// strayDirectives reports directives that no method or struct took: a blank line below one or a space within one would
// otherwise turn a mutator into a getter without a word.
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
