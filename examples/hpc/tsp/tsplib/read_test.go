package tsplib

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const explicit = "NAME: t\nTYPE: TSP\nDIMENSION: 4\nEDGE_WEIGHT_TYPE: EXPLICIT\nEDGE_WEIGHT_FORMAT: %s\nEDGE_WEIGHT_SECTION\n%s\nEOF\n"

// points makes a file of coordinates.
func points(kind string, lines ...string) string {
	return fmt.Sprintf("NAME : p\nTYPE : TSP\nDIMENSION : %d\nEDGE_WEIGHT_TYPE : %s\nNODE_COORD_SECTION\n%s\nEOF\n", len(lines), kind, strings.Join(lines, "\n"))
}

func TestFormats(t *testing.T) {
	// The same matrix, with i*10+j between cities i<j counted from 1, as the manual lays it out in each format.
	want := []int32{0, 12, 13, 14, 12, 0, 23, 24, 13, 23, 0, 34, 14, 24, 34, 0}
	for format, numbers := range map[string]string{
		"FULL_MATRIX":    "0 12 13 14\n12 0 23 24\n13 23 0 34\n14 24 34 0",
		"UPPER_ROW":      "12 13 14\n23 24\n34",
		"LOWER_ROW":      "12\n13 23\n14 24 34",
		"UPPER_DIAG_ROW": "0 12 13 14\n0 23 24\n0 34\n0",
		"LOWER_DIAG_ROW": "0 12 0 13\n23 0 14 24 34 0", // numbers run on across lines
		"UPPER_COL":      "12\n13 23\n14 24 34",
		"LOWER_COL":      "12 13 14\n\n23 24\n34",
		"UPPER_DIAG_COL": "0\n12 0\n13 23 0\n14 24 34 9999", // the diagonal is never looked at
		"LOWER_DIAG_COL": "0 12 13 14\r\n0 23 24\r\n0 34\r\n0",
	} {
		in, err := Read(strings.NewReader(fmt.Sprintf(explicit, format, numbers)), "t")
		if err != nil {
			t.Errorf("%s: %v", format, err)
		} else if !slices.Equal(in.Matrix.D, want) {
			t.Errorf("%s: %v, want %v", format, in.Matrix.D, want)
		}
	}
}

