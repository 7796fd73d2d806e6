package sim

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestSeeds simulates seeds and expects that every promise holds. By environment variable:
//
//	DSSS_SEEDS=N   that many, from DSSS_FIRST (0) on
//	DSSS_SEED=N    this one alone, with everything that happens in it; DSSS_MUTANT names one
func TestSeeds(t *testing.T) {
	if os.Getenv("DSSS_SEED") != "" {
		r := Run(Config{Seed: number(t, "DSSS_SEED", 0), Mutant: Mutant(os.Getenv("DSSS_MUTANT")), Trace: os.Stdout})
		t.Logf("%d events, hash %016x\n%s", r.Steps, r.Hash, table(r.Counts))
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		return
	}
	many := uint64(150)
	if raceEnabled {
		many = 16
	}
	first, many := number(t, "DSSS_FIRST", 0), number(t, "DSSS_SEEDS", many)
	counts := Counts{}
	var failed []uint64
	each(first, first+many, func(r Result, seed uint64) bool {
		counts.Add(r.Counts)
		counts["events"] += r.Steps
		if r.Err != nil {
			failed = append(failed, seed)
			t.Errorf("%v\n  again, with all that happens: make sim SEED=%d", r.Err, seed)
		}
		return len(failed) < 20
	})
	t.Logf("%d seeds\n%s", many, table(counts))
}

// TestMutants sees that the checker notices each mutant within the first few hundred seeds that have what the mutant lacks
// tried, and that those hold without it.
func TestMutants(t *testing.T) {
	if raceEnabled {
		t.Skip("a simulation is one goroutine: the race detector finds nothing in it that it does not find in TestSeeds, and takes five times as long")
	}
	for _, m := range Mutants {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(500) {
				r := Run(Config{Seed: seed, Focus: m, Mutant: m})
				if r.Err == nil {
					continue
				}
				t.Logf("noticed: %v", r.Err)
				if r := Run(Config{Seed: seed, Focus: m}); r.Err != nil {
					t.Errorf("and so it is without the mutant: %v", r.Err)
				}
				return
			}
			t.Error("nobody noticed")
		})
	}
}

// TestOneSeedIsOneHistory runs seeds twice.
func TestOneSeedIsOneHistory(t *testing.T) {
	many := uint64(12)
	if raceEnabled {
		many = 2
	}
	many = number(t, "DSSS_SEEDS", many)
	for seed := range many {
		a, b := Run(Config{Seed: seed}), Run(Config{Seed: seed})
		if a.Hash != b.Hash || a.Steps != b.Steps {
			t.Errorf("seed %d: %d events with hash %016x, then %d with %016x", seed, a.Steps, a.Hash, b.Steps, b.Hash)
		}
	}
}

// each simulates the seeds from first to before end, on all processors, until tell returns false. One call of tell at a
// time.
func each(first, end uint64, tell func(r Result, seed uint64) bool) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := first
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				mu.Lock()
				seed := next
				next++
				mu.Unlock()
				if seed >= end {
					return
				}
				r := Run(Config{Seed: seed})
				mu.Lock()
				if !tell(r, seed) {
					next = end
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func number(t *testing.T, name string, otherwise uint64) uint64 {
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s: %v", name, s, err)
	}
	return n
}

// table lists counts, the largest first.
func table(c Counts) string {
	var b strings.Builder
	for _, what := range slices.SortedFunc(maps.Keys(c), func(x, y string) int { return cmp.Or(cmp.Compare(c[y], c[x]), cmp.Compare(x, y)) }) {
		fmt.Fprintf(&b, "%12d %s\n", c[what], what)
	}
	return b.String()
}
