package inspect

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"dsss/flat"
	"dsss/internal/limits"
)

// A keyReader takes the events of one key that is an array or a struct. The walk hands them on together, since a key has no
// parts that could be looked at alone.
type keyReader struct {
	events []Event
	order  []byte // bytes that are ordered as the keys are
	size   int    // of events, in bytes
	nan    bool
	null   bool // something in it is absent and stands for zeros, how many of which the schema does not say
}

// read takes the key that t is; t fails for one that is too large.
func (k *keyReader) read(tb *table, t flat.Table) {
	*k = keyReader{events: k.events[:0], order: k.order[:0]}
	w := &walker{yield: func(e Event, _ error) bool { return k.add(e) }}
	w.table(tb, t, "")
	if k.size > limits.Chunk {
		t.Fail("a map's key of more than %d bytes", limits.Chunk)
	}
}

func (k *keyReader) add(e Event) bool {
	if last := len(k.events) - 1; e.Kind == Piece && k.events[last].Kind == Piece {
		k.events[last].Data = append(k.events[last].Data, e.Data...) // where a string was cut is no part of the key
	} else {
		e.Data = bytes.Clone(e.Data)
		k.events = append(k.events, e)
	}
	switch e.Kind {
	case Value, Values:
		for data := e.Data; len(data) > 0; data = data[e.Scalar.Size():] {
			one := data[:e.Scalar.Size()]
			k.nan = k.nan || e.Scalar.isNaN(one)
			k.order = e.Scalar.appendOrder(k.order, one)
		}
	case Piece:
		// A string that is the beginning of another comes before it, whatever follows in the key.
		k.order = append(k.order, bytes.ReplaceAll(e.Data, []byte{0}, []byte{0, 1})...)
	case Null:
		k.null = true
	case End:
		k.order = append(k.order, 0, 0)
	}
	k.size += 64 + len(e.Data)
	return k.size <= limits.Chunk
}

// isNaN tells whether a value is, or has in it, a NaN.
func (s Scalar) isNaN(b []byte) bool {
	switch s {
	case Float32, Float64:
		return math.IsNaN(s.float(b))
	case Complex64, Complex128:
		half, re, im := s.halves(b)
		return half.isNaN(re) || half.isNaN(im)
	}
	return false
}

// appendOrder appends bytes that are ordered as the keys of maps are. The two zeros of a float are one key, as in Go.
func (s Scalar) appendOrder(dst, b []byte) []byte {
	switch s {
	case Complex64, Complex128:
		half, re, im := s.halves(b)
		return half.appendOrder(half.appendOrder(dst, re), im)
	case Bool:
		return append(dst, flat.Byte(b[0] != 0))
	case Float32, Float64:
		f := s.float(b)
		if f == 0 {
			f = 0 // not -0
		}
		bits := math.Float64bits(f)
		if bits>>63 == 1 {
			return binary.BigEndian.AppendUint64(dst, ^bits)
		}
		return binary.BigEndian.AppendUint64(dst, bits|1<<63)
	}
	bits, signed := s.integer(b)
	if signed {
		bits ^= 1 << 63
	}
	return binary.BigEndian.AppendUint64(dst, bits)
}

// compareKeys orders two keys of maps, the types of which may differ: as the maps do, and 0 only for those that have the same
// text.
func compareKeys(a, b Event) int {
	switch {
	case a.Scalar == 0 && b.Scalar == 0:
		if order := bytes.Compare(a.Data, b.Data); order != 0 || a.Key == nil {
			return order
		}
	case a.Scalar.isInteger() && b.Scalar.isInteger():
		return compareIntegers(a, b)
	case a.Scalar == b.Scalar:
		if order := a.Scalar.compareKeys(a.Data, b.Data); order != 0 {
			return order
		}
	}
	return bytes.Compare(keyText(a), keyText(b))
}

// compareIntegers orders two keys, of types that may differ.
func compareIntegers(a, b Event) (order int) {
	x, signedX := a.Scalar.integer(a.Data)
	y, signedY := b.Scalar.integer(b.Data)
	if signedX && int64(x) < 0 {
		order--
	}
	if signedY && int64(y) < 0 {
		order++
	}
	return cmp.Or(order, cmp.Compare(x, y))
}

// keyText is a key as paths name it, whole: a number, a quoted string, or an array or struct of such as in
// {alpha: 0.5, cell: [1, 2]}.
func keyText(e Event) []byte {
	if e.Scalar != 0 {
		return e.Scalar.Append(nil, e.Data)
	}
	parts := e.Key
	if parts == nil {
		parts = []Event{{Kind: Text}, {Kind: Piece, Data: e.Data}, {Kind: End}}
	}
	p, t := newText(true)
	for _, part := range parts {
		p.add(part)
	}
	return []byte(t.String())
}

// quotedLen is how many bytes of text, which begins with a quote, its quoted string has: all of them when it does not end.
func quotedLen(text string) int {
	if q, err := strconv.QuotedPrefix(text); err == nil {
		return len(q)
	}
	return len(text)
}

// squeeze returns text without the spaces that are not in quotes.
func squeeze(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		n := 1
		if text[i] == '"' {
			n = quotedLen(text[i:])
		}
		if text[i] != ' ' {
			b.WriteString(text[i : i+n])
		}
		i += n
	}
	return b.String()
}