func TestDistances(t *testing.T) {
	for _, c := range []struct {
		kind string
		a, b Coord
		want float64
	}{
		{"EUC_2D", Coord{0, 0}, Coord{3, 4}, 5},
		{"EUC_2D", Coord{0, 0}, Coord{1, 1}, 1},                // 1.41 down
		{"EUC_2D", Coord{0, 0}, Coord{2, 2}, 3},                // 2.83 up
		{"EUC_2D", Coord{-0.5, 0}, Coord{2, 0}, 3},             // 2.5 up
		{"CEIL_2D", Coord{0, 0}, Coord{3, 4}, 5},               // whole: stays
		{"CEIL_2D", Coord{0, 0}, Coord{1, 1}, 2},               // 1.41 up
		{"ATT", Coord{0, 0}, Coord{10, 0}, 4},                  // 3.16 rounds to 3, below: 4
		{"ATT", Coord{0, 0}, Coord{0, 100}, 32},                // 31.6 rounds up already
		{"ATT", Coord{0, 0}, Coord{30, 10}, 10},                // exactly 10
		{"GEO", Coord{0, 0}, Coord{0, 180}, 20039},             // 3.141592 times the radius, 20038.29, plus 1, truncated
		{"GEO", Coord{90, 0}, Coord{0, 0}, 10020},              // half of that: 10019.14 + 1
		{"GEO", Coord{0, 0}, Coord{0, 0.30}, 56},               // 30 minutes: 55.66 + 1
		{"GEO", Coord{0, 0}, Coord{0, -0.30}, 56},              // west of Greenwich by less than a degree
		{"GEO", Coord{10, 10}, Coord{10, 10}, 1},               // another city at the same place is 1 away
		{"GEO", Coord{0, 0.59}, Coord{0, 1.01}, 4},             // two minutes: 3.71 + 1; rounding 0.59 up to a degree would give 44 km
		{"GEO", Coord{38.24, 20.42}, Coord{39.57, 26.15}, 509}, // Ithaca to Troy, as published with ulysses22
	} {
		if got := distances[c.kind](c.a, c.b); got != c.want {
			t.Errorf("%s %v %v: %v, want %v", c.kind, c.a, c.b, got, c.want)
		}
		if got := distances[c.kind](c.b, c.a); got != c.want {
			t.Errorf("%s %v %v: %v, want %v, as the other way", c.kind, c.b, c.a, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	file := "COMMENT : NODE 2 Andorra la Vella\nCOMMENT: NODE 1 Reykjavík\nCOMMENT : 3 places\nCOMMENT : NODE counts are small\n" + points("EUC_2D", "1 0 0", "2 1e1 0", "3 0 10")
	in, err := Read(strings.NewReader(file), "t")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{in.City(0), in.City(1), in.City(2)}
	if want := []string{"Reykjavík", "Andorra la Vella", "3"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	other, err := Read(strings.NewReader(points("CEIL_2D", "1 0 0", "3 0 10", "2 10 0")), "t")
	if err != nil {
		t.Fatal(err)
	}
	if in.Fingerprint() != 0 && in.Fingerprint() == other.Fingerprint() {
		t.Error("instances with other distances have one fingerprint")
	}
}

func TestErrors(t *testing.T) {
	good := points("EUC_2D", "1 0 0", "2 1 0", "3 0 1")
	edit := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("nothing to edit: %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for _, c := range []struct{ file, want string }{
		{"", "f:1: no TYPE; give a TSPLIB 95 file of TYPE TSP"},
		{"\x00\x01 binary", `f:1: unknown keyword "\x00\x01 binary"; give a TSPLIB 95 file of TYPE TSP`},
		{edit("TYPE : TSP", "TYPE : ATSP"), `f:2: TYPE "ATSP" is not supported; give a symmetric instance, TYPE TSP`},
		{edit("TYPE : TSP\n", ""), "f:8: no TYPE; give a TSPLIB 95 file of TYPE TSP"},
		{edit("DIMENSION : 3\n", ""), "f:4: NODE_COORD_SECTION before DIMENSION; put DIMENSION first"},
		{edit("DIMENSION : 3", "DIMENSION : 2"), `f:3: DIMENSION "2" is not a number of cities from 3 to 2048; correct it`},
		{edit("DIMENSION : 3", "DIMENSION : 2049"), `f:3: DIMENSION "2049" is not a number of cities from 3 to 2048; correct it`},
		{edit("DIMENSION : 3", "DIMENSION : many"), `f:3: DIMENSION "many" is not a number of cities from 3 to 2048; correct it`},
		{edit("DIMENSION : 3", "DIMENSION : 3\nDIMENSION : 3"), "f:4: second DIMENSION; remove one"},
		{edit("DIMENSION : 3", "DIMENSION : 4"), `f:9: "EOF" in NODE_COORD_SECTION; give 4 lines "city x y"`},
		{edit("3 0 1\nEOF\n", ""), `f:7: NODE_COORD_SECTION ends early; give 3 lines "city x y", or correct DIMENSION`},
		{edit("3 0 1", "3 0 1\n4 1 1"), `f:9: unknown keyword "4 1 1"; give a TSPLIB 95 file of TYPE TSP`},
		{edit("3 0 1", "2 0 1"), "f:8: second line for city 2 in NODE_COORD_SECTION; remove one"},
		{edit("3 0 1", "4 0 1"), `f:8: city "4" in NODE_COORD_SECTION; cities are numbered from 1 to 3`},
		{edit("3 0 1", "3 0 x"), `f:8: coordinate "x" of city 3; give a number from -268435456 to 268435456`},
		{edit("3 0 1", "3 0 NaN"), `f:8: coordinate "NaN" of city 3; give a number from -268435456 to 268435456`},
		{edit("3 0 1", "3 0 1e300"), `f:8: coordinate "1e300" of city 3; give a number from -268435456 to 268435456`},
		{edit("EUC_2D", "MAN_2D"), `f:4: EDGE_WEIGHT_TYPE "MAN_2D" is not supported; use EXPLICIT, EUC_2D, CEIL_2D, GEO or ATT`},
		{edit("EUC_2D", "EXPLICIT"), "f:9: no EDGE_WEIGHT_SECTION, which EDGE_WEIGHT_TYPE EXPLICIT needs; add it"},
		{edit("EOF\n", "NODE_COORD_SECTION\n"), "f:9: second NODE_COORD_SECTION; remove one"},
		{edit("NODE_COORD_SECTION\n1 0 0\n2 1 0\n3 0 1\n", ""), "f:5: no NODE_COORD_SECTION, which EDGE_WEIGHT_TYPE EUC_2D needs; add it"},
		{edit("EOF\n", "FIXED_EDGES_SECTION\n1 2\n-1\n"), "f:9: FIXED_EDGES_SECTION is not supported; remove it to solve the problem without fixed edges"},
		{edit("NAME : p", "COMMENT : NODE 4 Rome"), "f:9: name for city 4, but DIMENSION is 3; remove it or correct DIMENSION"},
		{edit("NAME : p", "COMMENT : NODE 0 Rome"), "f:1: name for city 0; cities are numbered from 1 to DIMENSION"},
		{edit("NAME : p", "COMMENT : NODE 1 Rome\nCOMMENT : NODE 1 Roma"), "f:2: second name for city 1; remove one"},
		{edit("NAME : p", "COMMENT : NODE 1 \x1b[2J"), "f:1: name of city 1 has a character that cannot be printed; give UTF-8 text"},
		{edit("NAME : p", "NODE_COORD_TYPE : THREED_COORDS"), `f:1: NODE_COORD_TYPE "THREED_COORDS" is not supported; use TWOD_COORDS`},
		{edit("NAME : p", "COMMENT : "+strings.Repeat("x", MaxLine)), "f:1: line longer than 1048576 bytes; break it, or check that this is a TSPLIB file"},
		{edit("2 1 0", strings.Repeat("2", MaxLine)), "f:7: line longer than 1048576 bytes; break it, or check that this is a TSPLIB file"},
		{points("GEO", "1 0 0", "2 91 0", "3 0 0"), "f:9: city 2 at latitude 91, longitude 0; give degrees and minutes DDD.MM, up to 90 and 180"},
		{fmt.Sprintf(explicit, "UPPER_ROW", "1 2 3 4 5"), "f:8: EDGE_WEIGHT_SECTION ends early; give 6 numbers for UPPER_ROW, or correct DIMENSION"},
		{fmt.Sprintf(explicit, "UPPER_ROW", "1 2 3 4 5 6 7"), `f:7: "7" after the last number of EDGE_WEIGHT_SECTION; check DIMENSION and EDGE_WEIGHT_FORMAT`},
		{fmt.Sprintf(explicit, "UPPER_ROW", "1 2 3 4 5 -6"), `f:7: distance "-6" between cities 3 and 4; give a whole number from 0 to 1073741824`},
		{fmt.Sprintf(explicit, "UPPER_ROW", "1 2 3 4 5 1073741825"), `f:7: distance "1073741825" between cities 3 and 4; give a whole number from 0 to 1073741824`},
		{fmt.Sprintf(explicit, "UPPER_ROW", "1 2 3 4 5 6.5"), `f:7: distance "6.5" between cities 3 and 4; give a whole number from 0 to 1073741824`},
		{fmt.Sprintf(explicit, "FULL_MATRIX", "0 1 2 3\n7 0 4 5\n2 4 0 6\n3 5 6 0"), "f:8: distance from city 2 to 1 is 7, and back 1; give a symmetric matrix"},
		{fmt.Sprintf(explicit, "DIAGONAL", ""), `f:5: EDGE_WEIGHT_FORMAT "DIAGONAL" is not supported; use one of the manual's matrix formats, FULL_MATRIX say`},
		{fmt.Sprintf(explicit, "FUNCTION", "1 2 3 4 5 6"), "f:6: EDGE_WEIGHT_SECTION without a matrix format; put EDGE_WEIGHT_FORMAT, FULL_MATRIX say, before it"},
	} {
		_, err := Read(strings.NewReader(c.file), "f")
		var typed *Error
		if err == nil || err.Error() != c.want || !errors.As(err, &typed) {
			t.Errorf("%.60q:\n got %v\nwant %s", c.file, err, c.want)
		}
	}
}

func TestReadFileNotAFile(t *testing.T) {
	if _, err := ReadFile(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is a directory; name a TSPLIB file") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none.tsp")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestFileTooLong(t *testing.T) {
	endless := strings.NewReader(strings.Repeat("COMMENT : x\n", MaxFile/12+2))
	_, err := Read(endless, "f")
	if err == nil || !strings.Contains(err.Error(), "file longer than 67108864 bytes") {
		t.Errorf("got %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(fmt.Sprintf(explicit, "UPPER_ROW", "12 13 14\n23 24\n34"))
	f.Add(fmt.Sprintf(explicit, "FULL_MATRIX", "0 1 2 3\n1 0 4 5\n2 4 0 6\n3 5 6 0"))
	f.Add(points("GEO", "1 52.22 4.54", "2 51.30 -0.08", "3 -12.5 179.59"))
	f.Add(points("ATT", "1 0 0", "2 1e3 7", "3 .5 -4"))
	f.Add("COMMENT : NODE 1 Rome\n" + points("CEIL_2D", "3 0 0", "1 1e8 7", "2 .5 -1e8"))
	f.Fuzz(func(t *testing.T, file string) {
		in, err := Read(strings.NewReader(file), "f")
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %q", err)
			}
			return
		}
		m := in.Matrix
		if m.N < 3 || m.N > MaxDimension || len(m.D) != m.N*m.N {
			t.Fatalf("%d cities, %d distances", m.N, len(m.D))
		}
		for i := range m.N {
			if m.At(i, i) != 0 || in.City(i) == "" {
				t.Fatalf("city %d: name %q, %d from itself", i, in.City(i), m.At(i, i))
			}
			for j := range i {
				if d := m.At(i, j); d < 0 || d > MaxDistance || d != m.At(j, i) {
					t.Fatalf("distances %d and back %d between %d and %d", d, m.At(j, i), i, j)
				}
			}
		}
	})
}
