package search

import (
	"slices"

	"dsss/examples/hpc/tsp/tsplib"
)

// Start returns a first tour and its length: nearest neighbour from city 0, improved by 2-opt exchanges until none
// helps (Croes, "A method for solving traveling-salesman problems", 1958). It is some per cent above the optimum: stronger
// heuristics would find most optima of this size, and leave the search only the proof. It is the same on every machine.
func Start(m tsplib.Matrix) ([]int32, int64) {
	tour := nearestNeighbour(m)
	for twoOpt(m, tour) {
	}
	normalize(tour)
	return tour, Length(m, tour)
}

func nearestNeighbour(m tsplib.Matrix) []int32 {
	tour, seen := make([]int32, 1, m.N), make([]bool, m.N)
	seen[0] = true
	for len(tour) < m.N {
		row, next := m.Row(int(tour[len(tour)-1])), -1
		for v, d := range row {
			if !seen[v] && (next < 0 || d < row[next]) {
				next = v
			}
		}
		seen[next] = true
		tour = append(tour, int32(next))
	}
	return tour
}

// twoOpt makes every improving exchange of two edges, in one pass, and tells whether there was any.
func twoOpt(m tsplib.Matrix, tour []int32) bool {
	n, improved := len(tour), false
	for i := range n - 1 {
		for j := i + 2; j < n; j++ {
			a, b, c, d := int(tour[i]), int(tour[i+1]), int(tour[j]), int(tour[(j+1)%n])
			if m.At(a, c)+m.At(b, d) < m.At(a, b)+m.At(c, d) {
				slices.Reverse(tour[i+1 : j+1])
				improved = true
			}
		}
	}
	return improved
}
