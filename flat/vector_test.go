package flat

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/internal/limits"
)

// TestNumbers: what CreateNumbers copies is what the Builder writes element by element, on either kind of machine.
func TestNumbers(t *testing.T) {
	numbers[uint8](t, 1, 2, 255)
	numbers[int16](t, -1, 2, -32768)
	numbers[uint32](t, 1, 1<<31)
	numbers(t, 1.5, math.Inf(-1), math.Copysign(0, -1))
	numbers[float32](t, 1.5, -2)
	numbers[int](t, 1, -1, math.MinInt64)
	numbers(t, 1+2i, complex(math.Inf(1), -3))
	numbers[complex64](t, 1+2i, -3i)
}

func numbers[E Number](t *testing.T, s ...E) {
	t.Helper()
	defer func(was bool) { bigEndian = was }(bigEndian)
	for _, big := range []bool{false, true} {
		for _, before := range []int{0, 1, 3} { // bytes that disturb the alignment
			bigEndian = big
			buf := finish(2, func(b *Builder) func() {
				text := b.CreateString("xyz"[:before])
				o := CreateNumbers(b, s)
				return func() {
					b.PrependUOffsetTSlot(0, o, 0)
					b.PrependUOffsetTSlot(1, text, 0)
				}
			})
			v := New(buf)
			v.Root().Vector(0, size[E]())
			v.Root().String(1)
			if err := v.Err(); err != nil {
				t.Fatal(err)
			}
			again := New(buf)
			if got := ReadNumbers[[]E](again.Root(), 0); !slices.Equal(got, s) {
				t.Errorf("read %v, want %v", got, s)
			}
			table := flatbuffers.Table{Bytes: buf, Pos: flatbuffers.GetUOffsetT(buf)}
			at := int(table.Vector(Offset(table.Offset(4))))
			// FlatBuffers aligns from the end of the buffer.
			if (len(buf)-at)%min(8, size[E]()) != 0 && at%min(8, size[E]()) != 0 {
				t.Errorf("%T elements stand at byte %d of %d", s, at, len(buf))
			}
			want := memory(slices.Clone(s))
			if big {
				swap(want, word[E]())
			}
			if !bytes.Equal(buf[at:at+len(want)], want) {
				t.Errorf("wire bytes %x, want %x", buf[at:at+len(want)], want)
			}
		}
	}
}

// TestNilAndEmpty: absent is nil, and an empty vector is empty.
func TestNilAndEmpty(t *testing.T) {
	for _, empty := range []bool{true, false} {
		var numbers []int64
		var bools []bool
		var strs []string
		var m map[int8]string
		if empty {
			numbers, bools, strs, m = []int64{}, []bool{}, []string{}, map[int8]string{}
		}
		keys := slices.Sorted(maps.Keys(m))
		if empty {
			keys = []int8{}
		}
		buf := finish(5, func(b *Builder) func() {
			offsets := []Offset{CreateNumbers(b, numbers), CreateBools(b, bools), CreateStrings(b, strs), CreateNumbers(b, keys), createMapOrNil(b, m)}
			return func() {
				for i, o := range offsets {
					b.PrependUOffsetTSlot(i, o, 0)
				}
			}
		})
		check := New(buf)
		r := check.Root()
		got := []bool{ReadNumbers[[]int64](r, 0) != nil, ReadBools[[]bool](r, 1) != nil, ReadStrings[[]string](r, 2) != nil, r.Run(3, 1).Present(), r.Sub(4).Present()}
		if !slices.Equal(got, []bool{empty, empty, empty, empty, empty}) {
			t.Errorf("empty %v: not nil %v", empty, got)
		}
	}
}

func createMapOrNil(b *Builder, m map[int8]string) Offset {
	if m == nil {
		return 0
	}
	return CreateMap(b, m, NumberItems[int8](), StringItems[string]())
}

func TestBools(t *testing.T) {
	type flag bool
	want := []flag{true, false, true, true, false}
	buf := finish(1, func(b *Builder) func() {
		o := CreateBools(b, want)
		return func() { b.PrependUOffsetTSlot(0, o, 0) }
	})
	check := New(buf)
	if got := ReadBools[[]flag](check.Root(), 0); !slices.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
}

