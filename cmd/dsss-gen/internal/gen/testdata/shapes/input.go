// Package shapes has what a struct may hold beyond numbers, strings, slices, maps and structs.
package shapes

import (
	"errors"
	"net/netip"
	"time"

	"gonum.org/v1/gonum/mat"
)

//go:generate go run dsss/cmd/dsss-gen

// Node is a tree and, by next, a list.
type Node struct {
	Label string
	Kids  []Node
	next  *Node
	by    map[string]*Node
}

// Pair is generic.
type Pair[A, B any] struct {
	First  A
	Second B
}

// Base is embedded.
type Base struct {
	ID   int64
	when time.Time
}

// Version has a wire form of its own: a line.
type Version struct{ major, minor byte }

// MarshalBinary implements encoding.BinaryMarshaler.
func (v Version) MarshalBinary() ([]byte, error) { return []byte{v.major, v.minor}, nil }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (v *Version) UnmarshalBinary(data []byte) error {
	switch {
	case len(data) != 2:
		return errors.New("a version has two bytes")
	case data[0] == 0xff:
		panic("no such version")
	}
	v.major, v.minor = data[0], data[1]
	return nil
}

// Stamp embeds a type with MarshalBinary, which says nothing about its other field.
type Stamp struct {
	time.Time
	Zone string
}

// Shapes holds one of each.
type Shapes struct {
	Base
	*Node

	vector  [3]float64
	flags   [2]bool
	digest  [32]byte
	grid    [2][3]int32
	names   [2]string
	corners [2]Base
	rows    [2][]int16
	waits   [][2]time.Duration
	byName  map[string][2]Base
	none    [0]int

	count   *int
	text    *string
	list    *[]float64
	table   *map[string]int
	twice   **int
	owner   *Base
	bases   []*Base
	counts  []*int
	byPtr   map[int]*Base
	array   *[2]int
	inArray [2]*string

	when  time.Time
	times []time.Time
	log   map[int64]time.Time
	both  [2]time.Time
	maybe *time.Time
	stamp Stamp

	c64       complex64
	c128      complex128
	signal    []complex128
	samples   []complex64
	poles     map[string]complex128
	root      *complex128
	impedance [2]complex64

	pair   Pair[int, string]
	pairs  []Pair[string, []float64]
	nested Pair[Pair[int, bool], *Base]

	version  Version
	versions []Version
	addr     netip.Addr
	byAddr   map[string]netip.Addr
	latest   *Version
	pinned   [2]Version

	dense    *mat.Dense
	vec      *mat.VecDense
	sym      *mat.SymDense
	matrices []*mat.Dense
	byMatrix map[string]*mat.VecDense
}

// Set takes one of each.
//
//dsss:mutator
func (s *Shapes) Set(at [3]float64, when time.Time, n *Node, count *int, c complex128, p Pair[int, string], v Version, m *mat.Dense, more ...time.Time) *Node {
	s.vector, s.when, s.Node, s.count, s.c128, s.pair, s.version, s.dense, s.times = at, when, n, count, c, p, v, m, more
	return s.Node
}

// Replace replaces everything.
//
//dsss:mutator
func (s *Shapes) Replace(with Shapes) *Shapes {
	*s = with
	return s
}

// Dense returns the matrix.
func (s *Shapes) Dense() *mat.Dense { return s.dense }

// Corners returns an array that refers to nothing.
func (s *Shapes) Corners() [2]Base { return s.corners }

// Rows returns an array that refers to slices.
func (s *Shapes) Rows() [2][]int16 { return s.rows }

// Tree returns the tree.
func (s *Shapes) Tree() *Node { return s.Node }

// Versions returns versions.
func (s *Shapes) Versions() []Version { return s.versions }

// Queue is a generic class: each alias of it is one.
type Queue[T any] struct {
	items  []T
	pushed int
}

// IntQueue is a queue of numbers.
type IntQueue = Queue[int]

// PairQueue is a queue of pairs.
type PairQueue = Queue[Pair[string, float64]]

// Push puts items at the end and returns how many there are.
//
//dsss:mutator
func (q *Queue[T]) Push(items ...T) int {
	q.items = append(q.items, items...)
	q.pushed += len(items)
	return len(q.items)
}

// Pop takes the first item.
//
//dsss:mutator
func (q *Queue[T]) Pop() (first T, err error) {
	if len(q.items) == 0 {
		return first, errors.New("empty")
	}
	first, q.items = q.items[0], q.items[1:]
	return first, nil
}

// Items returns all items.
func (q *Queue[T]) Items() []T { return q.items }
