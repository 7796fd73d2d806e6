package flat

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
)

// TestNumbers: what CreateNumbers copies is what the Builder writes element by element, on either kind of machine.
func TestNumbers(t *testing.T) {
	numbers[uint8](t, 1, 2, 255)
	numbers[int16](t, -1, 2, -32768)
	numbers[uint32](t, 1, 1<<31)
	numbers(t, 1.5, math.Inf(-1), math.Copysign(0, -1))
	numbers[float32](t, 1.5, -2)
	numbers[int](t, 1, -1, math.MinInt64)
}

func numbers[E Number](t *testing.T, s ...E) {
	t.Helper()
	defer func(was bool) { bigEndian = was }(bigEndian)
	for _, big := range []bool{false, true} {
		for _, before := range []int{0, 1, 3} { // bytes that disturb the alignment
			bigEndian = big
			buf := finish(2, func(b *flatbuffers.Builder) func() {
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
			table := Root(buf)
			if got := ReadNumbers[[]E](table, 4); !slices.Equal(got, s) {
				t.Errorf("read %v, want %v", got, s)
			}
			at := int(table.Vector(flatbuffers.UOffsetT(table.Offset(4))))
			// FlatBuffers aligns from the end of the buffer.
			if (len(buf)-at)%size[E]() != 0 && at%size[E]() != 0 {
				t.Errorf("%T elements stand at byte %d of %d", s, at, len(buf))
			}
			want := memory(slices.Clone(s))
			if big {
				swap(want, size[E]())
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
		buf := finish(5, func(b *flatbuffers.Builder) func() {
			offsets := []flatbuffers.UOffsetT{CreateNumbers(b, numbers), CreateBools(b, bools), CreateStrings(b, strs), CreateNumbers(b, keys), CreateStrings(b, Values(m, keys))}
			return func() {
				for i, o := range offsets {
					b.PrependUOffsetTSlot(i, o, 0)
				}
			}
		})
		r := Root(buf)
		got := []bool{ReadNumbers[[]int64](r, 4) != nil, ReadBools[[]bool](r, 6) != nil, ReadStrings[[]string](r, 8) != nil, ReadNumbers[[]int8](r, 10) != nil, ReadStrings[[]string](r, 12) != nil}
		if !slices.Equal(got, []bool{empty, empty, empty, empty, empty}) {
			t.Errorf("empty %v: not nil %v", empty, got)
		}
	}
}

func TestBools(t *testing.T) {
	type flag bool
	want := []flag{true, false, true, true, false}
	buf := finish(1, func(b *flatbuffers.Builder) func() {
		o := CreateBools(b, want)
		return func() { b.PrependUOffsetTSlot(0, o, 0) }
	})
	if got := ReadBools[[]flag](Root(buf), 4); !slices.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
}

// TestNegativeZero: unlike the Builder's own methods ours keep the sign of a zero.
func TestNegativeZero(t *testing.T) {
	minus := math.Copysign(0, -1)
	buf := finish(4, func(b *flatbuffers.Builder) func() {
		return func() {
			PrependFloat64Slot(b, 0, minus)
			PrependFloat32Slot(b, 1, float32(minus))
			PrependFloat64Slot(b, 2, 0)
			PrependFloat32Slot(b, 3, 0)
		}
	})
	r := Root(buf)
	if !math.Signbit(r.GetFloat64Slot(4, 0)) || !math.Signbit(float64(r.GetFloat32Slot(6, 0))) {
		t.Error("the sign is lost")
	}
	if r.Offset(8) != 0 || r.Offset(10) != 0 {
		t.Error("a zero was written")
	}
}

func TestReadChunk(t *testing.T) {
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
		"two":             {[]step{{[]byte("a"), nil}, {[]byte("b"), nil}}, nil, ErrMalformed},
		"refused":         {[]step{{[]byte("a"), nil}}, broken, broken},
		"broken at first": {[]step{{nil, broken}}, nil, broken},
		"broken at last":  {[]step{{[]byte("a"), nil}, {nil, broken}}, nil, broken},
	} {
		steps := c.steps
		err := ReadChunk(func() ([]byte, error) {
			s := steps[0]
			steps = steps[1:]
			return s.chunk, s.err
		}, func([]byte) error { return c.read })
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: error %v, want %v", about, err, c.want)
		}
	}
}
