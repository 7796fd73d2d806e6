package flat

import (
	"bytes"
	"errors"
	"io"
	"math"
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
		keys := SortedKeys(m)
		buf := finish(5, func(b *Builder) func() {
			offsets := []Offset{CreateNumbers(b, numbers), CreateBools(b, bools), CreateStrings(b, strs), CreateNumbers(b, keys), CreateStrings(b, Values(m, keys))}
			return func() {
				for i, o := range offsets {
					b.PrependUOffsetTSlot(i, o, 0)
				}
			}
		})
		check := New(buf)
		r := check.Root()
		got := []bool{ReadNumbers[[]int64](r, 0) != nil, ReadBools[[]bool](r, 1) != nil, ReadStrings[[]string](r, 2) != nil, Keys[int8](r, 3).Present(), Strings[string](r, 4).Present()}
		if !slices.Equal(got, []bool{empty, empty, empty, empty, empty}) {
			t.Errorf("empty %v: not nil %v", empty, got)
		}
	}
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
		s := check.Root().Subs(1)
		if ok := s.Counts(2); ok != (want == nil) || !errors.Is(check.Err(), want) {
			t.Errorf("%d tables: %v, error %v, want %v", n, ok, check.Err(), want)
		}
	}
}

// TestBuilderErrors: a cycle and a MarshalBinary that fails end the building, once for all.
func TestBuilderErrors(t *testing.T) {
	var chain func(b *Builder, depth int) Offset
	chain = func(b *Builder, depth int) Offset {
		if !b.Enter() {
			return 0
		}
		var next Offset
		if depth > 1 {
			next = chain(b, depth-1)
		}
		b.StartObject(1)
		PutOffset(b, 0, next)
		return b.Leave()
	}
	keep := func(buf []byte) error { return nil }
	if err := Use(limits.TableDepth, chain, keep); err != nil {
		t.Errorf("%d levels: %v", limits.TableDepth, err)
	}
	if err := Use(limits.TableDepth+1, chain, keep); err == nil || !strings.Contains(err.Error(), "in a cycle") {
		t.Errorf("%d levels: error %v", limits.TableDepth+1, err)
	}
	if err := Use(1, chain, keep); err != nil {
		t.Errorf("a Builder kept the error of another use: %v", err)
	}
	defer func() {
		if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), "in a cycle") {
			t.Errorf("Append ended by %v", err)
		}
	}()
	Append(nil, 1<<30, chain)
}

// TestLoadErrors: the errors of the reader and of the first chunk are Load's; a state has a first chunk.
func TestLoadErrors(t *testing.T) {
	broken := errors.New("broken")
	type step struct {
		chunk []byte
		err   error
	}
	for about, c := range map[string]struct {
		steps []step
		read  error
		want  error
	}{
		"one":             {[]step{{[]byte("a"), nil}, {nil, io.EOF}}, nil, nil},
		"none":            {[]step{{nil, io.EOF}}, nil, ErrMalformed},
		"junk":            {[]step{{[]byte("a"), nil}, {[]byte("b"), nil}}, nil, ErrMalformed},
		"refused":         {[]step{{[]byte("a"), nil}}, broken, broken},
		"broken at first": {[]step{{nil, broken}}, nil, broken},
		"broken at last":  {[]step{{[]byte("a"), nil}, {nil, broken}}, nil, broken},
	} {
		steps := c.steps
		err := Load(func() ([]byte, error) {
			s := steps[0]
			steps = steps[1:]
			return s.chunk, s.err
		}, func([]byte) error { return c.read }, func(Table) bool { return true })
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: error %v, want %v", about, err, c.want)
		}
	}
}
