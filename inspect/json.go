package inspect

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"iter"
	"strconv"
	"unicode/utf8"
)

// JSON writes the value that the events make up to w, whole and losslessly, as JSON without a line end:
//
//   - an integer as a number, or as a decimal string beyond ±(2^53-1), which is as far as JSON's numbers are exact;
//   - a float as the shortest number that reads back as it, with the sign of a zero; "NaN", "+Inf" and "-Inf" as strings (and
//     "NaN:" and its bits for a NaN that is not Go's);
//   - a complex number as [re, im];
//   - a time.Time as a string by RFC 3339 in UTC, or "@SECONDS.NANOS" since 1970 where the year does not have four digits;
//   - a string as a string; a byte that is no part of UTF-8 as the code \udc80 to \udcff, as Python's surrogateescape has it;
//   - bytes in base64, and what a type has written with MarshalBinary as {"binary": TYPE, "base64": …};
//   - a struct as an object; a map as an object whose names are its keys, ascending (the JSON of a key that is a complex
//     number, an array or a struct), and a set as an array of its keys;
//   - a matrix as an array of rows, of which those of a symmetric matrix begin at the diagonal; a vector as an array;
//   - nil as null.
//
// The error is that of the events or of w.
func JSON(w io.Writer, events iter.Seq2[Event, error]) error {
	p, j := newJSON(w)
	for e, err := range events {
		switch {
		case err != nil:
			return err
		case e.Kind == End && len(p.open) == 0:
			return errors.New("an end without a beginning")
		}
		if p.add(e); j.err != nil {
			return j.err
		}
	}
	if len(p.open) > 0 {
		return errors.New("the state ends in the middle")
	}
	j.flush()
	return j.err
}

// jsonBuffer is how many bytes are written at once.
const jsonBuffer = 64 << 10

// A jsonText is the notation of JSON.
type jsonText struct {
	w   io.Writer
	buf []byte
	err error // of w
}

func newJSON(w io.Writer) (*printer, *jsonText) {
	j := &jsonText{w: w}
	return &printer{notation: j}, j
}

func (j *jsonText) flush() {
	if j.err == nil {
		_, j.err = j.w.Write(j.buf)
	}
	j.buf = j.buf[:0]
}

// keepSmall writes out what is there once that is much.
func (j *jsonText) keepSmall() {
	if len(j.buf) >= jsonBuffer {
		j.flush()
	}
}

func (j *jsonText) separate(in *level) {
	j.keepSmall()
	switch k := in.begin.Kind; {
	case k == Dense || k == Symmetric:
		j.row(in)
	case in.n > 0:
		j.buf = append(j.buf, ',')
	}
}

// row writes what stands before a number of a matrix: in.n counts those of the present row, and begin.Cols is its length.
func (j *jsonText) row(in *level) {
	switch {
	case in.n == 0:
		j.buf = append(j.buf, '[')
	case in.n < in.begin.Cols:
		j.buf = append(j.buf, ',')
	default:
		j.buf = append(j.buf, "],["...)
		in.n = 0
		if in.begin.Kind == Symmetric {
			in.begin.Cols-- // the next row is one shorter
		}
	}
}

// name writes the name of a field, or a key: of a set, as an element.
func (j *jsonText) name(in *level, e Event) {
	set := in.begin.Kind == Set
	var text []byte
	switch {
	case e.Kind == Field:
		text = []byte(e.Name)
	case e.Key == nil && e.Scalar == 0:
		text = e.Data
	case e.Key != nil || e.Scalar.isComplex() || set:
		text = keyJSON(e)
	default:
		text = e.Scalar.Append(nil, e.Data)
	}
	switch {
	case !set:
		j.buf = append(appendText(append(j.buf, '"'), text), `":`...)
	case e.Key == nil && e.Scalar == 0:
		j.buf = append(appendText(append(j.buf, '"'), text), '"')
	default:
		j.buf = append(j.buf, text...)
	}
}