// TestInline: numbers of every width come back to the bit, on either kind of machine; zeros are not written, but a negative
// zero is.
func TestInline(t *testing.T) {
	defer func(was bool) { bigEndian = was }(bigEndian)
	minus := math.Copysign(0, -1)
	when := time.Date(2025, 1, 2, 3, 4, 5, 6, time.FixedZone("away", 3600))
	for _, big := range []bool{false, true} {
		bigEndian = big
		buf := finish(9, func(b *Builder) func() {
			return func() {
				PutNumber(b, 0, minus)
				PutNumber(b, 1, float32(minus))
				PutNumber(b, 2, 0.0)
				PutNumber(b, 3, int16(-2))
				PutNumber(b, 4, complex(1, minus))
				PutNumber(b, 5, complex64(2-3i))
				PutNumber(b, 6, byte(200))
				PutTime(b, 7, when)
				PutTime(b, 8, time.Time{})
			}
		})
		check := New(buf)
		r := check.Root()
		if !math.Signbit(ReadNumber[float64](r, 0)) || !math.Signbit(float64(ReadNumber[float32](r, 1))) {
			t.Error("the sign is lost")
		}
		if r.Has(2) || r.Has(8) {
			t.Error("a zero was written")
		}
		c := ReadNumber[complex128](r, 4)
		if ReadNumber[int16](r, 3) != -2 || real(c) != 1 || !math.Signbit(imag(c)) || ReadNumber[complex64](r, 5) != 2-3i || ReadNumber[byte](r, 6) != 200 {
			t.Errorf("read %v %v %v %v", ReadNumber[int16](r, 3), c, ReadNumber[complex64](r, 5), ReadNumber[byte](r, 6))
		}
		if got := ReadTime(r, 7); !got.Equal(when) || got.Location() != time.UTC || ReadTime(r, 8) != (time.Time{}) {
			t.Errorf("read %v, want %v in UTC", got, when)
		}
		if check.Err() != nil {
			t.Error(check.Err())
		}
	}
}

// TestTimes: all instants that a Time can be, and none that it cannot.
func TestTimes(t *testing.T) {
	want := []time.Time{{}, time.Unix(0, 0).UTC(), time.Unix(-1, 999_999_999).UTC(), time.Unix(1<<40, 1).UTC()}
	buf := finish(1, func(b *Builder) func() {
		o := CreateTimes(b, want)
		return func() { PutOffset(b, 0, o) }
	})
	check := New(buf)
	if got := ReadTimes[[]time.Time](check.Root(), 0); !slices.Equal(got, want) || check.Err() != nil {
		t.Errorf("read %v, %v; want %v", got, check.Err(), want)
	}
	bad := bytes.Replace(buf, []byte{0xff, 0xc9, 0x9a, 0x3b}, []byte{0, 0xca, 0x9a, 0x3b}, 1) // 999999999 to 1e9
	check = New(bad)
	if ReadTimes[[]time.Time](check.Root(), 0); !errors.Is(check.Err(), ErrMalformed) {
		t.Errorf("error %v for a second of nanoseconds", check.Err())
	}
}

// TestArray: an array has its number of elements or none.
func TestArray(t *testing.T) {
	for n, want := range []error{ErrMalformed, ErrMalformed, nil, ErrMalformed} {
		buf := finish(2, func(b *Builder) func() {
			numbers := CreateNumbers(b, make([]int, n))
			tables := CreateTables(b, make([]int, n), func(b *Builder, _ int) Offset { b.StartObject(0); return b.EndObject() })
			return func() { PutOffset(b, 0, numbers); PutOffset(b, 1, tables) }
		})
		var array [2]int
		check := New(buf)
		Fill(check.Root(), array[:], ReadNumbers[[]int](check.Root(), 0))
		if !errors.Is(check.Err(), want) {
			t.Errorf("%d numbers: error %v, want %v", n, check.Err(), want)
		}
		check = New(buf)
		read := ReadTables[[]int](check.Root(), 1, func(Table) int { return 1 })
		Fill(check.Root(), array[:], read)
		if !errors.Is(check.Err(), want) {
			t.Errorf("%d tables: error %v, want %v", n, check.Err(), want)
		}
	}
}

