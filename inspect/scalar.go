package inspect

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"time"
)

// A Scalar is a type that stands inline: in a field, or as an element of a vector.
type Scalar byte

// The scalars. The zero Scalar is none.
const (
	Bool Scalar = iota + 1
	Int8
	Int16
	Int32
	Int64
	Uint8
	Uint16
	Uint32
	Uint64
	Float32
	Float64
	Complex64
	Complex128
	Time // seconds since 1970 (int64) and nanoseconds (int32), 16 bytes
)

var scalarOf = map[string]Scalar{
	"bool": Bool, "byte": Int8, "short": Int16, "int": Int32, "long": Int64, "ubyte": Uint8, "ushort": Uint16, "uint": Uint32,
	"ulong": Uint64, "float": Float32, "double": Float64,
}

var scalarSize = [...]int{0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 8, 16, 16}

// Size returns how many bytes one takes on the wire.
func (s Scalar) Size() int { return scalarSize[s] }

// isKey tells whether one may be the key of a map.
func (s Scalar) isKey() bool { return s >= Bool && s <= Complex128 }

func (s Scalar) isInteger() bool { return s >= Int8 && s <= Uint64 }

// zero is one that is absent.
func (s Scalar) zero() []byte {
	if s == Time {
		return zeroTime
	}
	return zeros[:s.Size()]
}

var (
	zeros    [16]byte
	zeroTime = append(binary.LittleEndian.AppendUint64(nil, uint64(time.Time{}.Unix())), zeros[:8]...)
)

// integer returns a signed integer, or the bits of any other scalar of at most 8 bytes.
func (s Scalar) integer(b []byte) (bits uint64, signed bool) {
	var wide [8]byte
	copy(wide[:], b[:s.Size()])
	bits, signed = binary.LittleEndian.Uint64(wide[:]), s >= Int8 && s <= Int64
	if above := 64 - 8*s.Size(); signed {
		bits = uint64(int64(bits<<above) >> above)
	}
	return bits, signed
}

// float returns the value of a Float32 or Float64.
func (s Scalar) float(b []byte) float64 {
	bits, _ := s.integer(b)
	if s == Float32 {
		return float64(math.Float32frombits(uint32(bits)))
	}
	return math.Float64frombits(bits)
}

func (s Scalar) isComplex() bool { return s == Complex64 || s == Complex128 }

// halves returns the type of the two parts of a complex number, and the parts.
func (s Scalar) halves(b []byte) (half Scalar, re, im []byte) {
	half = s - Complex64 + Float32
	return half, b[:half.Size()], b[half.Size():]
}

// compareKeys orders two keys of a map.
func (s Scalar) compareKeys(a, b []byte) int {
	var x, y [16]byte
	return bytes.Compare(s.appendOrder(x[:0], a), s.appendOrder(y[:0], b))
}

// Append appends the value in b, of s's Size bytes, as text. Numbers that differ in any bit have different texts.
func (s Scalar) Append(dst, b []byte) []byte {
	switch s {
	case Bool:
		return strconv.AppendBool(dst, b[0] != 0)
	case Float32, Float64:
		return s.appendFloat(dst, b)
	case Complex64, Complex128:
		half, re, im := s.halves(b)
		dst = half.Append(append(dst, '('), re)
		imaginary := half.Append(nil, im)
		if c := imaginary[0]; c != '-' && c != '+' {
			dst = append(dst, '+')
		}
		return append(append(dst, imaginary...), 'i', ')')
	case Time:
		return appendTime(dst, b)
	}
	bits, signed := s.integer(b)
	if signed {
		return strconv.AppendInt(dst, int64(bits), 10)
	}
	return strconv.AppendUint(dst, bits, 10)
}

// appendFloat appends the shortest text that reads back as the float in b, and the bits of a NaN that is not Go's.
func (s Scalar) appendFloat(dst, b []byte) []byte {
	f := s.float(b)
	if f != f {
		dst = append(dst, "NaN"...)
		if bits, _ := s.integer(b); bits != math.Float64bits(math.NaN()) && bits != uint64(math.Float32bits(float32(math.NaN()))) {
			dst = strconv.AppendUint(append(dst, ':'), bits, 16)
		}
		return dst
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, 8*s.Size())
	if f == 0 && math.Signbit(f) {
		dst = append(dst, ".0"...) // readers that take whole numbers for integers would lose the sign
	}
	return dst
}

// appendTime appends an instant by RFC 3339, or as @SECONDS.NANOS since 1970 where that has no year for it.
func appendTime(dst, b []byte) []byte {
	seconds, nanos := int64(binary.LittleEndian.Uint64(b)), binary.LittleEndian.Uint32(b[8:])
	if seconds < yearZero || seconds >= yearEnd || nanos >= 1e9 {
		dst = strconv.AppendInt(append(dst, '@'), seconds, 10)
		digits := strconv.AppendUint(nil, 1e9+uint64(nanos), 10)
		if nanos >= 1e9 { // no time, but what stands there
			return strconv.AppendUint(append(dst, '+'), uint64(nanos), 10)
		}
		return append(append(dst, '.'), digits[1:]...)
	}
	return time.Unix(seconds, int64(nanos)).UTC().AppendFormat(dst, time.RFC3339Nano)
}

var (
	yearZero = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	yearEnd  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)
