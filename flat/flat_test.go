package flat

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/internal/limits"
)

func newBuilder() *Builder { return &Builder{Builder: *flatbuffers.NewBuilder(0), limit: limits.Call} }

// finish builds one table of the fields that put writes.
func finish(fields int, put func(b *Builder) func()) []byte {
	b := newBuilder()
	inline := put(b)
	b.StartObject(fields)
	inline()
	b.Finish(b.EndObject())
	return b.FinishedBytes()
}

// sample has one field of each kind: 0 a long, 1 a string, 2 [double], 3 [string], 4 a table of one string, 5 a vector
// of such tables, 6 [int] that ascend, 7 [string] that ascend.
func sample() []byte {
	return finish(8, func(b *Builder) func() {
		sub := func(b *Builder, s string) Offset {
			o := CreateString(b, s)
			b.StartObject(1)
			b.PrependUOffsetTSlot(0, o, 0)
			return b.EndObject()
		}
		offsets := []Offset{
			CreateString(b, "text"),
			CreateNumbers(b, []float64{1, 2, 3}),
			CreateStrings(b, []string{"a", "", "c"}),
			sub(b, "inner"),
			CreateTables(b, []string{"x", "yy"}, sub),
			CreateNumbers(b, []int32{-5, 0, 7}),
			CreateStrings(b, []string{"", "k", "kk"}),
		}
		return func() {
			b.PrependInt64Slot(0, 42, 0)
			for i, o := range offsets {
				b.PrependUOffsetTSlot(1+i, o, 0)
			}
		}
	})
}

// read verifies sample's layout and touches all that is in it.
func read(buf []byte) (sum float64, text string, err error) {
	v := New(buf)
	t := v.Root()
	sum = float64(ReadNumber[int64](t, 0))
	text = ReadString[string](t, 1)
	for _, x := range ReadNumbers[[]float64](t, 2) {
		sum += x
	}
	text += strings.Join(ReadStrings[[]string](t, 3), "")
	text += ReadString[string](t.Sub(4), 0)
	t.Tables(5, func(t Table) { text += ReadString[string](t, 0) })
	for _, x := range ReadNumbers[[]int32](t, 6) {
		sum += float64(x)
	}
	for _, s := range ReadStrings[[]string](t, 7) {
		text += "," + s
	}
	return sum, text, v.Err()
}

// walk verifies sample's layout and reads nothing.
func walk(buf []byte) error {
	v := New(buf)
	t := v.Root()
	t.Scalar(0, 8)
	t.String(1)
	t.Vector(2, 8)
	walkStrings(t, 3)
	t.Sub(4).String(0)
	for i, run := 0, t.Run(5, 4); i < run.Len(); i++ {
		run.Table(i).String(0)
	}
	t.Vector(6, 4)
	walkStrings(t, 7)
	return v.Err()
}

func walkStrings(t Table, slot int) {
	for i, run := 0, t.Run(slot, 4); i < run.Len(); i++ {
		run.Text(i, func([]byte) bool { return true })
	}
}

// readKeys reads t, of which slot 0 is the keys, as a set of strings.
func readKeys(t Table) {
	ReadMap[map[string]struct{}](t, StringItems[string](), NoItems(), cmp.Compare[string])
}

// readNumberKeys reads t, of which slot 0 is the keys, as a set of numbers.
func readNumberKeys[E cmpNumber](t Table) {
	ReadMap[map[E]struct{}](t, NumberItems[E](), NoItems(), cmp.Compare[E])
}

type cmpNumber interface {
	Number
	cmp.Ordered
}

func errOf(_ float64, _ string, err error) error { return err }

func TestSample(t *testing.T) {
	buf := sample()
	if err := walk(buf); err != nil {
		t.Fatal(err)
	}
	if sum, text, err := read(buf); err != nil || sum != 42+6+2 || text != "textacinnerxyy,,k,kk" {
		t.Errorf("read %v and %q, %v", sum, text, err)
	}
}

// TestEveryByte turns every bit of an honest buffer around, and cuts it at every length: each result is refused, or is
// safe to read.
func TestEveryByte(t *testing.T) {
	buf := sample()
	try := func(buf []byte) {
		for _, err := range []error{walk(buf), errOf(read(buf))} {
			if err != nil && !errors.Is(err, ErrMalformed) {
				t.Fatalf("error %v is not %v", err, ErrMalformed)
			}
		}
	}
	for i := range buf {
		for bit := range 8 {
			bad := bytes.Clone(buf)
			bad[i] ^= 1 << bit
			try(bad)
		}
		for _, word := range []uint32{0, math.MaxUint32, math.MaxInt32, 1 << 31, uint32(len(buf))} {
			if i+4 <= len(buf) {
				bad := bytes.Clone(buf)
				binary.LittleEndian.PutUint32(bad[i:], word)
				try(bad)
			}
		}
		try(buf[:i])
		if walk(buf[:i]) == nil {
			// Only the padding behind the last string may be missed by nobody.
			sum, text, err := read(buf[:i])
			if wantSum, wantText, _ := read(buf); err != nil || sum != wantSum || text != wantText || len(buf)-i > 3 {
				t.Errorf("%d of %d bytes were accepted", i, len(buf))
			}
		}
	}
}

