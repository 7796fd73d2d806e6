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
		if w.err != nil {
			err = w.err
		}
		if err != nil && !w.stopped {
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

// A walker turns tables into events. Its functions tell whether to go on.
type walker struct {
	yield   func(Event, error) bool
	err     error
	stopped bool // yield wants no more
}

func (w *walker) emit(e Event) bool {
	if w.err != nil || w.stopped {
		return false
	}
	w.stopped = !w.yield(e, nil)
	return !w.stopped
}

// fine tells whether the walk that t is part of has not failed.
func (w *walker) fine(t flat.Table) bool {
	if err := t.Err(); err != nil && w.err == nil {
		w.err = err
	}
	return w.err == nil && !w.stopped
}

// table walks a table that is there. binary is what field it belongs to says of bytes in it.
func (w *walker) table(tb *table, t flat.Table, binary string) bool {
	if !w.fine(t) {
		return false
	}
	ok := true
	switch tb.form {
	case aStruct:
		ok = w.emit(Event{Kind: Struct, Name: tb.name})
		for _, f := range tb.fields {
			ok = ok && w.emit(Event{Kind: Field, Name: f.name, ID: f.id}) && w.field(f, t, f.binary)
		}
		ok = ok && w.emit(Event{Kind: End})
	case aMap:
		ok = w.entries(tb, t, binary)
	case aBox:
		ok = w.field(tb.fields[0], t, binary)
	default:
		ok = w.matrix(tb, t)
	}
	return ok && w.fine(t)
}

// field walks the value in a slot.
func (w *walker) field(f *field, t flat.Table, binary string) bool {
	switch {
	case f.vector:
		return w.vector(f, t, binary) && w.fine(t)
	case f.text:
		return w.emit(Event{Kind: Text}) && t.Text(f.id, w.piece) && w.fine(t) && w.emit(Event{Kind: End})
	case f.table != nil && f.table.form == aMap: // its table is not left to a part whole
		if sub := t.Sub(f.id); sub.Present() {
			return w.table(f.table, sub, binary) && w.fine(t)
		}
		return w.fine(t) && w.emit(Event{Kind: Null})
	case f.table != nil:
		there, ok := t.Pointee(f.id, func(sub flat.Table) bool { return w.table(f.table, sub, binary) })
		return ok && w.fine(t) && (there || w.emit(Event{Kind: Null}))
	}
	data := t.Bytes(f.id, f.scalar.Size())
	if data == nil {
		data = f.scalar.zero()
	}
	return w.fine(t) && w.emit(Event{Kind: Value, Scalar: f.scalar, Data: data})
}

func (w *walker) piece(data []byte) bool {
	return len(data) == 0 || w.emit(Event{Kind: Piece, Data: data})
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
		if !begun {
			if !run.Present() {
				return true
			}
			begun = w.emit(f.begin(binary))
		}
		return begun && w.run(f, run, binary)
	})
	if !ok || !w.fine(t) {
		w.fine(t)
		return false
	}
	if !begun {
		return w.emit(Event{Kind: Null})
	}
	return w.emit(Event{Kind: End})
}

