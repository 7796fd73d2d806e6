package view

import (
	"errors"
	"iter"
	"testing"
)

// tree is {names: {"a": [1, 2], "b]": "text"}, n: 7} as events.
func tree() iter.Seq2[Event, error] {
	u64 := func(v byte) []byte { return []byte{v, 0, 0, 0, 0, 0, 0, 0} }
	all := []Event{
		{Kind: Struct, Name: "T"},
		{Kind: Field, Name: "names"}, {Kind: Map},
		{Kind: Key, Data: []byte("a")}, {Kind: List, Scalar: Uint64}, {Kind: Values, Scalar: Uint64, Data: append(u64(1), u64(2)...)}, {Kind: End},
		{Kind: Key, Data: []byte("b]")}, {Kind: Text}, {Kind: Piece, Data: []byte("text")}, {Kind: End},
		{Kind: End},
		{Kind: Field, Name: "n"}, {Kind: Value, Scalar: Uint64, Data: u64(7)},
		{Kind: End},
	}
	return func(yield func(Event, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestPick(t *testing.T) {
	for path, want := range map[string]string{
		"":               `{names: {"a": [1, 2], "b]": "text"}, n: 7}`,
		"n":              "7",
		"names":          `{"a": [1, 2], "b]": "text"}`,
		`names["a"]`:     "[1, 2]",
		`names["a"][1]`:  "2",
		`names["b]"]`:    `"text"`,
		"m":              "",
		`names["a"][2]`:  "",
		`names["c"]`:     "",
		"n.x":            "",
		`names["a"][1].`: "",
		`names["a`:       "",
		"names[]":        "",
		"n[":             "",
	} {
		got, err := Short(Pick(tree(), path))
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", path, got, err, want)
		}
		if path == "m" && !errors.Is(err, ErrNoPlace) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
