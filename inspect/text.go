package inspect

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

// shortMost is how many bytes of a value are shown where it has one line together with others.
const shortMost = 160

// A shortText is a value in one line, cut short.
type shortText struct {
	b    strings.Builder
	open []level
	cut  bool

	whole bool // nothing is cut
}

// A level is something that was begun.
type level struct {
	begin Event
	n     int // elements, fields or entries so far
}

// String returns the text.
func (t *shortText) String() string {
	s := t.b.String()
	if t.cut {
		end := min(len(s), shortMost)
		for end > 0 && end < len(s) && !utf8.RuneStart(s[end]) {
			end--
		}
		return s[:end] + "…"
	}
	return s
}

func (t *shortText) write(s string) {
	if t.b.Len() > shortMost && !t.whole {
		t.cut = true
		return
	}
	t.b.WriteString(s)
	t.cut = t.b.Len() > shortMost && !t.whole
}

// separate writes what stands before an element, unless it has written a name or key, which it stands behind.
func (t *shortText) separate() {
	if len(t.open) == 0 {
		return
	}
	l := &t.open[len(t.open)-1]
	switch l.begin.Kind {
	case Struct, Map:
		return // Field and Key have seen to it
	}
	if l.n > 0 {
		t.write(", ")
	}
	l.n++
}

// add takes the next event of the value.
func (t *shortText) add(e Event) {
	if t.cut && e.Kind != End && !e.Kind.begins() {
		return
	}
	switch e.Kind {
	case Field, Key:
		l := &t.open[len(t.open)-1]
		if l.n > 0 {
			t.write(", ")
		}
		l.n++
		if e.Kind == Field {
			t.write(e.Name + ": ")
			return
		}
		t.write(string(appendKey(nil, e)))
		if l.begin.Kind == Map {
			t.write(": ")
		}
	case Values:
		size := e.Scalar.Size()
		for data := e.Data; len(data) > 0 && !t.cut; data = data[size:] {
			t.separate()
			t.write(string(e.Scalar.Append(nil, data[:size])))
		}
	case Piece:
		t.write(t.quoted(e.Data))
	case Value:
		t.separate()
		t.write(string(e.Scalar.Append(nil, e.Data)))
	case Null:
		t.separate()
		t.write("nil")
	case End:
		t.write(closing(t.open[len(t.open)-1].begin))
		t.open = t.open[:len(t.open)-1]
	default:
		t.separate()
		t.write(opening(e))
		t.open = append(t.open, level{begin: e})
	}
}

// quoted is a piece of the present string.
func (t *shortText) quoted(data []byte) string {
	if !t.whole {
		data = data[:min(len(data), shortMost+1)]
	}
	if t.open[len(t.open)-1].begin.Kind != Text {
		return hex.EncodeToString(data)
	}
	text := strconv.Quote(string(data))
	return text[1 : len(text)-1]
}

// opening and closing are the signs around what begin begins.
func opening(begin Event) string {
	switch begin.Kind {
	case Struct, Map, Set:
		return "{"
	case Text:
		return `"`
	case Bytes:
		return "0x"
	case Binary:
		return begin.Name + "(0x"
	case Dense:
		return "matrix " + strconv.FormatInt(begin.Rows, 10) + "×" + strconv.FormatInt(begin.Cols, 10) + " ["
	case Symmetric:
		return "symmetric matrix " + strconv.FormatInt(begin.Rows, 10) + "×" + strconv.FormatInt(begin.Cols, 10) + ", upper triangle ["
	case Vector:
		return "vector ["
	}
	return "["
}

func closing(begin Event) string {
	switch begin.Kind {
	case Struct, Map, Set:
		return "}"
	case Text:
		return `"`
	case Bytes:
		return ""
	case Binary:
		return ")"
	}
	return "]"
}

// keyMost is how many bytes of a string that is a key are shown, and keyWhole of one that is an array or a struct.
const keyMost, keyWhole = 64, 256

// appendKey appends a key as paths have it, cut short.
func appendKey(dst []byte, e Event) []byte {
	switch {
	case e.Key != nil:
		text := keyText(e)
		if len(text) > keyWhole {
			text = append(text[:keyWhole:keyWhole], "…"...)
		}
		return append(dst, text...)
	case e.Scalar == 0 && len(e.Data) > keyMost:
		return append(strconv.AppendQuote(dst, string(e.Data[:keyMost])), "…"...)
	}
	return append(dst, keyText(e)...)
}
