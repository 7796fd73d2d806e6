package shapes

import (
	"strings"

	"gonum.org/v1/gonum/mat"
)

// Large are states that have about so many bytes in one place that is deep inside.
func Large(bytes int) map[string]*Shapes {
	n := bytes / 8
	numbers := make([]float64, n)
	for i := range numbers {
		numbers[i] = float64(i)
	}
	ints := make([]int16, bytes/2)
	for i := range ints {
		ints[i] = int16(i)
	}
	var version Version
	for version.major < 200 {
		version.major++
	}
	text := strings.Repeat("0123456789abcde", bytes/15+1)
	ring := make([]complex128, bytes/16+1)
	ring[len(ring)-1] = 1
	wide := mat.NewDense(n/1000+1, 2000, nil)
	wide.Set(n/1000, 1, 7)
	side := 2
	for side*(side+1)/2 < n {
		side++
	}
	sym := mat.NewSymDense(side, nil)
	sym.SetSym(1, side-1, 5)
	kids := make([]Node, bytes/40)
	for i := range kids {
		kids[i] = Node{Label: text[i%100 : i%100+30]}
	}
	// A tree of pointers alone, 18 levels deep.
	var grown func(depth int) *Node
	grown = func(depth int) *Node {
		if depth == 0 {
			return &Node{Label: text[:bytes>>17]}
		}
		return &Node{next: grown(depth - 1), by: map[string]*Node{"other": grown(depth - 1)}}
	}
	return map[string]*Shapes{
		"a matrix":                    {dense: mat.NewDense(1, n, numbers)},
		"a view of a matrix":          {dense: wide.Slice(0, n/1000+1, 0, 1000).(*mat.Dense)},
		"a vector":                    {vec: mat.NewVecDense(n, numbers)},
		"a symmetric matrix":          {sym: sym},
		"a matrix in a slice":         {matrices: []*mat.Dense{nil, mat.NewDense(n, 1, numbers), {}}},
		"a vector in a map":           {byMatrix: map[string]*mat.VecDense{"a": mat.NewVecDense(n, numbers), "b": nil}},
		"a slice behind a pointer":    {list: &numbers},
		"a slice in a generic struct": {pairs: []Pair[string, []float64]{{"a", numbers}, {"b", nil}}},
		"a slice in an array":         {rows: [2][]int16{{1}, ints}},
		"a string behind a pointer":   {text: &text},
		"a string":                    {Node: &Node{Label: text}},
		"a string deep in a tree":     {Node: &Node{next: &Node{by: map[string]*Node{"x": {Kids: []Node{{}, {Label: text}}}}}}},
		"a slice of structs":          {Node: &Node{Kids: []Node{{}, {Kids: kids}}}},
		"a tree of pointers":          {Node: grown(17)},
		"a key":                       {poles: map[string]complex128{"": 1, text: 2, text + "x": 3}},
		"complex numbers":             {signal: ring},
	}
}

// OfNumbers is a state of a matrix of those numbers.
func OfNumbers(numbers []float64) *Shapes {
	return &Shapes{dense: mat.NewDense(1024, len(numbers)/1024, numbers)}
}
