package bound

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"dsss/examples/hpc/tsp/tsplib"
)

// random returns an instance: points in a square, or distances without any geometry.
func random(r *rand.Rand, n int) tsplib.Matrix {
	m := tsplib.Matrix{N: n, D: make([]int32, n*n)}
	plane, x, y := r.IntN(2) == 0, make([]int, n), make([]int, n)
	for i := range n {
		x[i], y[i] = r.IntN(100), r.IntN(100)
	}
	for i := range n {
		for j := range i {
			d := int32(r.IntN(50))
			if plane {
				d = int32((x[i]-x[j])*(x[i]-x[j]) + (y[i]-y[j])*(y[i]-y[j]))
			}
			m.D[i*n+j], m.D[j*n+i] = d, d
		}
	}
	return m
}

// shortest finds the shortest tour that has all the edges decided by force and none of the others, by trying every tour,
// and -1 if there is none.
func shortest(m tsplib.Matrix, decided []decision) int64 {
	least := int64(-1)
	tour := make([]int32, m.N)
	for i := range tour {
		tour[i] = int32(i)
	}
	var try func(k int)
	try = func(k int) {
		if k < len(tour) {
			for i := k; i < len(tour); i++ {
				tour[k], tour[i] = tour[i], tour[k]
				try(k + 1)
				tour[k], tour[i] = tour[i], tour[k]
			}
			return
		}
		length, has := int64(0), map[[2]int32]bool{}
		for i, v := range tour {
			u := tour[(i+1)%len(tour)]
			length += m.At(int(u), int(v))
			has[[2]int32{u, v}], has[[2]int32{v, u}] = true, true
		}
		for _, d := range decided {
			if has[[2]int32{d.a, d.b}] != d.force {
				return
			}
		}
		if least < 0 || length < least {
			least = length
		}
	}
	try(1)
	return least
}

// The promises of the package: a subproblem called infeasible holds no tour, a bound is never above the shortest
// tour of its subproblem, a subproblem called solved has exactly that tour, and Undo leaves no trace.
func TestAgainstEveryTour(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	solved, infeasible, open := 0, 0, 0
	for range 400 {
		m := random(r, 3+r.IntN(6))
		w := New(m)
		fresh := New(m)
		var decided []decision
		feasible := true
		for feasible && r.IntN(6) > 0 {
			d := decision{int32(r.IntN(m.N)), int32(r.IntN(m.N)), r.IntN(3) == 0}
			if d.a == d.b {
				continue
			}
			decided = append(decided, d)
			if d.force {
				feasible = w.Force(d.a, d.b)
			} else {
				feasible = w.Forbid(d.a, d.b)
			}
		}
		want := shortest(m, decided)
		if !feasible {
			infeasible++
			if want >= 0 {
				t.Fatalf("%v %v: called infeasible, but has a tour of %d", m, decided, want)
			}
		} else {
			const none = 1 << 42
			got, verdict := w.Ascend(none, 1+r.IntN(40))
			switch {
			case verdict == Pruned && want >= 0, verdict != Pruned && want >= 0 && got > want:
				t.Fatalf("%v %v: bound %d, verdict %d, but has a tour of %d", m, decided, got, verdict, want)
			case verdict == Solved:
				solved++
				tour := make([]int32, m.N)
				w.Tour(tour)
				if got != want || length(m, tour) != want {
					t.Fatalf("%v %v: solved with tour %v of %d, want %d", m, decided, tour, got, want)
				}
			case verdict == Open:
				open++
				if a, b := w.Branch(); a == b || !w.Free(a, b) {
					t.Fatalf("%v %v: branches on edge (%d, %d)", m, decided, a, b)
				}
				if want >= 0 { // a tour as good as the best is nothing better
					if _, verdict := w.Ascend(want, 1); verdict == Solved {
						t.Fatalf("%v %v: a tour shorter than the shortest, %d", m, decided, want)
					}
				}
			}
		}
		w.Undo(0)
		w.trail, fresh.trail = nil, nil
		for _, part := range [][2]any{{w.key, fresh.key}, {w.status, fresh.status}, {w.uses, fresh.uses}, {w.room, fresh.room}, {w.end, fresh.end}, {w.count, fresh.count}} {
			if !reflect.DeepEqual(part[0], part[1]) {
				t.Fatalf("%v %v: after Undo %v, want %v", m, decided, part[0], part[1])
			}
		}
	}
	if solved < 20 || infeasible < 20 || open < 20 {
		t.Errorf("%d solved, %d infeasible, %d open: the cases do not reach everything", solved, infeasible, open)
	}
}

func length(m tsplib.Matrix, tour []int32) int64 {
	sum := int64(0)
	for i, v := range tour {
		sum += m.At(int(v), int(tour[(i+1)%len(tour)]))
	}
	return sum
}

// The largest distances and wild multipliers must not overflow.
func TestExtremes(t *testing.T) {
	const n = 200
	m := tsplib.Matrix{N: n, D: make([]int32, n*n)}
	for i := range m.D {
		if i/n != i%n {
			m.D[i] = tsplib.MaxDistance
		}
	}
	w := New(m)
	pi := make([]int64, n)
	for i := range pi {
		pi[i] = maxPi * int64(i%3-1)
	}
	for _, start := range [][]int64{make([]int64, n), pi} {
		w.SetMultipliers(start)
		got, verdict := w.Ascend(1<<42, 50)
		if verdict == Pruned || got > n*tsplib.MaxDistance {
			t.Errorf("bound %d, verdict %d, but every tour is %d long", got, verdict, n*tsplib.MaxDistance)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	w := New(random(r, 40))
	dive := func() {
		w.Undo(0)
		for {
			if _, verdict := w.Ascend(1<<42, 5); verdict != Open {
				return
			}
			if a, b := w.Branch(); !w.Force(a, b) {
				return
			}
		}
	}
	dive()
	if allocs := testing.AllocsPerRun(10, dive); allocs != 0 {
		t.Errorf("%v allocations in a dive, want none", allocs)
	}
}

func BenchmarkTree(b *testing.B) {
	w := New(random(rand.New(rand.NewPCG(5, 6)), 40))
	for b.Loop() {
		w.tree()
	}
}

func BenchmarkBranch(b *testing.B) {
	w := New(random(rand.New(rand.NewPCG(5, 6)), 40))
	w.Ascend(1<<42, 3)
	for b.Loop() {
		w.Branch()
	}
}