// keyJSON is the JSON of a key that is no string.
func keyJSON(e Event) []byte {
	if e.Key == nil {
		return appendJSON(nil, e.Scalar, e.Data)
	}
	var b bytes.Buffer
	p, j := newJSON(&b)
	for _, part := range e.Key {
		p.add(part)
	}
	j.flush()
	return b.Bytes()
}

func (j *jsonText) scalar(s Scalar, b []byte) { j.buf = appendJSON(j.buf, s, b) }

func (j *jsonText) write(sign string) { j.buf = append(j.buf, sign...) }

func (j *jsonText) signs(begin Event) (opening, closing string) {
	switch begin.Kind {
	case Null:
		return "null", ""
	case Struct, Map:
		return "{", "}"
	case Text, Bytes:
		return `"`, `"`
	case Binary:
		return `{"binary":"` + string(appendText(nil, []byte(begin.Name))) + `","base64":"`, `"}`
	}
	return "[", "]"
}

// rest writes what of a string has waited for more, and ends the last row of a matrix.
func (j *jsonText) rest(in *level) {
	switch k := in.begin.Kind; {
	case k == Text:
		j.buf = appendText(j.buf, in.rest)
	case k == Bytes || k == Binary:
		j.buf = base64.StdEncoding.AppendEncode(j.buf, in.rest)
	case (k == Dense || k == Symmetric) && in.n > 0:
		j.buf = append(j.buf, ']')
	}
}

// piece writes as much of a string as can be without what follows.
func (j *jsonText) piece(in *level, data []byte) {
	const most = 48 << 10 // a multiple of 3
	for len(data) > 0 {
		n := min(len(data), most)
		in.rest = append(in.rest, data[:n]...)
		data = data[n:]
		whole := len(in.rest) / 3 * 3
		if in.begin.Kind == Text {
			whole = wholeText(in.rest)
			j.buf = appendText(j.buf, in.rest[:whole])
		} else {
			j.buf = base64.StdEncoding.AppendEncode(j.buf, in.rest[:whole])
		}
		in.rest = append(in.rest[:0], in.rest[whole:]...)
		j.keepSmall()
	}
}

// wholeText returns how many bytes of text do not depend on what follows.
func wholeText(text []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(text); i++ {
		if c := text[len(text)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(text[len(text)-i:]) {
				return len(text) - i
			}
			break
		}
	}
	return len(text)
}

// appendText appends text as it stands between the quotes of a JSON string.
func appendText(dst, text []byte) []byte {
	const digits = "0123456789abcdef"
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(dst, `\udc`...)
			dst = append(dst, digits[text[0]>>4], digits[text[0]&15])
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r < ' ' || r == 0x7f:
			dst = append(dst, `\u00`...)
			dst = append(dst, digits[r>>4], digits[r&15])
		default:
			dst = append(dst, text[:n]...)
		}
		text = text[n:]
	}
	return dst
}

// appendJSON appends a scalar of its Size bytes.
func appendJSON(dst []byte, s Scalar, b []byte) []byte {
	const exact = 1<<53 - 1
	switch s {
	case Int64, Uint64:
		bits, signed := s.integer(b)
		if signed && (int64(bits) > exact || int64(bits) < -exact) || !signed && bits > exact {
			return append(s.Append(append(dst, '"'), b), '"')
		}
	case Float32, Float64:
		at := len(dst)
		dst = s.Append(dst, b)
		if c := dst[len(dst)-1]; dst[at] != 'N' && c != 'f' {
			return dst
		}
		return strconv.AppendQuote(dst[:at], string(dst[at:]))
	case Complex64, Complex128:
		half, re, im := s.halves(b)
		dst = appendJSON(append(dst, '['), half, re)
		return append(appendJSON(append(dst, ','), half, im), ']')
	case Time:
		return append(s.Append(append(dst, '"'), b), '"')
	}
	return s.Append(dst, b)
}
