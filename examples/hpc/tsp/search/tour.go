package search

import (
	"fmt"
	"slices"

	"dsss/examples/hpc/tsp/tsplib"
)

// Length returns the length of the round trip through the cities of tour.
func Length(m tsplib.Matrix, tour []int32) int64 {
	sum, at := int64(0), tour[len(tour)-1]
	for _, v := range tour {
		sum += m.At(int(at), int(v))
		at = v
	}
	return sum
}

// Verify checks that tour visits every city of m once and is as long as claimed. It shares no code with the search.
func Verify(m tsplib.Matrix, tour []int32, length int64) error {
	if len(tour) != m.N {
		return fmt.Errorf("tour of %d cities, want %d", len(tour), m.N)
	}
	seen := make([]bool, m.N)
	for _, v := range tour {
		if v < 0 || int(v) >= m.N {
			return fmt.Errorf("tour visits city %d of %d", v, m.N)
		}
		if seen[v] {
			return fmt.Errorf("tour visits city %d twice", v)
		}
		seen[v] = true
	}
	if real := Length(m, tour); real != length {
		return fmt.Errorf("tour is %d long, not %d", real, length)
	}
	return nil
}

// normalize turns a tour so that it starts with city 0 and goes on to the lower-numbered of its two neighbours:
// equal round trips become equal slices.
func normalize(tour []int32) {
	at := slices.Index(tour, 0)
	slices.Reverse(tour[:at])
	slices.Reverse(tour[at:])
	slices.Reverse(tour)
	if tour[len(tour)-1] < tour[1] {
		slices.Reverse(tour[1:])
	}
}