// run walks the items of a vector that stand in one part.
func (w *walker) run(f *field, run flat.Run, binary string) bool {
	switch {
	case run.Len() == 0:
		return true
	case f.scalar == Uint8:
		return w.piece(run.Bytes())
	case f.scalar != 0:
		return w.emit(Event{Kind: Values, Scalar: f.scalar, Data: run.Bytes()})
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
	switch {
	case f.text:
		return w.emit(Event{Kind: Text}) && run.Text(i, w.piece) && w.emit(Event{Kind: End})
	case f.table != nil:
		return w.table(f.table, run.Table(i), binary)
	}
	size := f.scalar.Size()
	return w.emit(Event{Kind: Value, Scalar: f.scalar, Data: run.Bytes()[i*size : (i+1)*size]})
}

// entries walks a map.
func (w *walker) entries(tb *table, t flat.Table, binary string) bool {
	keys, kind := tb.fields[0], Map
	var values *field
	if len(tb.fields) == 2 {
		values = tb.fields[1]
	} else {
		kind = Set
	}
	m := mapWalk{w: w, keys: keys, values: values, binary: binary}
	part := flat.EntriesOf(t)
	for part.Next(m.had) {
		run := part.Run(0, keys.width())
		count, of := run.Len(), run
		if values != nil {
			of = part.Run(1, values.width())
			count = of.Len()
		}
		if m.had == 0 && !m.begun {
			if !run.Present() {
				break
			}
			m.begun = w.emit(Event{Kind: kind})
		}
		if !part.Count(run.Len(), count, run.Present()) || !m.part(part.Table, run, of) {
			w.fine(part.Table)
			return false
		}
	}
	if !w.fine(t) || part.Present() && !w.fine(part.Table) {
		return false
	}
	if !m.begun {
		return w.emit(Event{Kind: Null})
	}
	return w.emit(Event{Kind: End})
}

// A mapWalk walks the parts of one map.
type mapWalk struct {
	w            *walker
	keys, values *field // values is nil for a set
	binary       string
	begun        bool
	had          int    // entries walked
	last         []byte // key
	lastNull     bool
	read         keyReader // of keys that are arrays or structs
}

// part walks the entries of one part of the map. A key must be above the one before, across parts too.
func (m *mapWalk) part(t flat.Table, keys, values flat.Run) bool {
	for i := range keys.Len() {
		key, nan := m.key(keys, i)
		if !m.w.fine(t) {
			return false
		}
		if nan {
			t.Fail("map key with a NaN")
			return m.w.fine(t)
		}
		null := m.read.null
		if m.had > 0 && !null && !m.lastNull && m.order(m.last, key.Data) >= 0 {
			t.Fail("map key out of order")
			return m.w.fine(t)
		}
		m.last, m.lastNull = append(m.last[:0], key.Data...), null
		key.Data = m.last
		m.had++
		if !m.w.emit(key) {
			return false
		}
		if m.values != nil && !m.w.element(m.values, values, i, m.binary) {
			m.w.fine(t)
			return false
		}
	}
	return m.w.fine(t)
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
		m.read.read(m.w, m.keys.table, keys, i)
		e.Key, e.Data = m.read.events, m.read.order
		return e, m.read.nan
	case m.keys.text:
		e.Data = keys.Key(i)
		return e, false
	}
	size := e.Scalar.Size()
	b := keys.Bytes()
	if len(b) < (i+1)*size {
		return e, false // the walk has failed
	}
	e.Data = b[i*size : (i+1)*size]
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
	begin, want := Event{}, int64(-1)
	switch tb.form {
	case aDense:
		begin = Event{Kind: Dense, Rows: number(0), Cols: number(1)}
		want = product(begin.Rows, begin.Cols)
	case aVector:
		begin = Event{Kind: Vector}
	case aSymmetric:
		begin = Event{Kind: Symmetric, Rows: number(0)}
		begin.Cols = begin.Rows
		if want = product(begin.Rows, begin.Rows+1); want > 0 {
			want /= 2
		}
	}
	if want < 0 && tb.form != aVector {
		t.Fail("%w", errDimensions)
	}
	if !w.fine(t) || !w.emit(begin) {
		return false
	}
	had := int64(0)
	numbers := tb.fields[len(tb.fields)-1]
	ok := t.Runs(numbers.id, 8, func(run flat.Run) bool {
		had += int64(run.Len())
		if want >= 0 && had > want {
			t.Fail("%w", errDimensions)
			return false
		}
		return run.Len() == 0 || w.emit(Event{Kind: Values, Scalar: Float64, Data: run.Bytes()})
	})
	if want >= 0 && had != want && ok {
		t.Fail("%w", errDimensions)
	}
	return w.fine(t) && ok && w.emit(Event{Kind: End})
}

// product multiplies dimensions; negative when they are none. More than 2^40 numbers are more than any state has.
func product(a, b int64) int64 {
	const most = 1 << 40
	if a < 0 || b < 0 || a > most || b > most || a != 0 && b > most/a {
		return -1
	}
	return a * b
}
