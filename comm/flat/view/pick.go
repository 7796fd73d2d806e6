package view

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
)

// Pick yields what path leads to in a state: field names behind dots, the first one without; indices and keys in brackets,
// strings among them as Go writes them: pool[3].bound, names["a"]. The empty path leads to all of it. It yields an error
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
		case rest[0] == '[' && len(rest) > 1 && rest[1] == '"':
			q, err := strconv.QuotedPrefix(rest[1:])
			if err != nil || len(rest) < len(q)+2 || rest[len(q)+1] != ']' {
				return nil, fmt.Errorf("path %s: %s is no key in brackets", path, rest)
			}
			steps, rest = append(steps, "["+q+"]"), rest[len(q)+2:]
		case rest[0] == '[':
			end := 1
			for end < len(rest) && rest[end] != ']' {
				end++
			}
			if end == len(rest) || end == 1 {
				return nil, fmt.Errorf("path %s: %s is no index in brackets", path, rest)
			}
			steps, rest = append(steps, rest[:end+1]), rest[end+1:]
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
			name = "[" + string(fullKey(e)) + "]"
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

// fullKey is a key as a path names it, whole.
func fullKey(e Event) []byte {
	if e.Scalar != 0 {
		return e.Scalar.Append(nil, e.Data)
	}
	return strconv.AppendQuote(nil, string(e.Data))
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
