package matrix

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"dsss/flat"
)

// field is the buffer of a table whose slot 0 refers to what create writes.
func field(t *testing.T, create func(*flat.Builder) flat.Offset) []byte {
	t.Helper()
	buf, err := flat.Append(nil, 0, func(b *flat.Builder, _ int) flat.Offset {
		o := create(b)
		b.StartObject(1)
		flat.PutOffset(b, 0, o)
		return b.EndObject()
	})
	if err != nil {
		t.Fatal(err)
	}
	return buf
}

// TestRoundTrip: what is read equals what was written, and is written as the same bytes, whatever memory it was a view of.
func TestRoundTrip(t *testing.T) {
	numbers := []float64{1, -2, math.Inf(1), 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	wide := mat.NewDense(4, 4, numbers)
	for _, m := range []*mat.Dense{nil, {}, mat.NewDense(2, 3, numbers[:6]), wide.Slice(1, 4, 1, 3).(*mat.Dense)} {
		buf := field(t, func(b *flat.Builder) flat.Offset { return CreateDense(b, m) })
		check := flat.New(buf)
		got := ReadDense(check.Root().Sub(0))
		same(t, got == nil, m == nil, check.Err(), func() bool { return got.IsEmpty() == m.IsEmpty() && (m.IsEmpty() || mat.Equal(got, m)) })
		again := field(t, func(b *flat.Builder) flat.Offset { return CreateDense(b, CopyDense(got)) })
		if !bytes.Equal(buf, again) {
			t.Error("a copy is written as other bytes")
		}
	}
	for _, m := range []*mat.VecDense{nil, {}, mat.NewVecDense(5, numbers[:5]), wide.ColView(1).(*mat.VecDense)} {
		buf := field(t, func(b *flat.Builder) flat.Offset { return CreateVecDense(b, m) })
		check := flat.New(buf)
		got := ReadVecDense(check.Root().Sub(0))
		same(t, got == nil, m == nil, check.Err(), func() bool { return got.IsEmpty() == m.IsEmpty() && (m.IsEmpty() || mat.Equal(got, m)) })
		again := field(t, func(b *flat.Builder) flat.Offset { return CreateVecDense(b, CopyVecDense(got)) })
		if !bytes.Equal(buf, again) {
			t.Error("a copy is written as other bytes")
		}
	}
	for _, m := range []*mat.SymDense{nil, {}, mat.NewSymDense(4, numbers), mat.NewSymDense(4, numbers).SliceSym(1, 3).(*mat.SymDense)} {
		buf := field(t, func(b *flat.Builder) flat.Offset { return CreateSymDense(b, m) })
		check := flat.New(buf)
		got := ReadSymDense(check.Root().Sub(0))
		same(t, got == nil, m == nil, check.Err(), func() bool { return got.IsEmpty() == m.IsEmpty() && (m.IsEmpty() || mat.Equal(got, m)) })
		again := field(t, func(b *flat.Builder) flat.Offset { return CreateSymDense(b, CopySymDense(got)) })
		if !bytes.Equal(buf, again) {
			t.Error("a copy is written as other bytes")
		}
	}
}

func same(t *testing.T, gotNil, wantNil bool, err error, equal func() bool) {
	t.Helper()
	if err != nil || gotNil != wantNil || !gotNil && !equal() {
		t.Errorf("read another matrix: nil %v, want %v; error %v", gotNil, wantNil, err)
	}
}

// TestCopies share nothing.
func TestCopies(t *testing.T) {
	d, v, s := mat.NewDense(1, 1, nil), mat.NewVecDense(1, nil), mat.NewSymDense(1, nil)
	CopyDense(d).Set(0, 0, 1)
	CopyVecDense(v).SetVec(0, 1)
	CopySymDense(s).SetSym(0, 0, 1)
	if d.At(0, 0)+v.AtVec(0)+s.At(0, 0) != 0 {
		t.Error("writing to a copy wrote to the original")
	}
}

// TestMalformed: sizes that do not fit the numbers are refused, not multiplied.
func TestMalformed(t *testing.T) {
	shape := func(sizes []int, data []float64) []byte {
		return field(t, func(b *flat.Builder) flat.Offset {
			o := flat.CreateNumbers(b, data)
			b.StartObject(len(sizes) + 1)
			for i, n := range sizes {
				flat.PutNumber(b, i, n)
			}
			flat.PutOffset(b, len(sizes), o)
			return b.EndObject()
		})
	}
	for _, sizes := range [][]int{{1, 1}, {0, 4}, {4, 0}, {-2, -2}, {2, 3}, {3, 2}, {1 << 62, 4}, {math.MinInt, math.MinInt}, {8, 0}} {
		check := flat.New(shape(sizes, make([]float64, 4)))
		if m := ReadDense(check.Root().Sub(0)); m != nil || !errors.Is(check.Err(), flat.ErrMalformed) || !strings.Contains(check.Err().Error(), "rows") {
			t.Errorf("%v of 4 numbers: %v, error %v", sizes, m, check.Err())
		}
	}
	for _, n := range []int{0, 1, 3, -3, 1 << 33, math.MinInt} {
		check := flat.New(shape([]int{n}, make([]float64, 4)))
		if m := ReadSymDense(check.Root().Sub(0)); m != nil || !errors.Is(check.Err(), flat.ErrMalformed) {
			t.Errorf("%d rows of 4 numbers: %v, error %v", n, m, check.Err())
		}
	}
}
