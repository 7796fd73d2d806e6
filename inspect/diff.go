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
		cursorA, stopA := newCursor(schemaA.Walk(a))
		defer stopA()
		cursorB, stopB := newCursor(schemaB.Walk(b))
		defer stopB()
		d := &differ{a: cursorA, b: cursorB, yield: yield}
		if d.value() {
			d.both() // what stands behind a state is checked by asking for one event more
		}
		if err := cmp.Or(d.a.err, d.b.err); err != nil && !d.stopped {
			yield(Difference{}, err)
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

// both returns the next event of each state.
func (d *differ) both() (a, b Event, ok bool) {
	a, okA := d.a.next()
	b, okB := d.b.next()
	return a, b, okA && okB
}

func (d *differ) report(left, right string, count int) bool {
	d.stopped = !d.yield(Difference{string(d.path), d.field, left, right, count}, nil)
	return !d.stopped
}

// reportOnly reports what only the state that c reads has.
func (d *differ) reportOnly(c *cursor, text string, count int) bool {
	if c == &d.a {
		return d.report(text, Absent, count)
	}
	return d.report(Absent, text, count)
}

// value compares the values that come next.
func (d *differ) value() bool {
	a, b, ok := d.both()
	if !ok {
		return false
	}
	if a.Kind != b.Kind || a.Rows != b.Rows || a.Cols != b.Cols || a.Kind == List && a.flat() != b.flat() {
		d.a.back(a)
		d.b.back(b)
		left, okA := d.a.text()
		right, okB := d.b.text()
		return okA && okB && d.report(left, right, 1)
	}
	switch a.Kind {
	case Value:
		return d.scalar(a, b, a.Data, b.Data)
	case Struct, Map, Set:
		return d.members(a.Kind == Set)
	case List, Dense, Vector, Symmetric:
		return d.items(a)
	case Text, Bytes, Binary:
		return d.bytes(a.Kind)
	}
	return true // two Nulls
}

// scalar compares two scalars, of the types that the events have.
func (d *differ) scalar(a, b Event, x, y []byte) bool {
	if a.Scalar == b.Scalar && bytes.Equal(x, y) {
		return true
	}
	left, right := string(a.Scalar.Append(nil, x)), string(b.Scalar.Append(nil, y))
	return left == right || d.report(left, right, 1)
}

// members compares the fields of two structs, which ascend by id, or the entries of two maps or sets, whose keys ascend.
func (d *differ) members(set bool) bool {
	for {
		a, b, ok := d.both()
		order := 0
		switch {
		case !ok:
			return false
		case a.Kind == End && b.Kind == End:
			return true
		case a.Kind == End:
			order = 1
		case b.Kind == End:
			order = -1
		case a.Kind == Field:
			order = cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Name, b.Name))
		default:
			order = compareKeys(a, b)
		}
		if !d.member(a, b, order, set) {
			return false
		}
	}
}

// member compares what follows two Fields or Keys, or reports the smaller one's alone.
func (d *differ) member(a, b Event, order int, set bool) bool {
	n := len(d.path)
	defer func() { d.path = d.path[:n] }()
	switch {
	case order < 0:
		d.b.back(b)
		d.step(a)
		return d.only(&d.a, set)
	case order > 0:
		d.a.back(a)
		d.step(b)
		return d.only(&d.b, set)
	}
	d.step(a)
	return set || d.value()
}

// only reports the value that comes next in one state alone; of a set there is none.
func (d *differ) only(c *cursor, set bool) bool {
	if set {
		return d.reportOnly(c, "present", 1)
	}
	text, ok := c.text()
	return ok && d.reportOnly(c, text, 1)
}

// step goes on with a Field or a Key.
func (d *differ) step(e Event) {
	switch {
	case e.Kind == Key:
		d.path = append(appendKey(append(d.path, '['), e), ']')
	case len(d.path) == 0:
		d.field = e.Name
		d.path = append(d.path, e.Name...)
	default:
		d.path = append(append(d.path, '.'), e.Name...)
	}
}

// element compares or reports what do does, with element i of what begin began behind the path.
func (d *differ) element(begin Event, i int64, do func() bool) bool {
	n := len(d.path)
	row, column := i, int64(-1)
	switch begin.Kind {
	case Dense:
		row, column = i/max(1, begin.Cols), i%max(1, begin.Cols)
	case Symmetric:
		row = 0
		for left := begin.Rows; i >= left && left > 0; left-- {
			i -= left
			row++
		}
		column = row + i
	}
	d.path = append(strconv.AppendInt(append(d.path, '['), row, 10), ']')
	if column >= 0 {
		d.path = append(strconv.AppendInt(append(d.path, '['), column, 10), ']')
	}
	ok := do()
	d.path = d.path[:n]
	return ok
}
