package view

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
)

// Pick yields what path leads to in a state: field names behind dots, the first one without; indices and keys in brackets,
// strings among them as Go writes them, arrays and structs as texts show them: pool[3].bound, names["a"], cells[[1, 2]],
// loss[{rate: 0.5, steps: 3}]. The empty path leads to all of it. It yields an error
// when there is no such place.
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

// parsePath cuts a path into field names and, in brackets, keys.
func parsePath(path string) (steps []string, err error) {
	for rest := path; rest != ""; {
		switch {
		case rest[0] == '[':
			end := bracketed(rest)
			if end < 3 {
				return nil, fmt.Errorf("path %s: %s is no index or key in brackets", path, rest)
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
				return nil, fmt.Errorf("path %s: a name is missing", path)
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
}

type pickLevel struct {
	begin   Event
	index   int
	on      bool // the path has led into it
	entered bool // its present field, key or element is on the path
}

// add takes one event; false when nothing more is wanted.
func (p *picker) add(e Event) bool {
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
	if e.Kind.begins() {
		p.open = append(p.open, pickLevel{begin: e, on: on})
	}
	return true
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
