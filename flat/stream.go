package flat

import (
	"encoding/binary"
	"errors"

	"dsss/internal/limits"
)

// The functions below verify and read what the fields of a table lead to for a reader that knows the layout at run time
// only, and without holding more of it than a part: a vector as runs, a string as pieces. Like generated code such a reader
// asks for the slots of a table in the order of their ids, for the elements of a run in theirs, for keys and values of a map
// in turn, and for each once. What it is given is valid until the next part is read.

// LoadStream is [Load] for a reader that keeps what it wants of the state itself. Where read returns false the rest of the
// state is not looked at; that is no error.
func LoadStream(next func() ([]byte, error), read func(root Table) bool) error {
	_, err := Load(next, func(t Table) struct{} {
		if !read(t) && t.v.err == nil {
			t.v.err = errEnough
		}
		return struct{}{}
	})
	if err == errEnough {
		return nil
	}
	return err
}

// errEnough is the error of a Verifier whose reader wants no more.
var errEnough = errors.New("the rest is not wanted")

// A Run is the items of a vector that stand in one part.
type Run struct {
	t     Table // that refers to the vector
	n     int
	size  int // of an item, in bytes
	first int // byte of the first item; 0 when the vector is absent
}

// Len returns the number of items.
func (r Run) Len() int { return r.n }

// Present tells whether there is a vector, be it empty.
func (r Run) Present() bool { return r.first != 0 }

// Bytes returns the items as they stand on the wire.
func (r Run) Bytes() []byte { return r.t.v.bytes(r.first, r.n*r.size) }

// Owner returns the table that refers to the vector.
func (r Run) Owner() Table { return r.t }

// Item returns item i as it stands on the wire; nil once the walk has failed.
func (r Run) Item(i int) []byte { return r.t.v.bytes(r.first+r.size*i, r.size) }

// Table returns the verified table that item i refers to; its zero value once the walk has failed.
func (r Run) Table(i int) Table { return r.t.at(r.first + r.size*i) }

// Text hands the string that item i refers to piece by piece to each, until that returns false.
func (r Run) Text(i int, each func(piece []byte) bool) bool {
	if r.t.v.err != nil {
		return false
	}
	if at := r.t.v.offset(r.first + r.size*i); at != 0 {
		return r.t.text(at, each)
	}
	return false
}

// Run returns a vector of items of size bytes, offsets included, without those that later parts have.
func (t Table) Run(slot, size int) Run {
	n, first := t.vector(slot, size)
	return Run{t, n, size, first}
}

// Runs hands a vector of items of size bytes run by run to each, until that returns false. It tells whether to go on: not
// when each did not, nor when the walk has failed. An absent vector is a run that is not Present; the first run of any
// other may be empty.
func (t Table) Runs(slot, size int, each func(Run) bool) bool {
	if t.v.err != nil {
		return false
	}
	run := t.Run(slot, size)
	if t.v.err != nil || !each(run) {
		return false
	}
	if run.first == 0 || t.v.source == nil {
		return t.v.err == nil
	}
	had := run.n
	for r := t.rest(run.first - 4); r.more(had); had += run.n {
		if run = r.part.Run(partContent, size); run.n > 0 && !each(run) {
			t.v.take(r.part.v.err)
			return false
		}
	}
	return t.v.err == nil
}

// Text hands the string in the slot piece by piece to each, until that returns false, and tells whether to go on. An
// absent string has no piece.
func (t Table) Text(slot int, each func(piece []byte) bool) bool {
	if at := t.follow(slot); at != 0 {
		return t.text(at, each)
	}
	return t.v.err == nil
}

// text is Text for the string at that place, which t refers to.
func (t Table) text(at int, each func(piece []byte) bool) bool {
	piece := t.v.str(at)
	if t.v.err != nil || !each(piece) {
		return false
	}
	if t.v.source == nil {
		return true
	}
	had := len(piece)
	for r := t.rest(at); r.more(had); had += len(piece) {
		if piece = r.text(); r.part.v.err == nil && !each(piece) {
			return false
		}
	}
	return t.v.err == nil
}

// Pointee calls walk with the verified table that the slot refers to, which may be in a part of its own, as that of a
// pointer may. It tells whether there is one, and whether walk returned true for it.
func (t Table) Pointee(slot int, walk func(Table) bool) (there, ok bool) {
	sub := t.Sub(slot)
	if !sub.Present() {
		return false, true
	}
	if !t.v.isOpen(sub.pos) {
		return true, walk(sub)
	}
	for r, had := t.rest(sub.pos), 0; r.more(had); had++ {
		if !walk(r.part.Sub(partContent)) {
			t.v.take(r.part.v.err)
			return true, false
		}
	}
	return true, t.v.err == nil
}

// take makes err, of a later part, the Verifier's.
func (v *Verifier) take(err error) {
	if v.err == nil {
		v.err = err
	}
}

// isOpen tells whether this part has only the beginning of what stands at that place.
func (v *Verifier) isOpen(at int) bool {
	place := uint32(len(v.buf) - at)
	for rest := v.open; len(rest) > 0; rest = rest[4:] {
		if first := binary.LittleEndian.Uint32(rest); first >= place {
			return first == place
		}
	}
	return false
}

// bytes returns n bytes from a place that was verified; none once the walk has failed.
func (v *Verifier) bytes(first, n int) []byte {
	if v.err != nil || n == 0 {
		return nil
	}
	return v.buf[first : first+n : first+n]
}

// Bytes returns the inline bytes of a scalar or a struct of size bytes, as they stand on the wire; nil when it is absent.
func (t Table) Bytes(slot, size int) []byte {
	if at := t.field(slot, size); at != 0 {
		return t.v.bytes(at, size)
	}
	return nil
}

// Err returns the first error of the walk that the table is part of.
func (t Table) Err() error { return t.v.err }

// Key returns string i, of the keys of a map, in memory of its own.
func (r Run) Key(i int) []byte {
	key := []byte{}
	r.Text(i, func(piece []byte) bool {
		if key = append(key, piece...); len(key) > limits.Chunk {
			r.t.Fail("a map's key of more than %d bytes", limits.Chunk)
		}
		return r.t.v.err == nil
	})
	return key
}
