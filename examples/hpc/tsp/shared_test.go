package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dsss"
	"dsss/examples/hpc/tsp/search"
	"dsss/examples/hpc/tsp/tsplib"
)

// begun returns a search of 5 cities whose pool holds subproblems with these bounds, IDs 1 on.
func begun(t *testing.T, bounds ...int64) *Search {
	t.Helper()
	s := &Search{}
	if err := s.Begin(7, []int32{0, 1, 2, 3, 4}, 100, bounds[0]); err != nil {
		t.Fatal(err)
	}
	for _, b := range bounds[1:] {
		s.put(Subproblem{Bound: b})
	}
	return s
}

func ids(subs []Subproblem) []uint64 {
	var ids []uint64
	for _, s := range subs {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestBeginFirstWins(t *testing.T) {
	s := begun(t, 10)
	if err := s.Begin(7, []int32{0, 2, 1, 3, 4}, 50, 20); err != nil {
		t.Error(err)
	}
	if s.Length != 100 || len(s.Pool) != 1 || s.Tour[1] != 1 {
		t.Errorf("a second Begin changed the search: %+v", s)
	}
	if err := s.Begin(8, []int32{0, 2, 1, 3, 4}, 50, 20); err == nil {
		t.Error("began another instance")
	}
	if err := (&Search{}).Begin(7, []int32{0, 0, 1}, 50, 20); err == nil {
		t.Error("began with a tour that is none")
	}
}

func TestTake(t *testing.T) {
	s := begun(t, 30, 10, 20, 40, 50, 60, 70, 80)
	first, err := s.Take(dsss.Order{}, 1, 0, 9)
	if err != nil || !slices.Equal(ids(first), []uint64{2, 3}) {
		t.Errorf("took %v, %v; want the two most promising, a quarter of eight", ids(first), err)
	}
	again, err := s.Take(dsss.Order{}, 1, 0, 9)
	if err != nil || !slices.Equal(ids(again), []uint64{2, 3}) {
		t.Errorf("the same rank again took %v, %v; want what it holds", ids(again), err)
	}
	other, err := s.Take(dsss.Order{}, 1, 1, 9)
	if err != nil || !slices.Equal(ids(other), []uint64{1}) {
		t.Errorf("another rank took %v, %v; want the next", ids(other), err)
	}
	if s.Done() || len(s.Held) != 3 || len(s.Pool) != 5 {
		t.Errorf("%d held and %d in the pool", len(s.Held), len(s.Pool))
	}
	later, err := s.Take(dsss.Order{}, 2, 5, 1)
	if err != nil || !slices.Equal(ids(later), []uint64{2}) || len(s.Pool) != 7 {
		t.Errorf("a later run took %v, %v, of %d; want the most promising of all", ids(later), err, len(s.Pool))
	}
}

func TestTakeDeepestFromWidePool(t *testing.T) {
	s := begun(t, 10)
	for i := range poolWide {
		s.put(Subproblem{Bound: 20, Depth: int32(i % 9)})
	}
	if subs, err := s.Take(dsss.Order{}, 1, 0, 1); err != nil || subs[0].Depth != 8 {
		t.Errorf("took %+v, %v; want one of depth 8", subs, err)
	}
	if subs, err := s.Take(dsss.Order{}, 1, 1, 1); err != nil || subs[0].ID != 1 {
		t.Errorf("took %+v, %v; want the most promising again, the pool being no wider than %d", subs, err, poolWide)
	}
}

func TestFinish(t *testing.T) {
	s := begun(t, 10, 20, 90)
	if _, err := s.Take(dsss.Order{}, 1, 3, 1); err != nil {
		t.Fatal(err)
	}
	open, tour := []Subproblem{{Bound: 30, Include: []int32{7}}, {Bound: 60}}, []int32{0, 2, 1, 3, 4}
	if err := s.Finish(1, 3, []uint64{1}, 12, open, tour, 60); err != nil {
		t.Fatal(err)
	}
	open[0].Include[0], tour[1] = 9, 9
	if got := ids(s.Pool); !slices.Equal(got, []uint64{2, 4}) {
		t.Errorf("pool %v, want 2 and the new 4: the incumbent of 60 cuts the others", got)
	}
	if s.Length != 60 || s.Tour[1] != 2 || s.Pool[1].Include[0] != 7 {
		t.Errorf("%+v keeps something of Finish's arguments", s)
	}
	if want := []int64{0, 0, 0, 12}; !slices.Equal(s.Nodes, want) {
		t.Errorf("nodes %v, want %v", s.Nodes, want)
	}
	if _, err := s.Take(dsss.Order{}, 1, 3, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(1, 3, []uint64{2}, 1, nil, []int32{0, 1, 2, 3, 4}, 70); err != nil || s.Length != 60 {
		t.Errorf("a longer tour: incumbent %d, %v", s.Length, err)
	}
	if _, err := s.Take(dsss.Order{}, 1, 3, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(1, 3, []uint64{4}, 1, nil, nil, 0); err != nil || !s.Done() {
		t.Errorf("not done: %+v, %v", s, err)
	}
}

// A mutator that returns an error has changed nothing.
func TestRefused(t *testing.T) {
	s := begun(t, 10, 20, 30, 40, 50, 60, 70, 80)
	if _, err := s.Take(dsss.Order{}, 2, 0, 2); err != nil {
		t.Fatal(err)
	}
	tour := []int32{0, 1, 2, 3, 4}
	many := make([]Subproblem, poolMax)
	for name, call := range map[string]func() error{
		"take of an earlier run":      func() error { _, err := s.Take(dsss.Order{}, 1, 0, 1); return err },
		"take of a negative rank":     func() error { _, err := s.Take(dsss.Order{}, 3, -1, 1); return err },
		"take of a huge rank":         func() error { _, err := s.Take(dsss.Order{}, 3, ranksMax, 1); return err },
		"finish of an earlier run":    func() error { return s.Finish(1, 0, []uint64{1, 2}, 1, nil, nil, 0) },
		"finish of a later run":       func() error { return s.Finish(3, 0, []uint64{1, 2}, 1, nil, nil, 0) },
		"finish of a part":            func() error { return s.Finish(2, 0, []uint64{1}, 1, nil, nil, 0) },
		"finish of more than is held": func() error { return s.Finish(2, 0, []uint64{1, 2, 3}, 1, nil, nil, 0) },
		"finish of what another has":  func() error { return s.Finish(2, 1, []uint64{1, 2}, 1, nil, nil, 0) },
		"finish of nothing":           func() error { return s.Finish(2, 1, nil, 1, nil, nil, 0) },
		"finish with no tour at all":  func() error { return s.Finish(2, 0, []uint64{1, 2}, 1, nil, tour[1:], 1) },
		"finish over the pool's room": func() error { return s.Finish(2, 0, []uint64{1, 2}, 1, many, nil, 0) },
		"begin of another instance":   func() error { return s.Begin(8, tour, 1, 1) },
	} {
		before := fmt.Sprintf("%+v", s)
		if err := call(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if after := fmt.Sprintf("%+v", s); after != before {
			t.Errorf("%s: changed\n%s to\n%s", name, before, after)
		}
	}
	if _, err := (&Search{}).Take(dsss.Order{}, 1, 0, 1); err == nil {
		t.Error("took before Begin")
	}
}

// crowd searches an instance with several workers in this process. The workers die when stop says so after a mutation,
// without finishing what they hold.
func crowd(t testing.TB, l *local, m tsplib.Matrix, c search.Config, run uint64, workers int, slice time.Duration, stop func(mutations uint64) bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var group sync.WaitGroup
	for rank := range workers {
		group.Go(func() {
			e, err := search.New(m, c)
			if err != nil {
				t.Error(err)
				return
			}
			tour, length := search.Start(m)
			if err := l.Begin(ctx, 1, tour, length, e.Root().Bound); err != nil {
				t.Error(err)
			}
			w := worker{mortal{l, cancel, stop}, e, run, int32(rank), slice}
			err = w.work(ctx)
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// mortal is a shared search that loses what its ranks hold once the run has been killed.
type mortal struct {
	*local
	kill func()
	stop func(mutations uint64) bool
}

func (m mortal) Finish(ctx context.Context, run uint64, rank int32, ids []uint64, nodes int64, open []Subproblem, tour []int32, length int64) error {
	m.mu.RLock()
	count := m.count
	m.mu.RUnlock()
	if m.stop(count) {
		m.kill()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return m.local.Finish(ctx, run, rank, ids, nodes, open, tour, length)
}

func never(uint64) bool { return false }

// scattered returns distances without any geometry, which take thousands of subproblems.
func scattered(r *rand.Rand, n int) tsplib.Matrix {
	m := tsplib.Matrix{N: n, D: make([]int32, n*n)}
	for i := range n {
		for j := range i {
			d := int32(100 + r.IntN(100))
			m.D[i*n+j], m.D[j*n+i] = d, d
		}
	}
	return m
}

// A job of several workers that is killed again and again, and resumed on another number of workers each time, finds the
// optimum that one process finds.
func TestKilledAndResumed(t *testing.T) {
	weak := search.Config{RootSteps: 8, Steps: 1}
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 6 {
		m := scattered(r, 30)
		want, err := search.Solve(m, search.Config{})
		if err != nil {
			t.Fatal(err)
		}
		l := newLocal()
		runs := uint64(0)
		for !l.Done() {
			runs++
			if runs > 1000 {
				t.Fatal("a thousand runs and no end")
			}
			limit := l.count + 8 + r.Uint64N(30)
			crowd(t, l, m, weak, runs, 1+r.IntN(5), time.Millisecond, func(count uint64) bool { return count > limit })
		}
		if err := search.Verify(m, l.search.Tour, want.Length); err != nil {
			t.Errorf("round %d after %d runs: %v", round, runs, err)
		}
		before := l.search.Progress()
		crowd(t, l, m, weak, runs+1, 2, time.Millisecond, never)
		if after := l.search.Progress(); !reflect.DeepEqual(before, after) || after.Bound != want.Length || after.Open != 0 {
			t.Errorf("resuming a finished search changed %+v to %+v", before, after)
		}
		t.Logf("round %d: %d runs, %d mutations, nodes %v", round, runs, l.count, before.Nodes)
	}
}

// A replica that applies the same mutations gets the same state: nothing but the arguments moves a mutator.
func TestDeterministic(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	a, b := begun(t, 10), begun(t, 10)
	for range 300 {
		run, rank := a.Run+uint64(r.IntN(20)/19), int32(r.IntN(3))
		run = max(run, 1)
		subsA, errA := a.Take(dsss.Order{}, run, rank, 4)
		subsB, errB := b.Take(dsss.Order{}, run, rank, 4)
		if !reflect.DeepEqual(subsA, subsB) || (errA == nil) != (errB == nil) {
			t.Fatalf("took %v and %v", subsA, subsB)
		}
		if len(subsA) == 0 {
			break
		}
		var open []Subproblem
		for range r.IntN(8) {
			open = append(open, Subproblem{Bound: subsA[0].Bound + int64(r.IntN(3)), Depth: subsA[0].Depth + 1, Include: []int32{int32(r.IntN(9))}})
		}
		for _, s := range []*Search{a, b} {
			if err := s.Finish(run, rank, ids(subsA), 5, open, nil, 0); err != nil {
				t.Fatal(err)
			}
		}
		if x, y := fmt.Sprintf("%+v", *a), fmt.Sprintf("%+v", *b); x != y {
			t.Fatalf("replicas differ:\n%s\n%s", x, y)
		}
	}
}

// BenchmarkEurope is what make run does, without a job: four workers, as many processors as GOMAXPROCS says.
func BenchmarkEurope(b *testing.B) {
	in, err := tsplib.ReadFile("data/europe.tsp")
	if err != nil {
		b.Fatal(err)
	}
	nodes := int64(0)
	for b.Loop() {
		l := newLocal()
		crowd(b, l, in.Matrix, quick, 1, 4, timeSlice, never)
		for _, n := range l.search.Nodes {
			nodes += n
		}
		b.ReportMetric(float64(l.count), "mutations")
		b.ReportMetric(float64(len(l.search.Nodes)), "ranks")
	}
	b.ReportMetric(float64(nodes)/b.Elapsed().Seconds(), "nodes/s")
	b.ReportMetric(float64(nodes)/float64(b.N), "nodes")
}

// TestLostWorker: what a lost worker held goes back into the pool once, and what its successor has taken over stays with
// it, however late somebody returns it.
func TestLostWorker(t *testing.T) {
	s := begun(t, 30, 10, 20, 40, 50, 60, 70, 80)
	dead, successor := dsss.Order{Session: 7}, dsss.Order{Session: 8}
	held, err := s.Take(dead, 1, 0, 9)
	if err != nil || len(held) != 2 {
		t.Fatal(held, err)
	}
	again, err := s.Take(successor, 1, 0, 9)
	if err != nil || !slices.Equal(ids(again), ids(held)) {
		t.Fatalf("the successor took %v, %v", ids(again), err)
	}
	s.Return([]uint64{7})
	if len(s.Held) != 2 {
		t.Errorf("%d held: the successor lost what it has in hand", len(s.Held))
	}
	s.Return([]uint64{8})
	if len(s.Held) != 0 || len(s.Pool) != 8 {
		t.Errorf("%d held and %d in the pool", len(s.Held), len(s.Pool))
	}
}

// TestTell: rank 0 dies while it reports, before anybody can know how far it came. One of those that wait reports
// instead, and rank 0, started again, does not.
func TestTell(t *testing.T) {
	var (
		s        = newLocal()
		mu       sync.Mutex
		present  = []int{0, 1, 2}
		changed  = make(chan struct{})
		reported atomic.Int32
	)
	member := func(rank int) *membership {
		return &membership{run: 1, rank: rank, search: s, ranks: func() ([]int, <-chan struct{}) {
			mu.Lock()
			defer mu.Unlock()
			return present, changed
		}}
	}
	died := errors.New("died")
	if err := tell(t.Context(), member(0), func() error { return died }); !errors.Is(err, died) {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for rank := 1; rank <= 2; rank++ {
		group.Go(func() {
			if err := tell(t.Context(), member(rank), func() error { reported.Add(1); return nil }); err != nil {
				t.Errorf("rank %d: %v", rank, err)
			}
		})
	}
	mu.Lock()
	present = []int{1, 2}
	close(changed)
	changed = make(chan struct{})
	mu.Unlock()
	group.Wait()
	present = []int{0, 1, 2}
	if err := tell(t.Context(), member(0), func() error { reported.Add(1); return nil }); err != nil || reported.Load() != 1 {
		t.Errorf("reported %d times; %v", reported.Load(), err)
	}
}
