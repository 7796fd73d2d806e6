package inspect

import (
	"bytes"
	"errors"
	"iter"

	"dsss/flat"
)

// Chunks returns the buffers of one state, one by one, and io.EOF behind the last. A buffer is not asked for any more when
// the next one is.
type Chunks func() ([]byte, error)

// Walk yields the state that next returns the buffers of. It yields one error, and ends, when next fails or the state is not
// what the schema says; that error wraps [flat.ErrMalformed].
func (s *Schema) Walk(next Chunks) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w := &walker{yield: yield}
		err := flat.LoadStream(next, func(root flat.Table) bool { return w.table(s.root, root, "") })
		if err != nil { // not when yield wanted no more
			yield(Event{}, err)
		}
	}
}

// Check reads a whole state and returns what is wrong with it.
func (s *Schema) Check(next Chunks) error {
	for _, err := range s.Walk(next) {
		if err != nil {
			return err
		}
	}
	return nil
}

// A walker turns tables into events. Its functions tell whether to go on: not when the consumer wants no more, nor when what
// they read is malformed, which is an error of the table.
type walker struct{ yield func(Event, error) bool }

// emit yields an event about what t has, unless t is malformed.
func (w *walker) emit(t flat.Table, e Event) bool { return t.Err() == nil && w.yield(e, nil) }

// end ends what was begun, or tells that it is nil.
func (w *walker) end(t flat.Table, begun bool) bool {
	e := Event{Kind: Null}
	if begun {
		e.Kind = End
	}
	return w.emit(t, e)
}

// table walks a table that is there. binary is what field it belongs to says of bytes in it.
func (w *walker) table(tb *table, t flat.Table, binary string) bool {
	switch tb.form {
	case aStruct:
		ok := w.emit(t, Event{Kind: Struct, Name: tb.name})
		for _, f := range tb.fields {
			ok = ok && w.emit(t, Event{Kind: Field, Name: f.name, ID: f.id}) && w.field(f, t, f.binary)
		}
		return ok && w.end(t, true)
	case aMap:
		return w.entries(tb, t, binary)
	case aBox:
		return w.field(tb.fields[0], t, binary)
	}
	return w.matrix(tb, t)
}

// field walks the value in a slot.
func (w *walker) field(f *field, t flat.Table, binary string) bool {
	switch {
	case f.vector:
		return w.vector(f, t, binary)
	case f.text:
		return w.emit(t, Event{Kind: Text}) && t.Text(f.id, w.pieces(t)) && w.end(t, true)
	case f.table != nil && f.table.form == aMap: // its table is not left to a part whole
		if sub := t.Sub(f.id); sub.Present() {
			return w.table(f.table, sub, binary)
		}
		return w.end(t, false)
	case f.table != nil:
		there, ok := t.Pointee(f.id, func(sub flat.Table) bool { return w.table(f.table, sub, binary) })
		return ok && (there || w.end(t, false))
	}
	data := t.Bytes(f.id, f.scalar.Size())
	if data == nil {
		data = f.scalar.zero()
	}
	return w.emit(t, Event{Kind: Value, Scalar: f.scalar, Data: data})
}

// pieces emits those of a string that t refers to.
func (w *walker) pieces(t flat.Table) func(data []byte) bool {
	return func(data []byte) bool { return len(data) == 0 || w.emit(t, Event{Kind: Piece, Data: data}) }
}

// width is how many bytes an element takes in its vector.
func (f *field) width() int {
	if f.scalar != 0 {
		return f.scalar.Size()
	}
	return 4
}

// begin is how a vector begins.
func (f *field) begin(binary string) Event {
	switch {
	case f.scalar == Uint8 && binary != "":
		return Event{Kind: Binary, Name: binary}
	case f.scalar == Uint8:
		return Event{Kind: Bytes}
	}
	return Event{Kind: List, Scalar: f.scalar, Texts: f.text}
}

func (w *walker) vector(f *field, t flat.Table, binary string) bool {
	begun := false
	ok := t.Runs(f.id, f.width(), func(run flat.Run) bool {
		if !begun && run.Present() {
			if begun = w.emit(t, f.begin(binary)); !begun {
				return false
			}
		}
		return w.run(f, run, binary)
	})
	return ok && w.end(t, begun)
}

// run walks the items of a vector that stand in one part.
func (w *walker) run(f *field, run flat.Run, binary string) bool {
	switch {
	case run.Len() == 0:
		return true
	case f.scalar == Uint8:
		return w.emit(run.Owner(), Event{Kind: Piece, Data: run.Bytes()})
	case f.scalar != 0:
		return w.emit(run.Owner(), Event{Kind: Values, Scalar: f.scalar, Data: run.Bytes()})
	}
	for i := range run.Len() {
		if !w.element(f, run, i, binary) {
			return false
		}
	}
	return true
}

