package gen

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// names are the identifiers of a package's scope: those of the user and those that we have added.
type names struct{ taken map[string]bool }

func newNames(scope []string) *names {
	n := &names{taken: map[string]bool{}}
	for _, name := range scope {
		n.taken[name] = true
	}
	return n
}

// claim takes exactly this name, which was found free.
func (n *names) claim(name string) { n.taken[name] = true }

// fresh takes base or, when that is taken, base with a number.
func (n *names) fresh(base string) string { return n.freshOf(base, "") }

// freshOf returns base, with a number if need be, such that it is free behind each of the prefixes, and takes those.
func (n *names) freshOf(base string, prefixes ...string) string {
	for i := 1; ; i++ {
		name := base
		if i > 1 {
			name = fmt.Sprintf("%s%d", base, i)
		}
		free := true
		for _, p := range prefixes {
			free = free && !n.taken[p+name]
		}
		if !free {
			continue
		}
		for _, p := range prefixes {
			n.taken[p+name] = true
		}
		return name
	}
}

// local returns base, or base with underscores, whichever is none of the names used.
func local(base string, used map[string]bool) string {
	for used[base] {
		base += "_"
	}
	used[base] = true
	return base
}

func upperFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// lowerFirst turns the name of something exported into that of something not: Counter to counter, TSPState to
// tspState.
func lowerFirst(s string) string {
	runes := []rune(s)
	for i := range runes {
		last := i+1 == len(runes)
		if !unicode.IsUpper(runes[i]) || i > 0 && !last && unicode.IsLower(runes[i+1]) {
			break
		}
		runes[i] = unicode.ToLower(runes[i])
	}
	return string(runes)
}

// snakeCase turns a Go name into one for a schema: byName to by_name, NodeID to node_id.
func snakeCase(s string) string {
	runes := []rune(s)
	var b strings.Builder
	for i, r := range runes {
		upper := unicode.IsUpper(r)
		if upper && i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]) || i+1 < len(runes) && unicode.IsUpper(runes[i-1]) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return ascii(b.String())
}

// ascii spells the letters that a schema cannot have by their code points.
func ascii(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "u%04x", r)
		}
	}
	return b.String()
}
