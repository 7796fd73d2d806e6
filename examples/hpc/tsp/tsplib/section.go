package tsplib

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// formats gives, for each EDGE_WEIGHT_FORMAT that is a matrix, the columns that row i of n has in the file, from
// and up to. A format by columns lists what the mirrored format lists by rows, so the distances being symmetric, it
// is that one: UPPER_COL is LOWER_ROW.
var formats = map[string]func(i, n int) (from, to int){
	"FULL_MATRIX":    func(i, n int) (int, int) { return 0, n },
	"UPPER_ROW":      upper,
	"LOWER_ROW":      lower,
	"UPPER_DIAG_ROW": upperDiag,
	"LOWER_DIAG_ROW": lowerDiag,
	"UPPER_COL":      lower,
	"LOWER_COL":      upper,
	"UPPER_DIAG_COL": lowerDiag,
	"LOWER_DIAG_COL": upperDiag,
}

func upper(i, n int) (from, to int)     { return i + 1, n }
func lower(i, _ int) (from, to int)     { return 0, i }
func upperDiag(i, n int) (from, to int) { return i, n }
func lowerDiag(i, _ int) (from, to int) { return 0, i + 1 }

// maxCoord bounds coordinates: a plane of this half-width has its longest distance below MaxDistance.
const maxCoord = 1 << 28

// coords reads a section of lines "city x y".
func (p *reader) coords(section string, into *[]Coord) error {
	if err := p.begin(section, *into != nil); err != nil {
		return err
	}
	coords, seen := make([]Coord, p.n), make([]bool, p.n)
	for range p.n {
		if !p.next() {
			return p.missing(section, "lines \"city x y\"", p.n)
		}
		f := strings.Fields(p.text)
		if len(f) != 3 {
			return p.errorf("%s in %s; give %d lines \"city x y\"", quote(p.text), section, p.n)
		}
		i, err := strconv.Atoi(f[0])
		if err != nil || i < 1 || i > p.n {
			return p.errorf("city %s in %s; cities are numbered from 1 to %d", quote(f[0]), section, p.n)
		}
		if seen[i-1] {
			return p.errorf("second line for city %d in %s; remove one", i, section)
		}
		seen[i-1] = true
		for k, to := range []*float64{&coords[i-1].X, &coords[i-1].Y} {
			x, err := strconv.ParseFloat(f[k+1], 64)
			if err != nil || !(math.Abs(x) <= maxCoord) {
				return p.errorf("coordinate %s of city %d; give a number from -%d to %d", quote(f[k+1]), i, maxCoord, maxCoord)
			}
			*to = x
		}
	}
	*into = coords
	return nil
}

// weights reads EDGE_WEIGHT_SECTION. Its numbers run on across lines.
func (p *reader) weights() error {
	const section = "EDGE_WEIGHT_SECTION"
	if err := p.begin(section, p.matrix != nil); err != nil {
		return err
	}
	columns, ok := formats[p.head["EDGE_WEIGHT_FORMAT"]]
	if !ok {
		return p.errorf("%s without a matrix format; put EDGE_WEIGHT_FORMAT, FULL_MATRIX say, before it", section)
	}
	full := p.head["EDGE_WEIGHT_FORMAT"] == "FULL_MATRIX"
	matrix, fields := make([]int32, p.n*p.n), []string(nil)
	for i := range p.n {
		from, to := columns(i, p.n)
		for j := from; j < to; j++ {
			for len(fields) == 0 {
				if !p.next() || !numeric(p.text) {
					return p.missing(section, "numbers for "+p.head["EDGE_WEIGHT_FORMAT"], count(columns, p.n))
				}
				fields = strings.Fields(p.text)
			}
			d, err := strconv.ParseInt(fields[0], 10, 64)
			if err != nil || d < 0 || d > MaxDistance {
				return p.errorf("distance %s between cities %d and %d; give a whole number from 0 to %d", quote(fields[0]), i+1, j+1, MaxDistance)
			}
			fields = fields[1:]
			if i == j {
				continue // no tour goes from a city to itself
			}
			if full && j < i && matrix[i*p.n+j] != int32(d) {
				return p.errorf("distance from city %d to %d is %d, and back %d; give a symmetric matrix", i+1, j+1, d, matrix[i*p.n+j])
			}
			matrix[i*p.n+j], matrix[j*p.n+i] = int32(d), int32(d)
		}
	}
	if len(fields) > 0 {
		return p.errorf("%s after the last number of %s; check DIMENSION and EDGE_WEIGHT_FORMAT", quote(fields[0]), section)
	}
	p.matrix = matrix
	return nil
}