// element walks one item of a run.
func (w *walker) element(f *field, run flat.Run, i int, binary string) bool {
	t := run.Owner()
	switch {
	case f.text:
		return w.emit(t, Event{Kind: Text}) && run.Text(i, w.pieces(t)) && w.end(t, true)
	case f.table != nil:
		return w.table(f.table, run.Table(i), binary)
	}
	return w.emit(t, Event{Kind: Value, Scalar: f.scalar, Data: run.Item(i)})
}

// entries walks a map.
func (w *walker) entries(tb *table, t flat.Table, binary string) bool {
	m := mapWalk{w: w, keys: tb.fields[0], binary: binary}
	begin, valueWidth, begun := Event{Kind: Set}, 0, false
	if len(tb.fields) == 2 {
		m.values = tb.fields[1]
		begin, valueWidth = Event{Kind: Map}, m.values.width()
	}
	ok := t.Entries(m.keys.width(), valueWidth, func(keys, values flat.Run) bool {
		if !begun && keys.Present() {
			if begun = w.emit(t, begin); !begun {
				return false
			}
		}
		for i := range keys.Len() {
			if !m.entry(keys, values, i) {
				return false
			}
		}
		return true
	})
	return ok && w.end(t, begun)
}

// A mapWalk walks the entries of one map.
type mapWalk struct {
	w            *walker
	keys, values *field // values is nil for a set
	binary       string
	begun        bool   // there is a last key
	last         []byte // key
	lastNull     bool
	read         keyReader // of keys that are arrays or structs
}

// entry walks entry i of a part. Its key must be above the one before, across parts too.
func (m *mapWalk) entry(keys, values flat.Run, i int) bool {
	t := keys.Owner()
	key, nan := m.key(keys, i)
	switch null := m.read.null; {
	case nan:
		t.Fail("map key with a NaN")
	case m.begun && !null && !m.lastNull && m.order(m.last, key.Data) >= 0:
		t.Fail("map key out of order")
	}
	m.begun, m.last, m.lastNull = true, append(m.last[:0], key.Data...), m.read.null
	key.Data = m.last
	return m.w.emit(t, key) && (m.values == nil || m.w.element(m.values, values, i, m.binary))
}

// order compares two keys' Data.
func (m *mapWalk) order(a, b []byte) int {
	if m.keys.scalar != 0 {
		return m.keys.scalar.compareKeys(a, b)
	}
	return bytes.Compare(a, b)
}

// key reads key i, and tells whether it has a NaN in it.
func (m *mapWalk) key(keys flat.Run, i int) (e Event, nan bool) {
	e = Event{Kind: Key, Scalar: m.keys.scalar}
	switch {
	case m.keys.table != nil:
		m.read.read(m.keys.table, keys.Table(i))
		e.Key, e.Data = m.read.events, m.read.order
		return e, m.read.nan
	case m.keys.text:
		e.Data = keys.Key(i)
		return e, false
	}
	e.Data = keys.Item(i)
	return e, e.Scalar.isNaN(e.Data)
}

var errDimensions = errors.New("a matrix of other dimensions than it has numbers")

// matrix walks one of gonum's.
func (w *walker) matrix(tb *table, t flat.Table) bool {
	number := func(id int) (n int64) {
		if b := t.Bytes(id, 8); b != nil {
			bits, _ := Int64.integer(b)
			n = int64(bits)
		}
		return n
	}
	begin, sized, want := Event{Kind: Vector}, true, int64(0)
	switch tb.form {
	case aDense:
		begin = Event{Kind: Dense, Rows: number(0), Cols: number(1)}
		want = product(begin.Rows, begin.Cols)
	case aSymmetric:
		n := number(0)
		begin = Event{Kind: Symmetric, Rows: n, Cols: n}
		want = product(n, n+1) >> 1
	default:
		sized = false
	}
	had := int64(0)
	check := func(wrong bool) bool {
		if sized && wrong {
			t.Fail("%w", errDimensions)
		}
		return t.Err() == nil
	}
	numbers := tb.fields[len(tb.fields)-1]
	return check(want < 0) && w.emit(t, begin) && t.Runs(numbers.id, 8, func(run flat.Run) bool {
		had += int64(run.Len())
		return check(had > want) && w.run(numbers, run, "")
	}) && check(had != want) && w.end(t, true)
}

// product multiplies dimensions; negative when they are none. More than 2^40 numbers are more than any state has.
func product(a, b int64) int64 {
	const most = 1 << 40
	if a < 0 || b < 0 || a > most || b > most || a != 0 && b > most/a {
		return -1
	}
	return a * b
}
