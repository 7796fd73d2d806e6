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
	zeroTime = func() []byte {
		b := binary.LittleEndian.AppendUint64(nil, uint64(time.Time{}.Unix()))
		return append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	}()
)

// integer returns a signed integer, or the bits of an unsigned one.
func (s Scalar) integer(b []byte) (bits uint64, signed bool) {
	switch s {
	case Int8:
		return uint64(int64(int8(b[0]))), true
	case Int16:
		return uint64(int64(int16(binary.LittleEndian.Uint16(b)))), true
	case Int32:
		return uint64(int64(int32(binary.LittleEndian.Uint32(b)))), true
	case Int64:
		return binary.LittleEndian.Uint64(b), true
	case Uint8:
		return uint64(b[0]), false
	case Uint16:
		return uint64(binary.LittleEndian.Uint16(b)), false
	case Uint32:
		return uint64(binary.LittleEndian.Uint32(b)), false
	}
	return binary.LittleEndian.Uint64(b), false
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
	case Float32:
		return appendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32, b)
	case Float64:
		return appendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)), 64, b)
	case Complex64, Complex128:
		half := s - Complex64 + Float32
		dst = half.Append(append(dst, '('), b[:half.Size()])
		imaginary := half.Append(nil, b[half.Size():])
		if c := imaginary[0]; c != '-' && c != '+' {
			dst = append(dst, '+')
		}
		return append(append(dst, imaginary...), 'i', ')')
	case Time:
		return appendTime(dst, b)
	}
	if bits, signed := s.integer(b); signed {
		return strconv.AppendInt(dst, int64(bits), 10)
	} else {
		return strconv.AppendUint(dst, bits, 10)
	}
}

// appendFloat appends the shortest text that reads back as f, and the bits of a NaN that is not Go's.
func appendFloat(dst []byte, f float64, size int, raw []byte) []byte {
	switch {
	case math.IsNaN(f):
		dst = append(dst, "NaN"...)
		if size == 64 && binary.LittleEndian.Uint64(raw) != math.Float64bits(math.NaN()) {
			dst = append(dst, ':')
			return strconv.AppendUint(dst, binary.LittleEndian.Uint64(raw), 16)
		}
		if size == 32 && binary.LittleEndian.Uint32(raw) != math.Float32bits(float32(math.NaN())) {
			dst = append(dst, ':')
			return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(raw)), 16)
		}
		return dst
	case math.IsInf(f, 0):
		return strconv.AppendFloat(dst, f, 'g', -1, size)
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, size)
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
