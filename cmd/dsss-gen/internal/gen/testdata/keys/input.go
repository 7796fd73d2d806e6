// Package keys has maps with keys of every kind that there is.
package keys

import (
	"image"
	"time"
)

//go:generate go run dsss/cmd/dsss-gen

// Named types that are keys.
type (
	Flag  bool
	Rate  float64
	Cell  [2]int32
	Label string
)

// Params is what a study varies. Its fields are not in alphabetical order.
type Params struct {
	Rate  Rate
	Steps int
	name  Label
	Warm  bool
	_     string
	At    Cell
	in    Inner
}

// Inner is a key within a key.
type Inner struct {
	Names [2]string
	Wait  time.Duration
	phase complex64
}

// Pair is generic.
type Pair[A comparable, B any] struct {
	First  A
	Second B
}

// None has no field, and so one value.
type None struct{}

// Result is what a point of the study has, with a map of its own.
type Result struct {
	Loss  []float64
	parts map[Cell]string
}

// Table has one map of each.
type Table struct {
	results map[Params]Result
	seen    map[Params]struct{}
	by      map[Params]map[Inner]*Params
	cells   map[Cell]float64
	grid    map[[2][2]uint8]int
	names   map[[2]string]int
	points  map[image.Point]string
	pairs   map[Pair[Label, float32]][]Params
	places  map[[2]Inner]bool

	flags  map[bool]int
	named  map[Flag]string
	rates  map[float64]int64
	floats map[float32]struct{}
	celsii map[Rate]bool
	waves  map[complex128]int
	one    map[None]int

	list  []map[Params]int
	maybe *map[Cell]int
	last  Params
}

// Put takes keys and maps with keys, and returns such a map.
//
//dsss:mutator
func (t *Table) Put(at Params, r Result, more map[Params]struct{}, cells map[Cell]float64) map[Params]Result {
	if t.results == nil {
		t.results = map[Params]Result{}
	}
	t.results[at] = r
	t.seen, t.cells, t.last = more, cells, at
	return t.results
}

// Replace replaces everything.
//
//dsss:mutator
func (t *Table) Replace(with Table) { *t = with }

// Results returns all results.
func (t *Table) Results() map[Params]Result { return t.results }

// Get returns one result.
func (t *Table) Get(at Params) (Result, bool) {
	r, ok := t.results[at]
	return r, ok
}
