// Package kinds has a field, an argument and a result of every kind that can travel.
package kinds

import (
	"errors"
	"fmt"
	"image"
	"net"
	"time"

	"dsss"
)

//go:generate go run dsss/cmd/dsss-gen

// Named types of every kind.
type (
	Celsius float64
	Level   uint8
	Label   string
	Row     []float64
	Index   map[Label]int
	Flag    bool
)

// Empty has no state.
type Empty struct{}

// Point lies in the plane.
type Point struct{ X, Y float64 }

// Path is a named way through points.
type Path struct {
	Name   string
	Points []Point
	tags   map[string][]string
	Took   time.Duration
}

// Everything holds a field of every kind.
type Everything struct {
	b   bool
	i   int
	i8  int8
	i16 int16
	i32 int32
	i64 int64
	u   uint
	u8  uint8
	u16 uint16
	u32 uint32
	u64 uint64
	f32 float32
	f64 float64
	s   string

	celsius Celsius
	level   Level
	label   Label
	flag    Flag
	wait    time.Duration
	r       rune

	bytes     []byte
	bools     []bool
	flags     []Flag
	ints      []int
	int8s     []int8
	uint16s   []uint16
	int32s    []int32
	uint64s   []uint64
	float32s  []float32
	float64s  []float64
	strings   []string
	labels    []Label
	levels    []Level
	durations []time.Duration
	ip        net.IP

	point  Point
	path   Path
	paths  []Path
	points []Point
	corner image.Point
	empty  Empty

	rows     []Row
	grid     [][]float64
	cube     [][][]int32
	blobs    [][]byte
	names    [][]string
	maps     []map[string]int64
	words    map[string]int64
	byID     map[int64]string
	byLevel  map[Level]Path
	index    Index
	lists    map[int32][]float64
	nested   map[string]map[uint64]Point
	set      map[string]struct{}
	idSet    map[uint32]struct{}
	present  map[int16]bool
	celsiusT map[time.Duration]Celsius
	empties  []Empty

	_ [0]func()
}

// Set takes an argument of every kind.
//
//dsss:mutator
func (e *Everything) Set(b bool, i int, f32 float32, f64 float64, s string, data []byte, rows []Row, p Path, words map[string]int64, set map[string]struct{}, wait time.Duration) error {
	if s == "refuse" {
		return errors.New("refused")
	}
	e.b, e.i, e.f32, e.f64, e.s, e.bytes, e.rows, e.path, e.words, e.set, e.wait = b, i, f32, f64, s, data, rows, p, words, set, wait
	return nil
}

// Replace replaces everything.
//
//dsss:mutator
func (e *Everything) Replace(with Everything) { *e = with }

// Push has the order, as many arguments as one likes, and a result that refers to the state.
//
//dsss:mutator
func (e *Everything) Push(o dsss.Order, s string, ctx ...int) []int {
	e.i64 = int64(o.Seq)
	e.ints = append(e.ints, ctx...)
	return e.ints
}

// walk is a mutator that only the proxy exports; its result is copied deeply.
//
//dsss:mutator
func (e *Everything) walk(p Path) (map[string]Path, error) {
	e.paths = append(e.paths, p)
	return map[string]Path{p.Name: p}, nil
}

// Mark takes numbers of every kind, which stand at fixed places, and structs of them.
//
//dsss:mutator
func (e *Everything) Mark(b bool, i8 int8, f64 float64, i16 int16, corner image.Point, u32 uint32, flag Flag, level Level, c Celsius, p, q Point, none Empty, u8 uint8, i int, u uint, f32 float32, u16 uint16, u64 uint64, wait time.Duration, r rune) {
	e.b, e.i8, e.f64, e.i16, e.corner, e.u32, e.flag, e.level, e.celsius, e.point = b, i8, f64, i16, corner, u32, flag, level, c, p
	e.empty, e.u8, e.i, e.u, e.f32, e.u16, e.u64, e.wait, e.r = none, u8, i, u, f32, u16, u64, wait, r
	e.path.Points = append(e.path.Points, q)
}

// Note takes vectors, which stand behind the numbers.
//
//dsss:mutator
func (e *Everything) Note(label Label, data []byte, row Row, at Point, ip net.IP, small []int16, s string, levels []Level, more ...float32) {
	e.label, e.bytes, e.rows, e.point, e.ip, e.s, e.levels, e.float32s = label, data, append(e.rows, row), at, ip, s, levels, more
}

//dsss:mutator
func (e *Everything) Tick(o dsss.Order) { e.wait = time.Duration(o.Nanos) }

// Paths returns all paths that are longer than min points.
func (e *Everything) Paths(min int) (long []Path, most int) {
	for _, p := range e.paths {
		if len(p.Points) > min {
			long = append(long, p)
		}
		most = max(most, len(p.Points))
	}
	return long, most
}

// Path returns one path.
func (e *Everything) Path() Path { return e.path }

// Find has a parameter of a type that cannot travel, and needs none.
func (e *Everything) Find(_ *Point, format fmt.Stringer, more ...Label) (Index, error) {
	return e.index, nil
}

// Grid returns the grid.
func (e Everything) Grid() [][]float64 { return e.grid }

// Each is out of a proxy's reach.
func (e *Everything) Each(f func(Path)) int {
	for _, p := range e.paths {
		f(p)
	}
	return len(e.paths)
}

// First returns a pointer.
func (e *Everything) First() *Path { return &e.paths[0] }

// Sort changes state and is kept out of the proxy.
//
//dsss:local
func (e *Everything) Sort() { clear(e.ints) }
