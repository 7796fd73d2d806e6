package flat

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
)

// tailFixed is the fixed part of a table of a string, [double], [short] and nil-able [ubyte].
const tailFixed = "\x14\x00\x00\x00" + // root
	"\x0c\x00\x14\x00\x04\x00\x08\x00\x0c\x00\x10\x00\x00\x00\x00\x00" + // vtable
	"\x10\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" // table

func appendTail(dst []byte, text string, doubles []float64, shorts []int16, block []byte) []byte {
	start := len(dst)
	dst = append(dst, tailFixed...)
	dst = AppendString(dst, start, 24, text)
	dst = AppendNumbers(dst, start, 10, 28, doubles)
	dst = AppendNumbers(dst, start, 12, 32, shorts)
	return AppendNumbers(dst, start, 14, 36, block)
}

func readTail(buf []byte) (text string, doubles []float64, shorts []int16, block []byte, whole bool) {
	t := TailOf(buf, len(tailFixed))
	text = TailString[string](&t, 24)
	doubles = TailNumbers[[]float64](&t, 28)
	shorts = TailNumbers[[]int16](&t, 32)
	block = TailNumbers[[]byte](&t, 36)
	return text, doubles, shorts, block, t.Whole()
}

// TestTail: what is appended is a valid buffer whose elements are aligned, and is read back both ways, on either kind of
// machine.
func TestTail(t *testing.T) {
	defer func(was bool) { bigEndian = was }(bigEndian)
	for _, big := range []bool{false, true} {
		bigEndian = big
		for n := range 9 {
			text, doubles, shorts, block := "abcdefgh"[:n], make([]float64, n), make([]int16, n), bytes.Repeat([]byte{7}, n)
			for i := range n {
				doubles[i], shorts[i] = float64(i)+0.5, int16(-i)
			}
			buf := appendTail([]byte("12345678"), text, doubles, shorts, block)[8:]
			v := New(buf)
			root := v.Root()
			root.String(0)
			root.Vector(1, 8)
			root.Vector(2, 2)
			root.Vector(3, 1)
			if err := v.Err(); err != nil {
				t.Fatalf("%d elements: %v", n, err)
			}
			table := flatbuffers.Table{Bytes: buf, Pos: flatbuffers.GetUOffsetT(buf)}
			if at := table.Vector(Offset(table.Offset(6))); at%8 != 0 {
				t.Errorf("%d elements: doubles stand at byte %d", n, at)
			}
			gotText, gotDoubles, gotShorts, gotBlock, whole := readTail(buf)
			if !whole || gotText != text || !slices.Equal(gotDoubles, doubles) || !slices.Equal(gotShorts, shorts) || !bytes.Equal(gotBlock, block) {
				t.Errorf("%d elements: read %q %v %v %v %v", n, gotText, gotDoubles, gotShorts, gotBlock, whole)
			}
			again := New(buf)
			if got := ReadNumbers[[]float64](again.Root(), 1); !slices.Equal(got, doubles) {
				t.Errorf("%d elements: the general way reads %v", n, got)
			}
		}
	}
}

// TestTailNil: a vector that is nil is absent, and the fixed part says so.
func TestTailNil(t *testing.T) {
	buf := appendTail(nil, "text", nil, []int16{}, nil)
	check := New(buf)
	if root := check.Root(); root.Has(1) || !root.Has(2) || root.Has(3) {
		t.Errorf("present: %v, %v, %v; want only the second", root.Has(1), root.Has(2), root.Has(3))
	}
	if _, _, _, _, whole := readTail(buf); whole {
		t.Error("a buffer without one of the vectors was read as whole")
	}
}

// TestTailElsewhere: a tail that is not where the layout has it is not read, and nothing behind it either.
func TestTailElsewhere(t *testing.T) {
	good := appendTail(nil, "text", []float64{1}, []int16{2}, []byte{3})
	for at := 24; at+4 <= len(good); at += 4 {
		for _, word := range []uint32{0, 1, 1 << 30, 1 << 31, 1<<32 - 1} {
			bad := bytes.Clone(good)
			binary.LittleEndian.PutUint32(bad[at:], word)
			readTail(bad) // may be whole, where a number was hit; may not panic
		}
	}
	for _, field := range []int{24, 28, 32, 36} {
		bad := bytes.Clone(good)
		bad[field]++
		if _, _, _, block, whole := readTail(bad); whole || block != nil {
			t.Errorf("field at %d points elsewhere: read %v, whole %v", field, block, whole)
		}
	}
	for cut := len(tailFixed); cut < len(good); cut++ {
		if _, _, _, _, whole := readTail(good[:cut]); whole {
			t.Errorf("whole when cut at %d of %d", cut, len(good))
		}
	}
}