// TestRefusals names the reason for each kind of fault.
func TestRefusals(t *testing.T) {
	vector := func(create func(b *Builder) Offset) []byte {
		return finish(1, func(b *Builder) func() {
			o := create(b)
			return func() { b.PrependUOffsetTSlot(0, o, 0) }
		})
	}
	ints := func(n ...int32) []byte {
		return vector(func(b *Builder) Offset { return CreateNumbers(b, n) })
	}
	longs := func(n ...uint64) []byte {
		return vector(func(b *Builder) Offset { return CreateNumbers(b, n) })
	}
	texts := func(s ...string) []byte {
		return vector(func(b *Builder) Offset { return CreateStrings(b, s) })
	}
	word := func(words ...uint32) []byte {
		var b []byte
		for _, w := range words {
			b = binary.LittleEndian.AppendUint32(b, w)
		}
		return b
	}
	// A vector of three offsets to one table: bytes 4 vtable, 12 table, 16 the vector.
	shared := vector(func(b *Builder) Offset {
		s := CreateString(b, strings.Repeat("x", 100))
		b.StartVector(4, 50, 4)
		for range 50 {
			b.PrependUOffsetT(s)
		}
		return b.EndVector(50)
	})
	for _, c := range []struct {
		about string
		buf   []byte
		walk  func(Table)
		want  string
	}{
		{"empty", nil, func(Table) {}, "no room for the root offset"},
		{"root outside", word(100), func(Table) {}, "table outside"},
		{"root beyond", word(1 << 31), func(Table) {}, "root offset"},
		{"vtable outside", word(4, 100), func(Table) {}, "vtable outside"},
		{"vtable too short", word(4, 0, 0), func(Table) {}, "vtable"},
		{"strings that share", shared, func(t Table) { ReadStrings[[]string](t, 0) }, "parts that overlap"},
		{"keys that repeat", ints(1, 1), func(t Table) { readNumberKeys[int32](t) }, "map key out of order"},
		{"keys that fall", ints(1, -1), func(t Table) { readNumberKeys[int32](t) }, "map key out of order"},
		{"unsigned keys", ints(-1, 1), func(t Table) { readNumberKeys[uint32](t) }, "map key out of order"},
		{"float keys that fall", longs(0x4000000000000000, 0), func(t Table) { readNumberKeys[float64](t) }, "map key out of order"},
		{"the two zeros as keys", longs(1<<63, 0), func(t Table) { readNumberKeys[float64](t) }, "map key out of order"},
		{"a NaN as key", longs(0x7ff8000000000001), func(t Table) { readNumberKeys[float64](t) }, "map key with a NaN"},
		{"string keys that repeat", texts("a", "a"), func(t Table) { readKeys(t) }, "map key out of order"},
		{"string keys that fall", texts("b", "a"), func(t Table) { readKeys(t) }, "map key out of order"},
		{"counts that differ", texts("b"), func(t Table) {
			ReadMap[map[string]int](t, StringItems[string](), NumberItems[int](), cmp.Compare[string])
		}, "a map of 1 keys and 0 values"},
		{"a string without its end", ints(0x01010101), func(t Table) { t.String(0) }, "string without its final zero"},
		{"wider elements", ints(1, 2, 3), func(t Table) { t.Vector(0, 64) }, "vector longer than its buffer"},
		{"a wider scalar", ints(1), func(t Table) { t.Scalar(0, 64) }, "field outside"},
		{"a rule of the caller's", ints(), func(t Table) { t.v.Failf("no %s", "sense") }, "no sense"},
	} {
		v := New(c.buf)
		c.walk(v.Root())
		if err := v.Err(); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.about, err, c.want)
		}
	}
}

// TestDepth: a chain of tables that a walk could follow for ever ends.
func TestDepth(t *testing.T) {
	b := newBuilder()
	var next Offset
	for range limits.TableDepth + 1 {
		b.StartObject(1)
		b.PrependUOffsetTSlot(0, next, 0)
		next = b.EndObject()
	}
	b.Finish(next)
	v := New(b.FinishedBytes())
	depth := 0
	for x := v.Root(); x.Present(); x = x.Sub(0) {
		depth++
	}
	if err := v.Err(); !errors.Is(err, ErrMalformed) || depth != limits.TableDepth {
		t.Errorf("walked %d tables, error %v; want %d and %v", depth, err, limits.TableDepth, ErrMalformed)
	}
}

// TestSharedVtable: Go's Builder shares a vtable between tables of different sizes; both are honest.
func TestSharedVtable(t *testing.T) {
	for _, narrowFirst := range []bool{true, false} {
		b := newBuilder()
		put := func(narrow bool) Offset {
			b.StartObject(1)
			if narrow {
				b.PrependInt32Slot(0, 1, 0)
			} else {
				b.PrependUint64Slot(0, 1, 0)
			}
			return b.EndObject()
		}
		first := put(narrowFirst)
		second := put(!narrowFirst)
		b.StartObject(2)
		b.PrependUOffsetTSlot(0, first, 0)
		b.PrependUOffsetTSlot(1, second, 0)
		b.Finish(b.EndObject())
		v := New(b.FinishedBytes())
		root := v.Root()
		width := map[bool]int{true: 4, false: 8}
		root.Sub(0).Scalar(0, width[narrowFirst])
		root.Sub(1).Scalar(0, width[!narrowFirst])
		if err := v.Err(); err != nil {
			t.Errorf("narrow first %v: %v", narrowFirst, err)
		}
	}
}

// TestWalkAllocates nothing: the Verifier stays on the stack.
func TestWalkAllocates(t *testing.T) {
	buf := sample()
	if n := testing.AllocsPerRun(100, func() { _ = walk(buf) }); n != 0 {
		t.Errorf("a walk allocates %v times", n)
	}
}

// FuzzWalk: whatever the bytes, a walk ends, and what it accepts can be read.
func FuzzWalk(f *testing.F) {
	f.Add(sample())
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{4, 0, 0, 0}, 32))
	f.Fuzz(func(t *testing.T, buf []byte) {
		for _, err := range []error{walk(buf), errOf(read(buf))} {
			if err != nil && !errors.Is(err, ErrMalformed) {
				t.Fatalf("error %v is not %v", err, ErrMalformed)
			}
		}
	})
}
