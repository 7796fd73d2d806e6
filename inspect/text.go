package inspect

import (
	"encoding/hex"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Short writes what events yield as one line of text, cut short.
func Short(events iter.Seq2[Event, error]) (string, error) {
	p, t := newText(false)
	for e, err := range events {
		if err != nil {
			return "", err
		}
		if p.add(e); t.cut {
			break // the rest would not be shown
		}
	}
	return t.String(), nil
}

// shortMost is how many bytes of a value are shown where it has one line together with others.
const shortMost = 160

// A text is the notation of a value in one line, cut short.
type text struct {
	b     strings.Builder
	cut   bool
	whole bool // nothing is cut
}

func newText(whole bool) (*printer, *text) {
	t := &text{whole: whole}
	return &printer{notation: t}, t
}

// String returns what was written.
func (t *text) String() string {
	s := t.b.String()
	if t.cut {
		end := shortMost
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		return s[:end] + "…"
	}
	return s
}

func (t *text) write(s string) {
	if !t.cut {
		t.b.WriteString(s)
		t.cut = t.b.Len() > shortMost && !t.whole
	}
}

func (t *text) separate(in *level) {
	if in.n > 0 {
		t.write(", ")
	}
}

func (t *text) name(in *level, e Event) {
	name := e.Name
	if e.Kind == Key {
		name = string(appendKey(nil, e))
	}
	if t.write(name); in.begin.Kind != Set {
		t.write(": ")
	}
}

func (t *text) scalar(s Scalar, b []byte) {
	if !t.cut {
		t.write(string(s.Append(nil, b)))
	}
}

func (t *text) piece(in *level, data []byte) {
	if !t.whole {
		data = data[:min(len(data), shortMost+1)]
	}
	if in.begin.Kind != Text {
		t.write(hex.EncodeToString(data))
		return
	}
	quoted := strconv.Quote(string(data))
	t.write(quoted[1 : len(quoted)-1])
}

func (t *text) rest(*level) {}

func (t *text) signs(begin Event) (opening, closing string) {
	switch begin.Kind {
	case Null:
		return "nil", ""
	case Struct, Map, Set:
		return "{", "}"
	case Text:
		return `"`, `"`
	case Bytes:
		return "0x", ""
	case Binary:
		return begin.Name + "(0x", ")"
	case Dense:
		return "matrix " + strconv.FormatInt(begin.Rows, 10) + "×" + strconv.FormatInt(begin.Cols, 10) + " [", "]"
	case Symmetric:
		return "symmetric matrix " + strconv.FormatInt(begin.Rows, 10) + "×" + strconv.FormatInt(begin.Cols, 10) + ", upper triangle [", "]"
	case Vector:
		return "vector [", "]"
	}
	return "[", "]"
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