// begin checks that a section may stand here.
func (p *reader) begin(section string, twice bool) error {
	switch {
	case twice:
		return p.errorf("second %s; remove one", section)
	case p.n == 0:
		return p.errorf("%s before DIMENSION; put DIMENSION first", section)
	}
	return nil
}

// missing says that a section ended early, unless a line that cannot be read is the cause: then read says so.
func (p *reader) missing(section, what string, n int) error {
	if p.scan.Err() != nil {
		return nil
	}
	return p.errorf("%s ends early; give %d %s, or correct DIMENSION", section, n, what)
}

func count(columns func(i, n int) (int, int), n int) int {
	sum := 0
	for i := range n {
		from, to := columns(i, n)
		sum += to - from
	}
	return sum
}

func numeric(s string) bool { return strings.IndexByte("+-.0123456789", s[0]) >= 0 }

// instance checks that what was read is whole, and makes an instance of it.
func (p *reader) instance() (*Instance, error) {
	for _, key := range []string{"TYPE", "DIMENSION", "EDGE_WEIGHT_TYPE"} {
		if _, ok := p.head[key]; !ok {
			return nil, p.errorf("no %s; give a TSPLIB 95 file of TYPE TSP", key)
		}
	}
	in := &Instance{Name: p.head["NAME"], Weight: p.head["EDGE_WEIGHT_TYPE"], names: make([]string, p.n)}
	for _, i := range slices.Sorted(maps.Keys(p.names)) {
		if i > p.n {
			return nil, p.errorf("name for city %d, but DIMENSION is %d; remove it or correct DIMENSION", i, p.n)
		}
		in.names[i-1] = p.names[i]
	}
	if in.Weight == "EXPLICIT" {
		if p.matrix == nil {
			return nil, p.errorf("no EDGE_WEIGHT_SECTION, which EDGE_WEIGHT_TYPE EXPLICIT needs; add it")
		}
		in.Matrix = Matrix{p.n, p.matrix}
		if in.Coords = p.nodes; in.Coords == nil {
			in.Coords = p.shown
		}
		return in, nil
	}
	switch {
	case p.matrix != nil:
		return nil, p.errorf("EDGE_WEIGHT_SECTION with EDGE_WEIGHT_TYPE %s; remove it, or set the type to EXPLICIT", in.Weight)
	case p.nodes == nil:
		return nil, p.errorf("no NODE_COORD_SECTION, which EDGE_WEIGHT_TYPE %s needs; add it", in.Weight)
	}
	in.Coords = p.nodes
	return in, p.measure(in)
}

// measure computes the distances from the coordinates.
func (p *reader) measure(in *Instance) error {
	for i, c := range in.Coords {
		if in.Weight == "GEO" && (math.Abs(c.X) > 90 || math.Abs(c.Y) > 180) {
			return p.errorf("city %d at latitude %g, longitude %g; give degrees and minutes DDD.MM, up to 90 and 180", i+1, c.X, c.Y)
		}
	}
	n, distance := p.n, distances[in.Weight]
	in.Matrix = Matrix{n, make([]int32, n*n)}
	for i := range n {
		for j := range i {
			d := int32(distance(in.Coords[i], in.Coords[j])) // at most 2^29.5 by maxCoord
			in.Matrix.D[i*n+j], in.Matrix.D[j*n+i] = d, d
		}
	}
	return nil
}
