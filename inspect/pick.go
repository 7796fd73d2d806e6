package inspect

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// Pick yields what path leads to in a state: field names behind dots, the first one without; indices and keys in brackets,
// strings among them as Go writes them, arrays and structs as texts show them: pool[3].bound, names["a"], cells[[1, 2]],
// loss[{Rate: 0.5, Steps: 3}]. An element of a matrix is at [i][j], a row, of a symmetric one what is right of the
// diagonal, at [i]. The empty path leads to all of it. It yields an error when there is no such place, [ErrNoPlace], or the
// path is none, [ErrPath].
func Pick(events iter.Seq2[Event, error], path string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		steps, err := parsePath(path)
		if err != nil {
			yield(Event{}, err)
			return
		}
		c, stop := newCursor(events)
		defer stop()
		p := &picker{cursor: c, yield: yield}
		p.find(steps)
		if p.err == nil && !p.found {
			p.err = fmt.Errorf("%w: %s", ErrNoPlace, path)
		}
		if p.err != nil {
			yield(Event{}, p.err)
		}
	}
}

// ErrNoPlace: a path leads nowhere in a state.
var ErrNoPlace = errors.New("the state has no such place")

// ErrPath: a text is no path.
var ErrPath = errors.New("want a path such as scores[\"w0\"][3].name")

// parsePath cuts a path into field names and, in brackets, keys.
func parsePath(path string) (steps []string, err error) {
	for rest := path; rest != ""; {
		switch {
		case rest[0] == '[':
			end := bracketed(rest)
			if end < 3 {
				return nil, fmt.Errorf("path %s: %s is no index or key in brackets: %w", path, rest, ErrPath)
			}
			steps, rest = append(steps, squeeze(rest[:end])), rest[end:]
		default:
			if rest[0] == '.' {
				rest = rest[1:]
			}
			end := 0
			for end < len(rest) && rest[end] != '.' && rest[end] != '[' {
				end++
			}
			if end == 0 {
				return nil, fmt.Errorf("path %s: a name is missing: %w", path, ErrPath)
			}
			steps, rest = append(steps, rest[:end]), rest[end:]
		}
	}
	return steps, nil
}

// bracketed is how many bytes of text, which begins with a bracket, go up to the one that closes it; 0 when none does.
func bracketed(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += quotedLen(text[i:]) - 1
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// A picker follows a path through events, and hands on those of what it leads to.
type picker struct {
	cursor
	yield func(Event, error) bool
	found bool
}

// give hands on an event of what was found.
func (p *picker) give(e Event) bool {
	p.found = true
	return p.yield(e, nil)
}

// find hands on what the steps lead to in the value that comes next.
func (p *picker) find(steps []string) {
	if len(steps) == 0 {
		p.value(p.give)
		return
	}
	begin, _ := p.next()
	switch begin.Kind {
	case Struct, Map, Set:
		p.member(begin.Kind == Set, steps)
	case List, Vector, Dense, Symmetric:
		if s, ok := spanOf(begin, steps); ok {
			p.element(s)
		}
	}
}

// member goes on with the field or the key that the first step names.
func (p *picker) member(set bool, steps []string) {
	for {
		e, ok := p.next()
		if !ok || e.Kind == End {
			return
		}
		name := e.Name
		if e.Kind == Key {
			name = "[" + squeeze(string(keyText(e))) + "]"
		}
		switch {
		case name != steps[0]:
			if !set && !p.value(func(Event) bool { return true }) {
				return
			}
		case set:
			p.found = len(steps) == 1 // there is nothing to hand on
			return
		default:
			p.find(steps[1:])
			return
		}
	}
}

// A span is elements of a slice or array, or numbers of a matrix by rows.
type span struct {
	lo, hi int64
	row    bool     // a row of a matrix; one element otherwise
	steps  []string // from the element on
}

// spanOf returns what the first steps of a path lead to behind begin: [i], or [i][j] in a matrix.
func spanOf(begin Event, steps []string) (s span, ok bool) {
	matrix := begin.Kind == Dense || begin.Kind == Symmetric
	var at [2]int64
	n := 1
	if matrix {
		n = min(len(steps), 2)
	}
	for k, step := range steps[:n] {
		i, err := strconv.ParseInt(strings.Trim(step, "[]"), 10, 64)
		if err != nil || step != "["+strconv.FormatInt(i, 10)+"]" || i < 0 {
			return s, false
		}
		at[k] = i
	}
	i, j, rest := at[0], at[1], steps[n:]
	if !matrix {
		return span{lo: i, hi: i + 1, steps: rest}, true
	}
	before := int64(0) // numbers of the row that a symmetric matrix leaves out
	if begin.Kind == Symmetric {
		if n == 2 {
			i, j = min(i, j), max(i, j)
		}
		before = i
	}
	if i >= begin.Rows || j >= begin.Cols && n == 2 || len(rest) > 0 {
		return s, false
	}
	first := i*begin.Cols - before*(before-1)/2 // of the row
	if n == 1 {
		return span{lo: first, hi: first + begin.Cols - before, row: true}, true
	}
	return span{lo: first + j - before, hi: first + j - before + 1}, true
}

// element hands on a span of the elements that come next, or what the steps lead to in it.
func (p *picker) element(s span) {
	if s.row && !p.give(Event{Kind: List, Scalar: Float64}) {
		return
	}
	for at := int64(0); at < s.hi; {
		e, ok := p.next()
		switch {
		case !ok || e.Kind == End:
			return
		case e.Kind == Values:
			size := int64(e.Scalar.Size())
			n := int64(len(e.Data)) / size
			lo, hi := max(s.lo-at, 0), min(s.hi-at, n)
			if at += n; lo >= hi {
				continue
			}
			e.Data = e.Data[lo*size : hi*size]
			if !s.row {
				e.Kind = Value
			}
			if len(s.steps) > 0 || !p.give(e) {
				return
			}
		default:
			p.back(e)
			if at == s.lo {
				p.find(s.steps)
				return
			}
			if !p.value(func(Event) bool { return true }) {
				return
			}
			at++
		}
	}
	if s.row {
		p.give(Event{Kind: End})
	}
}