// TestBuilderErrors: a cycle, a MarshalBinary that fails and what is too large end the building, once for all, with an
// error that names the field.
func TestBuilderErrors(t *testing.T) {
	const limit = 1 << 16
	var chain func(b *Builder, depth int) Offset
	chain = func(b *Builder, depth int) Offset {
		if !b.Enter() {
			return 0
		}
		b.Field("next")
		var next Offset
		if depth > 1 {
			next = chain(b, depth-1)
		}
		b.StartObject(1)
		PutOffset(b, 0, next)
		return b.Leave()
	}
	field := func(name string, create func(b *Builder) Offset) func(b *Builder, _ int) Offset {
		return func(b *Builder, _ int) Offset {
			if !b.Enter() {
				return 0
			}
			b.Field(name)
			offset := create(b)
			b.StartObject(1)
			PutOffset(b, 0, offset)
			return b.Leave()
		}
	}
	ring := &leaf{name: "ring"}
	ring.next = ring
	large := make([]byte, limit+1)
	dst := []byte("before")
	for _, c := range []struct {
		about string
		build func(b *Builder, depth int) Offset
		depth int
		want  string
		too   bool
	}{
		{"as deep as can be", chain, limits.TableDepth, "", false},
		{"one deeper", chain, limits.TableDepth + 1, "next.next.next.next.… cannot be encoded: values refer to each other through more than 64 levels, or in a cycle", false},
		{"a cycle", field("ring", func(b *Builder) Offset { return CreatePointer(b, ring, buildLeaf) }), 0, "ring cannot be encoded: values refer", false},
		{"after an error", chain, 1, "", false},
		{"no bytes of its own", field("m", func(b *Builder) Offset { return CreateBinary(b, bad{errors.New("no bytes")}) }), 0, "m cannot be encoded: flat.bad: no bytes", false},
		{"a panic", field("m", func(b *Builder) Offset { return CreateBinary(b, bad{}) }), 0, "m cannot be encoded: flat.bad: panic: no error", false},
		{"numbers", field("x", func(b *Builder) Offset { return CreateNumbers(b, large) }), 0, "x cannot be encoded: arguments too large", true},
		{"text", field("x", func(b *Builder) Offset { return CreateString(b, string(large)) }), 0, "x cannot be encoded: arguments too large", true},
		{"bools", field("x", func(b *Builder) Offset { return CreateBools(b, make([]bool, limit+1)) }), 0, "x cannot be encoded: arguments too large", true},
		{"tables", field("x", func(b *Builder) Offset {
			return CreateTables(b, make([]leaf, limit/6), buildLeaf)
		}), 0, "x cannot be encoded: arguments too large", true},
		{"strings", field("x", func(b *Builder) Offset { return CreateStrings(b, make([]string, limit/6)) }), 0, "x cannot be encoded: arguments too large", true},
		{"a map", field("x", func(b *Builder) Offset {
			return CreateMap(b, manyKeys(limit/6), NumberItems[int](), NoItems())
		}), 0, "x cannot be encoded: arguments too large", true},
	} {
		got, err := appendWithin(limit, dst, c.depth, c.build)
		if c.want == "" {
			if err != nil || len(got) <= len(dst) {
				t.Errorf("%s: %v", c.about, err)
			}
			continue
		}
		if !errors.Is(err, ErrEncode) || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrTooLarge) != c.too || string(got) != "before" {
			t.Errorf("%s: error %v, want %q", c.about, err, c.want)
		}
		if err := SaveParts(func([]byte) error { return nil }, limit/2, c.depth, c.build); (err == nil) != c.too || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: as a state: error %v", c.about, err)
		}
	}
}

// bad has a MarshalBinary that fails.
type bad struct{ err error }

func (b bad) MarshalBinary() ([]byte, error) {
	if b.err == nil {
		panic("no error")
	}
	return nil, b.err
}

func manyKeys(n int) map[int]struct{} {
	m := make(map[int]struct{}, n)
	for i := range n {
		m[i] = struct{}{}
	}
	return m
}

// TestErrorInPart: what cannot be encoded is an error that names the field, also in a part that the field was left to.
func TestErrorInPart(t *testing.T) {
	ring := &leaf{name: "ring"}
	ring.next = ring
	v := struct {
		rows []*leaf
	}{rows: append(make([]*leaf, 100), ring)}
	err := SaveParts(func([]byte) error { return nil }, 64, v, func(b *Builder, x struct{ rows []*leaf }) Offset {
		if !b.Enter() {
			return 0
		}
		b.Field("rows")
		rows := CreateTables(b, x.rows, func(b *Builder, p *leaf) Offset {
			if !b.Enter() {
				return 0
			}
			offset := CreatePointer(b, p, buildLeaf)
			b.StartObject(1)
			PutOffset(b, 0, offset)
			return b.Leave()
		})
		b.StartObject(1)
		PutOffset(b, 0, rows)
		return b.Leave()
	})
	if !errors.Is(err, ErrEncode) || !strings.HasPrefix(err.Error(), "rows cannot be encoded: values refer") {
		t.Errorf("error %v", err)
	}
}

// TestClaimsOfParts: what a part says of the items to come makes no more room than a small multiple of what there is.
func TestClaimsOfParts(t *testing.T) {
	list := partsOf(t, tree{numbers: make([]int32, 1000), leaves: make([]leaf, 1000), text: strings.Repeat("x", 1000)}, 64)
	sent := 0
	for i := range list {
		check := New(list[i])
		at := check.Root().field(partLeft, 8)
		if at != 0 {
			binary.LittleEndian.PutUint64(list[i][at:], 1<<62)
		}
		sent += len(list[i])
	}
	for n := range list {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Load(from(list[:n]), readTree)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; err == nil || got > uint64(64*sent+1<<16) {
			t.Errorf("%d parts of %d bytes: %d bytes allocated, error %v", n, sent, got, err)
		}
	}
	for _, total := range []int{1, 8, 9, 100, 12345, 1 << 20} {
		var s []byte
		moves := 0
		for len(s) < total {
			n := min(7, total-len(s))
			was := cap(s)
			s = append(grow(s, n, total, limits.GrowFlat), make([]byte, n)...)
			if cap(s) != was {
				moves++
			}
			if cap(s) > limits.GrowFlat*len(s) {
				t.Fatalf("room for %d bytes when there are %d", cap(s), len(s))
			}
		}
		if cap(s) > total+total/4+8 || moves > 8 {
			t.Errorf("%d bytes: room for %d after %d moves", total, cap(s), moves)
		}
	}
}
