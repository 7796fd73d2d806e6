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
		p := &picker{steps: steps, yield: yield, here: true}
		for e, err := range events {
			if err != nil {
				yield(Event{}, err)
				return
			}
			if !p.add(e) {
				break
			}
		}
		if !p.found {
			yield(Event{}, fmt.Errorf("%w: %s", ErrNoPlace, path))
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

// A picker follows a path through events, and hands on those of what it leads to. Its functions tell whether to go on.
type picker struct {
	steps []string // that are left
	yield func(Event, error) bool
	found bool
	gone  bool // there is no such place: what follows is read for its errors
	depth int  // in what was found, or in what the path leads past

	in   Kind // what the path has led into; none at first
	span      // where it leads to in there, when that has elements
	at   int64
	here bool // it leads to the value that comes next
}

func (p *picker) add(e Event) bool {
	switch {
	case p.gone:
		return true
	case p.found && !p.row:
		p.depth += e.Kind.depth()
		return p.yield(e, nil) && p.depth > 0
	case p.depth > 0:
		p.depth += e.Kind.depth()
		return true
	}
	switch e.Kind {
	case Field:
		p.step(e.Name)
	case Key:
		p.step("[" + squeeze(string(keyText(e))) + "]")
		if p.here && p.in == Set { // there is nothing to hand on
			p.found = len(p.steps) == 0
			p.gone = !p.found
			return p.gone
		}
	case Values:
		return p.numbers(e)
	case End:
		p.gone = true
	default:
		return p.value(e)
	}
	return true
}

// step takes the next step when it is this one.
func (p *picker) step(name string) {
	if p.here = p.steps[0] == name; p.here {
		p.steps = p.steps[1:]
	}
}

// value goes into what the path leads to, and past anything else.
func (p *picker) value(e Event) bool {
	if p.in >= List {
		p.here = p.at == p.lo
		p.at++
	}
	switch {
	case !p.here:
		p.depth = e.Kind.depth()
		return true
	case len(p.steps) == 0:
		p.found, p.depth = true, e.Kind.depth()
		return p.yield(e, nil) && p.depth > 0
	}
	p.in, p.at, p.here = e.Kind, 0, false
	switch e.Kind {
	case Struct, Map, Set:
		return true
	case List, Dense, Vector, Symmetric:
		var ok bool
		if p.span, p.steps, ok = spanOf(e, p.steps); ok {
			p.found = p.row
			return !p.row || p.yield(Event{Kind: List, Scalar: Float64}, nil) && p.more()
		}
	}
	p.gone = true
	return true
}

// numbers hands on those of several scalars that the path leads to.
func (p *picker) numbers(e Event) bool {
	size := int64(e.Scalar.Size())
	n := int64(len(e.Data)) / size
	lo, hi := max(p.lo-p.at, 0), min(p.hi-p.at, n)
	if p.at += n; lo >= hi {
		return true
	}
	if p.gone = len(p.steps) > 0; p.gone {
		return true
	}
	e.Data = e.Data[lo*size : hi*size]
	if !p.row {
		p.found, e.Kind = true, Value
	}
	return p.yield(e, nil) && p.row && p.more()
}

// more tells whether numbers of a row are to come, and ends it otherwise.
func (p *picker) more() bool {
	if p.at < p.hi {
		return true
	}
	p.yield(Event{Kind: End}, nil)
	return false
}

// A span is elements of a slice or array, or numbers of a matrix by rows: a row, or else one element.
type span struct {
	lo, hi int64
	row    bool
}

// spanOf returns what the first steps of a path lead to behind begin, [i], or [i][j] in a matrix, and the steps behind those.
func spanOf(begin Event, steps []string) (s span, rest []string, ok bool) {
	matrix := begin.Kind == Dense || begin.Kind == Symmetric
	var at [2]int64
	n := 1
	if matrix {
		n = min(len(steps), 2)
	}
	for k, step := range steps[:n] {
		i, err := strconv.ParseInt(strings.Trim(step, "[]"), 10, 64)
		if err != nil || step != "["+strconv.FormatInt(i, 10)+"]" || i < 0 {
			return s, nil, false
		}
		at[k] = i
	}
	i, j, rest := at[0], at[1], steps[n:]
	if !matrix {
		return span{lo: i, hi: i + 1}, rest, true
	}
	before := int64(0) // numbers of the row that a symmetric matrix leaves out
	if begin.Kind == Symmetric {
		if n == 2 {
			i, j = min(i, j), max(i, j)
		}
		before = i
	}
	if i >= begin.Rows || j >= begin.Cols && n == 2 || len(rest) > 0 {
		return s, nil, false
	}
	first := i*begin.Cols - before*(before-1)/2 // of the row
	if n == 1 {
		return span{first, first + begin.Cols - before, true}, nil, true
	}
	return span{first + j - before, first + j - before + 1, false}, nil, true
}
