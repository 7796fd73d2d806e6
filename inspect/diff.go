package inspect

import (
	"bytes"
	"cmp"
	"iter"
	"strconv"
)

// A Difference is one place in which two states differ: a scalar, a string, or something that only one of them has.
type Difference struct {
	// Path leads from the state to the place, such as pool[3].bound or names["a"].
	Path string
	// Field is the name of the state's field that the path begins with.
	Field string
	// Left and Right are what stands there, as text that is cut short: that of a string begins shortly before the first
	// byte that differs. Absent stands for nothing at all.
	Left, Right string
	// Count is how many places the difference is about: more than one for the elements that only the longer of two slices
	// has.
	Count int
}

// Absent is the text of what one of two states does not have.
const Absent = "absent"

// FirstDifference names the first place in which two states of one class differ, in the order of fields, elements and keys.
// Nothing is read behind it. The error is about a state, or wraps [ErrSchema].
func FirstDifference(schema string, a, b Chunks) (path, left, right string, differ bool, err error) {
	s, err := Parse(schema)
	if err != nil {
		return "", "", "", false, err
	}
	for d, err := range Differences(s, s, a, b) {
		return d.Path, d.Left, d.Right, err == nil, err
	}
	return "", "", "", false, nil
}

// Differences yields all places in which two states differ, in the order of fields, elements and keys. The schemas may be of
// two versions of a class, whose fields are told apart by id and name. It yields one error, and ends, when a state cannot be
// read.
func Differences(schemaA, schemaB *Schema, a, b Chunks) iter.Seq2[Difference, error] {
	return func(yield func(Difference, error) bool) {
		nextA, stopA := iter.Pull2(schemaA.Walk(a))
		defer stopA()
		nextB, stopB := iter.Pull2(schemaB.Walk(b))
		defer stopB()
		d := &differ{a: cursor{pull: nextA}, b: cursor{pull: nextB}, yield: yield}
		ok := d.value()
		if err := cmp.Or(d.a.err, d.b.err); err != nil && !d.stopped {
			yield(Difference{}, err)
			return
		}
		// What stands behind a state is checked by asking for one event more.
		if ok {
			d.a.next()
			d.b.next()
			if err := cmp.Or(d.a.err, d.b.err); err != nil {
				yield(Difference{}, err)
			}
		}
	}
}

// A cursor reads the events of one state.
type cursor struct {
	pull func() (Event, error, bool)
	held *Event
	err  error
}

// next returns the next event; false at the end and after an error.
func (c *cursor) next() (Event, bool) {
	if c.held != nil {
		e := *c.held
		c.held = nil
		return e, true
	}
	e, err, ok := c.pull()
	if c.err == nil {
		c.err = err
	}
	return e, ok && c.err == nil
}

// back makes e the next event again.
func (c *cursor) back(e Event) { c.held = &e }

// render returns the value that begins with the next event as a short text, and goes behind it.
func (c *cursor) render() (string, bool) {
	t := shortText{}
	for depth := 0; ; {
		e, ok := c.next()
		if !ok {
			return "", false
		}
		t.add(e)
		switch {
		case e.Kind == End:
			depth--
		case e.Kind.begins():
			depth++
		}
		if depth == 0 && e.Kind != Key && e.Kind != Field {
			return t.String(), true
		}
	}
}

// A differ compares two states. Its functions tell whether to go on.
type differ struct {
	a, b    cursor
	path    []byte
	field   string
	yield   func(Difference, error) bool
	stopped bool
}

func (d *differ) report(left, right string, count int) bool {
	d.stopped = !d.yield(Difference{string(d.path), d.field, left, right, count}, nil)
	return !d.stopped
}

// within compares or reports what do does, with more behind the path.
func (d *differ) within(step []byte, do func() bool) bool {
	n := len(d.path)
	d.path = append(d.path, step...)
	ok := do()
	d.path = d.path[:n]
	return ok
}

// value compares the values that come next.
func (d *differ) value() bool {
	a, okA := d.a.next()
	b, okB := d.b.next()
	if !okA || !okB {
		return false
	}
	if a.Kind != b.Kind || a.Rows != b.Rows || a.Cols != b.Cols || a.Kind == List && a.flat() != b.flat() {
		d.a.back(a)
		d.b.back(b)
		return d.whole()
	}
	switch a.Kind {
	case Value:
		if a.same(b, a.Data, b.Data) {
			return true
		}
		return d.report(string(a.Scalar.Append(nil, a.Data)), string(b.Scalar.Append(nil, b.Data)), 1)
	case Struct:
		return d.fields()
	case Map, Set:
		return d.entries(a.Kind == Map)
	case List, Dense, Vector, Symmetric:
		return d.items(a)
	case Text, Bytes, Binary:
		return d.bytes(a.Kind)
	}
	return true // two Nulls
}

