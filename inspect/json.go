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
	j := &jsonWriter{w: w}
	for e, err := range events {
		if err != nil {
			return err
		}
		if err := j.add(e); err != nil {
			return err
		}
		if len(j.buf) >= jsonBuffer {
			if err := j.flush(); err != nil {
				return err
			}
		}
	}
	if len(j.open) > 0 {
		return errors.New("the state ends in the middle")
	}
	return j.flush()
}

// jsonBuffer is how many bytes are written at once.
const jsonBuffer = 64 << 10

type jsonWriter struct {
	w    io.Writer
	buf  []byte
	open []jsonLevel
}

// A jsonLevel is something that was begun.
type jsonLevel struct {
	begin Event
	n     int64  // elements, fields or entries so far
	rest  []byte // of a string: bytes that may begin a character, or a group of base64
}

func (j *jsonWriter) flush() error {
	_, err := j.w.Write(j.buf)
	j.buf = j.buf[:0]
	return err
}

// separate writes what stands before an element of an array.
func (j *jsonWriter) separate() {
	if len(j.open) == 0 {
		return
	}
	l := &j.open[len(j.open)-1]
	switch l.begin.Kind {
	case Struct, Map:
		return // Field and Key have seen to it
	case Dense, Symmetric:
		j.row(l)
	default:
		if l.n > 0 {
			j.buf = append(j.buf, ',')
		}
	}
	l.n++
}

// row writes what stands before a number of a matrix: l.n counts those of the present row, and begin.Cols is its length.
func (j *jsonWriter) row(l *jsonLevel) {
	switch {
	case l.n == 0:
		j.buf = append(j.buf, '[')
	case l.n < l.begin.Cols:
		j.buf = append(j.buf, ',')
	default:
		j.buf = append(j.buf, "],["...)
		l.n = 0
		if l.begin.Kind == Symmetric {
			l.begin.Cols-- // the next row is one shorter
		}
	}
}

func (j *jsonWriter) add(e Event) error {
	switch e.Kind {
	case Field, Key:
		j.name(e)
	case Values:
		size := e.Scalar.Size()
		for data := e.Data; len(data) > 0; data = data[size:] {
			j.separate()
			j.buf = appendJSON(j.buf, e.Scalar, data[:size])
			if len(j.buf) >= jsonBuffer {
				if err := j.flush(); err != nil {
					return err
				}
			}
		}
	case Piece:
		return j.piece(e.Data)
	case Value:
		j.separate()
		j.buf = appendJSON(j.buf, e.Scalar, e.Data)
	case Null:
		j.separate()
		j.buf = append(j.buf, "null"...)
	case End:
		if len(j.open) == 0 {
			return errors.New("an end without a beginning")
		}
		j.end(&j.open[len(j.open)-1])
		j.open = j.open[:len(j.open)-1]
	default:
		j.separate()
		j.begin(e)
		j.open = append(j.open, jsonLevel{begin: e})
	}
	return nil
}

// name writes the name of a field, or a key: of a set, as an element.
func (j *jsonWriter) name(e Event) {
	l := &j.open[len(j.open)-1]
	if l.n > 0 {
		j.buf = append(j.buf, ',')
	}
	l.n++
	switch {
	case e.Kind == Field:
		j.buf = append(appendText(append(j.buf, '"'), []byte(e.Name)), '"')
	case e.Key != nil, e.Scalar == Complex64, e.Scalar == Complex128:
		text := keyJSON(e)
		if l.begin.Kind == Set {
			j.buf = append(j.buf, text...)
		} else {
			j.buf = append(appendText(append(j.buf, '"'), text), '"')
		}
	case e.Scalar == 0:
		j.buf = append(appendText(append(j.buf, '"'), e.Data), '"')
	case l.begin.Kind == Set:
		j.buf = appendJSON(j.buf, e.Scalar, e.Data)
	default:
		j.buf = append(e.Scalar.Append(append(j.buf, '"'), e.Data), '"')
	}
	if l.begin.Kind != Set {
		j.buf = append(j.buf, ':')
	}
}

// keyJSON is the JSON of a key that is a complex number, an array or a struct.
func keyJSON(e Event) []byte {
	if e.Key == nil {
		return appendJSON(nil, e.Scalar, e.Data)
	}
	var b bytes.Buffer
	k := jsonWriter{w: &b}
	for _, part := range e.Key {
		k.add(part) // a Buffer has no errors
	}
	k.flush()
	return b.Bytes()
}

func (j *jsonWriter) begin(e Event) {
	switch e.Kind {
	case Struct, Map:
		j.buf = append(j.buf, '{')
	case Text, Bytes:
		j.buf = append(j.buf, '"')
	case Binary:
		j.buf = append(appendText(append(j.buf, `{"binary":"`...), []byte(e.Name)), `","base64":"`...)
	default:
		j.buf = append(j.buf, '[')
	}
}

func (j *jsonWriter) end(l *jsonLevel) {
	switch l.begin.Kind {
	case Struct, Map:
		j.buf = append(j.buf, '}')
	case Text:
		j.buf = append(appendText(j.buf, l.rest), '"')
	case Bytes:
		j.buf = append(base64.StdEncoding.AppendEncode(j.buf, l.rest), '"')
	case Binary:
		j.buf = append(base64.StdEncoding.AppendEncode(j.buf, l.rest), `"}`...)
	case Dense, Symmetric:
		if l.n > 0 {
			j.buf = append(j.buf, ']')
		}
		j.buf = append(j.buf, ']')
	default:
		j.buf = append(j.buf, ']')
	}
}

// piece writes as much of a string as can be without what follows.
func (j *jsonWriter) piece(data []byte) error {
	const most = 48 << 10 // a multiple of 3
	l := &j.open[len(j.open)-1]
	for len(data) > 0 {
		n := min(len(data), most)
		l.rest = append(l.rest, data[:n]...)
		data = data[n:]
		whole := len(l.rest) / 3 * 3
		if l.begin.Kind == Text {
			whole = wholeText(l.rest)
			j.buf = appendText(j.buf, l.rest[:whole])
		} else {
			j.buf = base64.StdEncoding.AppendEncode(j.buf, l.rest[:whole])
		}
		l.rest = append(l.rest[:0], l.rest[whole:]...)
		if err := j.flush(); err != nil {
			return err
		}
	}
	return nil
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
		half := s - Complex64 + Float32
		dst = appendJSON(append(dst, '['), half, b[:half.Size()])
		return append(appendJSON(append(dst, ','), half, b[half.Size():]), ']')
	case Time:
		return append(s.Append(append(dst, '"'), b), '"')
	}
	return s.Append(dst, b)
}
