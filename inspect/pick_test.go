package inspect

import (
	"encoding/binary"
	"errors"
	"iter"
	"math"
	"strings"
	"testing"
)

// tree is {names: {"a": [1, 2], "b]": "text"}, raw: 0x0102, n: 7} as events.
func tree() iter.Seq2[Event, error] {
	u64 := func(v byte) []byte { return []byte{v, 0, 0, 0, 0, 0, 0, 0} }
	all := []Event{
		{Kind: Struct, Name: "T"},
		{Kind: Field, Name: "names"}, {Kind: Map},
		{Kind: Key, Data: []byte("a")}, {Kind: List, Scalar: Uint64}, {Kind: Values, Scalar: Uint64, Data: append(u64(1), u64(2)...)}, {Kind: End},
		{Kind: Key, Data: []byte("b]")}, {Kind: Text}, {Kind: Piece, Data: []byte("text")}, {Kind: End},
		{Kind: End},
		{Kind: Field, Name: "raw"}, {Kind: Bytes}, {Kind: Piece, Data: []byte{1, 2}}, {Kind: End},
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
		"":               `{names: {"a": [1, 2], "b]": "text"}, raw: 0x0102, n: 7}`,
		"raw":            "0x0102",
		"raw[0]":         "",
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
		if wrong := err != nil && (path[len(path)-1] == '[' || strings.HasSuffix(path, "[]") || strings.HasSuffix(path, ".") || strings.HasSuffix(path, `"a`)); err != nil && (errors.Is(err, ErrPath) != wrong || errors.Is(err, ErrNoPlace) == wrong) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestPickMatrix: [i][j] is an element, [i] a row, whatever runs the numbers come in.
func TestPickMatrix(t *testing.T) {
	numbers := func(from, to int) (b []byte) {
		for i := from; i < to; i++ {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(i)))
		}
		return b
	}
	matrix := func(begin Event, n, run int) iter.Seq2[Event, error] {
		return func(yield func(Event, error) bool) {
			all := []Event{{Kind: Struct}, {Kind: Field, Name: "a"}, {Kind: Value, Scalar: Float64, Data: numbers(7, 8)}, {Kind: Field, Name: "M"}, begin}
			for i := 0; i < n; i += run {
				all = append(all, Event{Kind: Values, Scalar: Float64, Data: numbers(i, min(i+run, n))})
			}
			all = append(all, Event{Kind: End}, Event{Kind: Field, Name: "z"}, Event{Kind: Value, Scalar: Float64, Data: numbers(8, 9)}, Event{Kind: End})
			for _, e := range all {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
	dense, symmetric := Event{Kind: Dense, Rows: 3, Cols: 4}, Event{Kind: Symmetric, Rows: 4, Cols: 4}
	for _, c := range []struct {
		begin Event
		n     int
		path  string
		want  string
	}{
		{dense, 12, "M[0][0]", "0"}, {dense, 12, "M[2][3]", "11"}, {dense, 12, "M[1][2]", "6"}, {dense, 12, "M[1]", "[4, 5, 6, 7]"}, {dense, 12, "M[2]", "[8, 9, 10, 11]"},
		{dense, 12, "M[3]", ""}, {dense, 12, "M[0][4]", ""}, {dense, 12, "M[3][0]", ""}, {dense, 12, "M[-1][0]", ""}, {dense, 12, "M[0][0][0]", ""}, {dense, 12, "M[x]", ""}, {dense, 12, "M.x", ""}, {dense, 12, "M[01][0]", ""},
		{dense, 12, "z", "8"}, {dense, 12, "a", "7"},
		// 0 1 2 3 / 4 5 6 / 7 8 / 9
		{symmetric, 10, "M[0][3]", "3"}, {symmetric, 10, "M[1][1]", "4"}, {symmetric, 10, "M[2][1]", "5"}, {symmetric, 10, "M[3][3]", "9"}, {symmetric, 10, "M[1]", "[4, 5, 6]"}, {symmetric, 10, "M[3]", "[9]"}, {symmetric, 10, "M[4][0]", ""},
		{Event{Kind: Dense, Rows: 2}, 0, "M[1]", "[]"}, {Event{Kind: Dense, Rows: 2}, 0, "M[1][0]", ""},
		{Event{Kind: Vector}, 3, "M[2]", "2"},
	} {
		for run := 1; run < 13; run++ {
			got, err := Short(Pick(matrix(c.begin, c.n, run), c.path))
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("%s of a matrix of %d by %d in runs of %d: %q, %v; want %q", c.path, c.begin.Rows, c.begin.Cols, run, got, err, c.want)
			}
		}
	}
}
