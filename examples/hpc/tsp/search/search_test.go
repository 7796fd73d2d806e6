package search

import (
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"dsss/examples/hpc/tsp/tsplib"
)

func random(r *rand.Rand, n int) tsplib.Matrix {
	m := tsplib.Matrix{N: n, D: make([]int32, n*n)}
	most := []int{2, 30, 10000}[r.IntN(3)]
	for i := range n {
		for j := range i {
			d := int32(r.IntN(most))
			m.D[i*n+j], m.D[j*n+i] = d, d
		}
	}
	return m
}

// heldKarp is the dynamic program of Held and Karp (1962): the length of the shortest tour, by another way altogether.
func heldKarp(m tsplib.Matrix) int64 {
	n := m.N - 1 // city n is where tours start and end
	best := make([][]int64, 1<<n)
	for set := 1; set < 1<<n; set++ {
		best[set] = make([]int64, n)
		for last := range n {
			if set>>last&1 == 0 {
				continue
			}
			if bits.OnesCount(uint(set)) == 1 {
				best[set][last] = m.At(n, last)
				continue
			}
			before, least := set&^(1<<last), int64(NoTour)
			for v := range n {
				if before>>v&1 == 1 {
					least = min(least, best[before][v]+m.At(v, last))
				}
			}
			best[set][last] = least
		}
	}
	least := int64(NoTour)
	for last := range n {
		least = min(least, best[1<<n-1][last]+m.At(last, n))
	}
	return least
}

func TestSolveAgainstHeldKarp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		m, c := random(r, 3+r.IntN(10)), Config{RootSteps: 1 + r.IntN(60), Steps: 1 + r.IntN(4)}
		s, err := Solve(m, c)
		if err != nil {
			t.Fatal(err)
		}
		if want := heldKarp(m); s.Length != want {
			t.Fatalf("%v %v: tour of %d, want %d", m, c, s.Length, want)
		}
		if err := Verify(m, s.Tour, s.Length); err != nil {
			t.Fatalf("%v: %v", m, err)
		}
	}
}

// An exploration cut into pieces anywhere finds what the whole finds: nothing is lost between a subproblem and what
// is left open of it.
func TestExploreInPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		m, c := random(r, 6+r.IntN(7)), Config{RootSteps: 1 + r.IntN(20), Steps: 1 + r.IntN(2)}
		engines := make([]*Engine, 3) // pieces go from one to another
		for i := range engines {
			e, err := New(m, c)
			if err != nil {
				t.Fatal(err)
			}
			engines[i] = e
		}
		best, pool := int64(NoTour), []Subproblem{engines[0].Root()}
		for len(pool) > 0 {
			i := r.IntN(len(pool))
			sub := pool[i]
			pool = slices.Delete(pool, i, i+1)
			res, err := engines[r.IntN(3)].Explore(sub, func() int64 { return best }, Limit{Nodes: 1 + r.Int64N(5)})
			if err != nil {
				t.Fatal(err)
			}
			if res.Tour != nil {
				if res.Length >= best {
					t.Fatalf("tour of %d is no better than %d", res.Length, best)
				}
				if err := Verify(m, res.Tour, res.Length); err != nil {
					t.Fatal(err)
				}
				best = res.Length
			}
			for _, s := range res.Open {
				if s.Depth <= sub.Depth || s.Bound < sub.Bound || s.Bound >= best || int(s.Depth) != len(s.Include)+len(s.Exclude) {
					t.Fatalf("%+v left open of %+v, incumbent %d", s, sub, best)
				}
			}
			pool = append(pool, res.Open...)
		}
		if want := heldKarp(m); best != want {
			t.Fatalf("%v: %d, want %d", m, best, want)
		}
	}
}

// The optima that TSPLIB publishes.
func TestPublishedOptima(t *testing.T) {
	dir := os.Getenv("DSSS_TSPLIB")
	if dir == "" {
		t.Skip("NOT TESTED against published optima: DSSS_TSPLIB does not name the folder of the TSPLIB files")
	}
	for name, want := range map[string]int64{"gr17": 2085, "gr21": 2707, "gr24": 1272, "ulysses22": 7013, "bays29": 2020, "burma14": 3323} {
		in, err := tsplib.ReadFile(filepath.Join(dir, name+".tsp"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, c := range []Config{{}, {Steps: 1}} {
			s, err := Solve(in.Matrix, c)
			if err != nil {
				t.Fatal(err)
			}
			if err := Verify(in.Matrix, s.Tour, s.Length); err != nil || s.Length != want {
				t.Errorf("%s: tour of %d, want %d; %v", name, s.Length, want, err)
			}
			_, start := Start(in.Matrix)
			t.Logf("%s %+v: %d from %d, %d nodes", name, c, s.Length, start, s.Nodes)
		}
	}
}

func TestStart(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		m := random(r, 3+r.IntN(30))
		tour, length := Start(m)
		if err := Verify(m, tour, length); err != nil {
			t.Fatal(err)
		}
		if again, _ := Start(m); !slices.Equal(tour, again) || tour[0] != 0 || tour[1] > tour[m.N-1] {
			t.Fatalf("%v and then %v", tour, again)
		}
	}
}

func TestVerify(t *testing.T) {
	m := tsplib.Matrix{N: 4, D: []int32{0, 1, 2, 3, 1, 0, 4, 5, 2, 4, 0, 6, 3, 5, 6, 0}}
	for _, c := range []struct {
		tour   []int32
		length int64
		want   string
	}{
		{[]int32{0, 1, 2, 3}, 14, ""},
		{[]int32{0, 1, 2, 3}, 13, "tour is 14 long, not 13"},
		{[]int32{0, 1, 2}, 7, "tour of 3 cities, want 4"},
		{[]int32{0, 1, 2, 4}, 14, "tour visits city 4 of 4"},
		{[]int32{0, 1, -2, 3}, 14, "tour visits city -2 of 4"},
		{[]int32{0, 1, 2, 1}, 14, "tour visits city 1 twice"},
	} {
		err := Verify(m, c.tour, c.length)
		if got := ""; err != nil {
			got = err.Error()
			if got != c.want {
				t.Errorf("%v: %q, want %q", c.tour, got, c.want)
			}
		} else if c.want != "" {
			t.Errorf("%v: no error, want %q", c.tour, c.want)
		}
	}
}

func TestBadInput(t *testing.T) {
	m := random(rand.New(rand.NewPCG(7, 8)), 5)
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Steps: -1}, "search: Config.Steps is -1, want 0 to 100000"},
		{Config{RootSteps: 100001}, "search: Config.RootSteps is 100001, want 0 to 100000"},
	} {
		if _, err := New(m, c.config); err == nil || err.Error() != c.want {
			t.Errorf("%+v: %v, want %s", c.config, err, c.want)
		}
	}
	e, err := New(m, Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, edge := range []int32{-1, 0, 5, 6, 25, 1 << 30} {
		if _, err := e.Explore(Subproblem{Exclude: []int32{edge}}, func() int64 { return NoTour }, Limit{}); err == nil {
			t.Errorf("explored a subproblem with edge %d", edge)
		}
	}
}
