package search

import "dsss/examples/hpc/tsp/tsplib"

// Solution is a shortest round trip.
type Solution struct {
	Tour   []int32 // the cities, counted from 0, in order
	Length int64
	Nodes  int64 // subproblems bounded
}

// Solve finds a shortest round trip of m alone, in the calling goroutine. The same instance and Config give the same
// Solution on every machine.
func Solve(m tsplib.Matrix, c Config) (Solution, error) {
	e, err := New(m, c)
	if err != nil {
		return Solution{}, err
	}
	var s Solution
	s.Tour, s.Length = Start(m)
	for pool := []Subproblem{e.Root()}; len(pool) > 0; {
		last := len(pool) - 1
		r, err := e.Explore(pool[last], func() int64 { return s.Length }, Limit{})
		if err != nil {
			return Solution{}, err
		}
		pool = append(pool[:last], r.Open...)
		s.Nodes += r.Nodes
		if r.Tour != nil {
			s.Tour, s.Length = r.Tour, r.Length
		}
	}
	return s, nil
}
