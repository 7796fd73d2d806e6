// Package matrix writes and reads the matrices of gonum as FlatBuffers tables, for code from dsss-gen: numbers are
// copied as memory, row by row where a matrix is a view of a larger one and at once where it is not.
//
// The Create functions return 0 for nil, which leaves a field absent, as those of package flat do. The Read functions
// take the table of a field, verify and read it, and return nil for an absent one; a matrix that was read has memory of
// its own. The Copy functions keep nil and empty apart, too.
package matrix

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"dsss/flat"
)

// CreateDense writes m as table GonumDense: rows, cols, and data by rows.
func CreateDense(b *flat.Builder, m *mat.Dense) flat.Offset {
	if m == nil || !b.Enter() {
		return 0
	}
	raw := m.RawMatrix()
	var offset flat.Offset
	if raw.Stride == raw.Cols {
		offset = flat.CreateNumbers(b, raw.Data[:raw.Rows*raw.Cols])
	} else {
		offset = flat.CreateRows(b, raw.Rows, raw.Rows*raw.Cols, func(i int) []float64 { return raw.Data[i*raw.Stride:][:raw.Cols] })
	}
	b.StartObject(3)
	flat.PutNumber(b, 0, raw.Rows)
	flat.PutNumber(b, 1, raw.Cols)
	flat.PutOffset(b, 2, offset)
	return b.Leave()
}

// ReadDense returns what CreateDense wrote.
func ReadDense(t flat.Table) *mat.Dense {
	if !t.Present() {
		return nil
	}
	rows, cols, data := flat.ReadNumber[int](t, 0), flat.ReadNumber[int](t, 1), flat.ReadNumbers[[]float64](t, 2)
	switch {
	case rows == 0 && cols == 0 && len(data) == 0:
		return &mat.Dense{}
	case rows <= 0 || cols <= 0 || rows > len(data) || len(data)%rows != 0 || len(data)/rows != cols:
		t.Fail("a matrix of %d rows and %d columns with %d numbers", rows, cols, len(data))
		return nil
	}
	return mat.NewDense(rows, cols, data)
}

// CopyDense returns a copy.
func CopyDense(m *mat.Dense) *mat.Dense {
	switch {
	case m == nil:
		return nil
	case m.IsEmpty():
		return &mat.Dense{}
	}
	return mat.DenseCopyOf(m)
}

// CreateVecDense writes v as table GonumVecDense: data.
func CreateVecDense(b *flat.Builder, v *mat.VecDense) flat.Offset {
	if v == nil || !b.Enter() {
		return 0
	}
	raw := v.RawVector()
	var offset flat.Offset
	if raw.Inc <= 1 {
		offset = flat.CreateNumbers(b, raw.Data[:raw.N])
	} else {
		offset = flat.CreateRows(b, raw.N, raw.N, func(i int) []float64 { return raw.Data[i*raw.Inc:][:1] })
	}
	b.StartObject(1)
	flat.PutOffset(b, 0, offset)
	return b.Leave()
}

// ReadVecDense returns what CreateVecDense wrote.
func ReadVecDense(t flat.Table) *mat.VecDense {
	if !t.Present() {
		return nil
	}
	data := flat.ReadNumbers[[]float64](t, 0)
	if len(data) == 0 {
		return &mat.VecDense{}
	}
	return mat.NewVecDense(len(data), data)
}

// CopyVecDense returns a copy.
func CopyVecDense(v *mat.VecDense) *mat.VecDense {
	switch {
	case v == nil:
		return nil
	case v.IsEmpty():
		return &mat.VecDense{}
	}
	return mat.VecDenseCopyOf(v)
}

// CreateSymDense writes m as table GonumSymDense: n, and upper, the rows of the upper triangle. What lies below the
// diagonal in m's memory is no part of m, and does not travel.
func CreateSymDense(b *flat.Builder, m *mat.SymDense) flat.Offset {
	if m == nil || !b.Enter() {
		return 0
	}
	raw := m.RawSymmetric()
	offset := flat.CreateRows(b, raw.N, raw.N*(raw.N+1)/2, func(i int) []float64 { return raw.Data[i*raw.Stride+i : i*raw.Stride+raw.N] })
	b.StartObject(2)
	flat.PutNumber(b, 0, raw.N)
	flat.PutOffset(b, 1, offset)
	return b.Leave()
}

// ReadSymDense returns what CreateSymDense wrote.
func ReadSymDense(t flat.Table) *mat.SymDense {
	if !t.Present() {
		return nil
	}
	n, upper := flat.ReadNumber[int](t, 0), flat.ReadNumbers[[]float64](t, 1)
	switch {
	case n == 0 && len(upper) == 0:
		return &mat.SymDense{}
	case n <= 0 || n > len(upper) || n*(n+1)/2 != len(upper):
		t.Fail("a symmetric matrix of %d rows with %d numbers", n, len(upper))
		return nil
	}
	data := make([]float64, n*n)
	for i := range n {
		upper = upper[copy(data[i*n+i:(i+1)*n], upper):]
	}
	s := &mat.SymDense{}
	s.SetRawSymmetric(blas64.Symmetric{N: n, Stride: n, Data: data, Uplo: blas.Upper})
	return s
}

// CopySymDense returns a copy.
func CopySymDense(m *mat.SymDense) *mat.SymDense {
	switch {
	case m == nil:
		return nil
	case m.IsEmpty():
		return &mat.SymDense{}
	}
	c := mat.NewSymDense(m.SymmetricDim(), nil)
	c.CopySym(m)
	return c
}
