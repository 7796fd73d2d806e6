package gen

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// A layout is the one place where each field of a root table always stands, for tables whose fields are numbers,
// structs of numbers, strings and vectors of numbers. All that has a constant size comes first, the template; the
// vectors follow in order, each at the first place that its alignment allows.
//
//	u32  offset of the root table
//	     vtables
//	i32  the root table: offsets of its structs' tables, offsets of its vectors, numbers, wide ones first
//	i32  the tables of its structs, likewise
//	u32  the vectors
//
// It is an ordinary buffer, which any reader of FlatBuffers understands. A reader that finds the template's offsets and
// vtables in a buffer knows where all the rest is: that comparison is the verification.
type layout struct {
	root     *layoutTable
	template []byte // the fixed part, with every number and every offset of a vector 0
	pins     []span // the bytes of the template that say where things are, ascending
}

// A span is the bytes from one up to another.
type span struct{ from, to int }

// A layoutTable is one table of a layout. Places are bytes from the start of the buffer.
type layoutTable struct {
	slots    []slot // all, by id
	structs  []slot
	vectors  []slot
	numbers  []slot
	nested   []*layoutTable // the tables of structs
	vtable   []byte
	at       int // the table's place
	vtableAt int
}

// layoutMax bounds a template. Offsets in vtables have 16 bits; and a wide table is better built from what it has than
// copied from a template of what it could have.
const layoutMax = 4096

// newLayout returns the layout of a root table with these slots, or nil when it has none.
func newLayout(slots []slot) *layout {
	l := &layout{root: newLayoutTable(slots), template: make([]byte, 4)}
	if l.root == nil {
		return nil
	}
	// The root's vtable is its own: that of a vector which is nil is erased in it.
	l.root.vtableAt = 4
	l.template = append(l.template, l.root.vtable...)
	shared := map[string]int{}
	tables := l.root.below(nil)
	for _, t := range tables {
		at, known := shared[string(t.vtable)]
		if !known {
			at = len(l.template)
			shared[string(t.vtable)] = at
			l.template = append(l.template, t.vtable...)
		}
		t.vtableAt = at
	}
	for _, t := range append([]*layoutTable{l.root}, tables...) {
		l.place(t)
	}
	l.pins[0].from = 0
	binary.LittleEndian.PutUint32(l.template, uint32(l.root.at))
	l.link(l.root)
	if len(l.template) > layoutMax {
		return nil
	}
	return l
}

// newLayoutTable sorts the slots of a table; nil when one of them can stand in no layout.
func newLayoutTable(slots []slot) *layoutTable {
	t := &layoutTable{slots: slots}
	for _, s := range slots {
		switch {
		case s.Type == nil:
		case s.Type.isSimple():
			t.numbers = append(t.numbers, s)
		case s.Type.Kind == String, isNumbers(s.Type):
			t.vectors = append(t.vectors, s)
		case s.Type.Kind == Struct:
			sub := newLayoutTable(structSlots(s.Type))
			if sub == nil || len(sub.vectors) > 0 {
				return nil
			}
			t.structs, t.nested = append(t.structs, s), append(t.nested, sub)
		default:
			return nil
		}
	}
	wide := func(a, b slot) int { return cmp.Compare(alignment(b.Type), alignment(a.Type)) }
	slices.SortStableFunc(t.numbers, wide)
	slices.SortStableFunc(t.vectors, wide)
	t.vtable = make([]byte, 4+2*len(slots))
	end := 4
	for _, s := range t.inline() {
		binary.LittleEndian.PutUint16(t.vtable[4+2*s.ID:], uint16(end))
		end += inlineBytes(s.Type)
	}
	binary.LittleEndian.PutUint16(t.vtable, uint16(len(t.vtable)))
	binary.LittleEndian.PutUint16(t.vtable[2:], uint16(end))
	return t
}

// isNumbers tells whether t is a vector that is one copy of memory.
func isNumbers(t *Type) bool {
	return t.Kind == Slice && t.Elem.isNumber()
}

// alignment is that of a number, or of a vector's elements.
func alignment(t *Type) int {
	switch t.Kind {
	case Scalar:
		return t.Scalar.bytes
	case Slice:
		return min(8, t.Elem.Scalar.bytes)
	}
	return 1
}

// inline are the slots in the order in which they stand.
func (t *layoutTable) inline() []slot { return slices.Concat(t.structs, t.vectors, t.numbers) }

// below appends the tables that t's offsets lead to.
func (t *layoutTable) below(found []*layoutTable) []*layoutTable {
	for _, sub := range t.nested {
		found = sub.below(append(found, sub))
	}
	return found
}

// entry is the place of the vtable's word about the slot.
func (t *layoutTable) entry(s slot) int { return t.vtableAt + 4 + 2*s.ID }

// where is the place of the slot's inline bytes.
func (t *layoutTable) where(s slot) int {
	return t.at + int(binary.LittleEndian.Uint16(t.vtable[4+2*s.ID:]))
}

// place puts t, with all its fields 0, at the end of the template.
func (l *layout) place(t *layoutTable) {
	offsets := 4 + 4*len(t.structs) + 4*len(t.vectors)
	align := 4
	if len(t.numbers) > 0 {
		align = max(align, alignment(t.numbers[0].Type))
	}
	t.at = len(l.template)
	for t.at%4 != 0 || (t.at+offsets)%align != 0 {
		t.at++
	}
	size := int(binary.LittleEndian.Uint16(t.vtable[2:]))
	l.template = append(l.template, make([]byte, t.at+size-len(l.template))...)
	binary.LittleEndian.PutUint32(l.template[t.at:], uint32(t.at-t.vtableAt))
	l.pins = append(l.pins, span{t.at, t.at + 4 + 4*len(t.structs)})
}

// link fills in the offsets from t to the tables below it.
func (l *layout) link(t *layoutTable) {
	for i, s := range t.structs {
		from := t.where(s)
		binary.LittleEndian.PutUint32(l.template[from:], uint32(t.nested[i].at-from))
		l.link(t.nested[i])
	}
}