// same compares two scalars that may be of different types.
func (e Event) same(other Event, a, b []byte) bool {
	if e.Scalar != other.Scalar {
		return string(e.Scalar.Append(nil, a)) == string(other.Scalar.Append(nil, b))
	}
	if e.Scalar == Time {
		a, b = a[:12], b[:12] // padding follows
	}
	return bytes.Equal(a, b)
}

// whole reports the values that come next as different.
func (d *differ) whole() bool {
	left, okA := d.a.render()
	right, okB := d.b.render()
	return okA && okB && d.report(left, right, 1)
}

// left and right report the value that comes next in one state alone.
func (d *differ) left() bool {
	text, ok := d.a.render()
	return ok && d.report(text, Absent, 1)
}

func (d *differ) right() bool {
	text, ok := d.b.render()
	return ok && d.report(Absent, text, 1)
}

// fields compares the fields of two structs, which ascend by id.
func (d *differ) fields() bool {
	for {
		a, okA := d.a.next()
		b, okB := d.b.next()
		if !okA || !okB {
			return false
		}
		if a.Kind == End && b.Kind == End {
			return true
		}
		order := cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Name, b.Name))
		switch {
		case a.Kind == End:
			order = 1
		case b.Kind == End:
			order = -1
		}
		if !d.one(a, b, order, d.step) {
			return false
		}
	}
}

// one compares what follows two Fields or Keys, or reports the smaller one's alone.
func (d *differ) one(a, b Event, order int, step func(Event) []byte) bool {
	do, of := d.value, a
	switch {
	case order < 0:
		d.b.back(b)
		do = d.left
	case order > 0:
		d.a.back(a)
		do, of = d.right, b
	}
	top := len(d.path) == 0
	if top {
		d.field = of.Name
	}
	return d.within(step(of), do)
}

// step is how a path goes on with a Field.
func (d *differ) step(e Event) []byte {
	if len(d.path) == 0 {
		return []byte(e.Name)
	}
	return append([]byte("."), e.Name...)
}

// keyStep is how it goes on with a Key.
func keyStep(e Event) []byte {
	return append(appendKey([]byte("["), e), ']')
}

// entries compares two maps or sets, whose keys ascend.
func (d *differ) entries(values bool) bool {
	for {
		a, okA := d.a.next()
		b, okB := d.b.next()
		if !okA || !okB {
			return false
		}
		if a.Kind == End && b.Kind == End {
			return true
		}
		order := 0
		switch {
		case a.Kind == End:
			order = 1
		case b.Kind == End:
			order = -1
		default:
			order = compareKeys(a, b)
		}
		if values {
			if !d.one(a, b, order, keyStep) {
				return false
			}
			continue
		}
		if !d.member(a, b, order) {
			return false
		}
	}
}

// compareNumbers orders two keys, of types that may differ.
func compareNumbers(a, b Event) int {
	x, signedX := a.Scalar.integer(a.Data)
	y, signedY := b.Scalar.integer(b.Data)
	negativeX, negativeY := signedX && int64(x) < 0, signedY && int64(y) < 0
	if negativeX != negativeY {
		if negativeX {
			return -1
		}
		return 1
	}
	return cmp.Compare(x, y)
}

// member compares two elements of sets.
func (d *differ) member(a, b Event, order int) bool {
	switch {
	case order < 0:
		d.b.back(b)
		return d.within(keyStep(a), func() bool { return d.report("present", Absent, 1) })
	case order > 0:
		d.a.back(a)
		return d.within(keyStep(b), func() bool { return d.report(Absent, "present", 1) })
	}
	return true
}

// indexStep is how a path goes on with an element of what begin began.
func indexStep(begin Event, i int64) []byte {
	step := append([]byte(nil), '[')
	switch begin.Kind {
	case Dense:
		step = strconv.AppendInt(step, i/max(1, begin.Cols), 10)
		step = strconv.AppendInt(append(step, "]["...), i%max(1, begin.Cols), 10)
	case Symmetric:
		row, cols := int64(0), begin.Rows
		for i >= cols && cols > 0 {
			i -= cols
			row, cols = row+1, cols-1
		}
		step = strconv.AppendInt(step, row, 10)
		step = strconv.AppendInt(append(step, "]["...), row+i, 10)
	default:
		step = strconv.AppendInt(step, i, 10)
	}
	return append(step, ']')
}
