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
		p := &picker{steps: steps, yield: yield}
		for e, err := range events {
			if err != nil {
				yield(Event{}, err)
				return
			}
			if !p.add(e) {
				break
			}
		}
		if !p.found && !p.stopped {
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

// A picker follows a path through events. depth is how many things were begun; matched is how many steps of the path the
// present place has taken, each at its own depth.
type picker struct {
	steps   []string
	yield   func(Event, error) bool
	found   bool
	stopped bool

	open   []pickLevel
	taking int // depth inside what was found; only then events are passed on
	part   *part
}

type pickLevel struct {
	begin   Event
	index   int
	on      bool // the path has led into it
	entered bool // its present field, key or element is on the path
}

// add takes one event; false when nothing more is wanted.
func (p *picker) add(e Event) bool {
	if p.part != nil {
		return p.inMatrix(e)
	}
	if p.found {
		return p.pass(e)
	}
	if len(p.open) == 0 && len(p.steps) == 0 {
		p.found = true
		return p.pass(e)
	}
	var top *pickLevel
	if n := len(p.open); n > 0 {
		top = &p.open[n-1]
	}
	switch e.Kind {
	case Field, Key:
		name := e.Name
		if e.Kind == Key {
			name = "[" + squeeze(string(keyText(e))) + "]"
		}
		top.entered = top.on && p.steps[len(p.open)-1] == name
		if top.entered && len(p.open) == len(p.steps) && top.begin.Kind == Set {
			p.found = true
			return false
		}
		return true
	case End:
		p.open = p.open[:len(p.open)-1]
		return true
	case Values:
		return p.elements(top, e)
	}
	on := top == nil
	if top != nil {
		if k := top.begin.Kind; k != Struct && k != Map && k != Set {
			top.entered = top.on && p.steps[len(p.open)-1] == "["+strconv.Itoa(top.index)+"]"
			top.index++
		}
		on = top.entered
	}
	if on && len(p.open) == len(p.steps) {
		p.found = true
		return p.pass(e)
	}
	if on && (e.Kind == Dense || e.Kind == Symmetric) {
		p.part = partOf(e, p.steps[len(p.open):])
		if p.part != nil && p.part.row {
			p.found = true
			return p.give(Event{Kind: List, Scalar: Float64})
		}
		return p.part != nil // nothing behind it can be the place
	}
	if e.Kind.begins() {
		p.open = append(p.open, pickLevel{begin: e, on: on})
	}
	return true
}

// A part is a row of a matrix, or one number.
type part struct {
	lo, hi int64 // which of its numbers
	at     int64 // how many have come
	row    bool
}

// partOf returns what the steps of a path, [i] or [i][j], lead to in a matrix; nil when that is nothing.
func partOf(m Event, steps []string) *part {
	var at []int64
	for _, s := range steps {
		n, err := strconv.ParseInt(strings.Trim(s, "[]"), 10, 64)
		if err != nil || s != "["+strconv.FormatInt(n, 10)+"]" || n < 0 || len(at) == 2 {
			return nil
		}
		at = append(at, n)
	}
	row := len(at) == 1
	if m.Kind == Symmetric && !row && at[0] > at[1] {
		at[0], at[1] = at[1], at[0]
	}
	i, first := at[0], int64(0) // the row, and the column in which it begins
	if m.Kind == Symmetric {
		first = i
	}
	if i >= m.Rows || !row && at[1] >= m.Cols {
		return nil
	}
	lo := i * m.Cols
	if m.Kind == Symmetric {
		lo -= i * (i - 1) / 2
	}
	if row {
		return &part{lo: lo, hi: lo + m.Cols - first, row: true}
	}
	lo += at[1] - first
	return &part{lo: lo, hi: lo + 1}
}

// inMatrix passes on what belongs to the part that the path leads to.
func (p *picker) inMatrix(e Event) bool {
	m, size := p.part, int64(Float64.Size())
	if e.Kind == Values {
		n := int64(len(e.Data)) / size
		lo, hi := max(m.lo-m.at, 0), min(m.hi-m.at, n)
		m.at += n
		if lo < hi {
			e.Data = e.Data[lo*size : hi*size]
			if !m.row {
				p.found, e.Kind = true, Value
			}
			if !p.give(e) {
				return false
			}
		}
	}
	if m.at < m.hi && e.Kind != End {
		return true
	}
	if m.row {
		p.give(Event{Kind: End})
	}
	return false
}

// give hands on an event of the picker's own.
func (p *picker) give(e Event) bool {
	p.stopped = !p.yield(e, nil)
	return !p.stopped
}

// elements looks for one element among several scalars in a row.
func (p *picker) elements(top *pickLevel, e Event) bool {
	size := e.Scalar.Size()
	n := len(e.Data) / size
	if top.on && len(p.open) == len(p.steps) {
		for i := range n {
			if p.steps[len(p.open)-1] == "["+strconv.Itoa(top.index+i)+"]" {
				p.found = true
				p.stopped = !p.yield(Event{Kind: Value, Scalar: e.Scalar, Data: e.Data[i*size : (i+1)*size]}, nil)
				return false
			}
		}
	}
	top.index += n
	return true
}

// pass hands on an event of what was found; false behind its end.
func (p *picker) pass(e Event) bool {
	switch {
	case e.Kind == End:
		p.taking--
	case e.Kind.begins():
		p.taking++
	}
	if !p.yield(e, nil) {
		p.stopped = true
		return false
	}
	return p.taking > 0 || e.Kind == Field || e.Kind == Key
}

// Short writes what events yield as one line of text, cut short.
func Short(events iter.Seq2[Event, error]) (string, error) {
	var t shortText
	for e, err := range events {
		if err != nil {
			return "", err
		}
		t.add(e)
		if t.cut {
			break // the rest would not be shown
		}
	}
	return t.String(), nil
}
