package dsss_test

import (
	"errors"
	"path/filepath"
	"testing"

	"dsss"
	"dsss/class"
)

// counterPlus is Add without a result, so that calls may merge.
var counterPlus = class.NewMutator(counterClass, 4, "Plus", int64Codec,
	func(_ class.Order, c *Counter, d int64) (struct{}, error) { c.n += d; return struct{}{}, nil }).
	Combine(func(into *int64, d int64) bool {
		if d == noMerge || *into == noMerge {
			return false
		}
		*into += d
		return true
	})

// noMerge is a summand that refuses to merge.
const noMerge = 1000

// TestCombine: merged calls are fewer, and their sum, order beside others and futures are as if they were not.
func TestCombine(t *testing.T) {
	job, hits := join(t, dsss.Config{Name: t.Name(), StateDir: filepath.Join(t.TempDir(), "state")})
	defer job.Close()
	const n = 100_000
	var futures []*dsss.Future[struct{}]
	want := int64(0)
	for i := range n {
		d := int64(i%7 + 1)
		if i%1000 == 0 {
			d = noMerge
		}
		want += d
		switch i % 3 {
		case 0:
			futures = append(futures, dsss.Go(t.Context(), hits, counterPlus, d))
		default:
			if err := dsss.Post(t.Context(), hits, counterPlus, d); err != nil {
				t.Fatal(err)
			}
		}
		if i%10_000 == 9_999 { // another mutator of the same session sees all that came before it, and nothing after
			got, err := dsss.Call(t.Context(), hits, counterAdd, 0)
			if err != nil || got != want {
				t.Fatalf("after %d: %d, %v, want %d", i+1, got, err, want)
			}
		}
	}
	if err := job.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := value(hits); got != want {
		t.Errorf("sum %d, want %d", got, want)
	}
	for i, f := range futures {
		if _, err := f.Wait(t.Context()); err != nil || f.Seq() == 0 {
			t.Fatalf("future %d: %v, sequence number %d", i, err, f.Seq())
		}
	}
	stats, err := job.Stats(t.Context())
	if err != nil || stats.Head >= n {
		t.Errorf("%d mutations were ordered for %d calls: nothing merged (%v)", stats.Head, n, err)
	}
	t.Logf("%d calls, %d mutations", n, stats.Head)
}

// counterTwice commutes with everything that the test below calls.
var counterTwice = class.NewMutator(counterClass, 5, "Twice", int64Codec,
	func(_ class.Order, c *Counter, d int64) (struct{}, error) { c.n += 2 * d; return struct{}{}, nil }).
	Combine(func(into *int64, d int64) bool { *into += d; return true }).Commutes()

// TestCommutes: calls of two mutators in turn merge when one of them commutes, and the state is as if they had not.
func TestCommutes(t *testing.T) {
	job, hits := join(t, dsss.Config{Name: t.Name(), StateDir: filepath.Join(t.TempDir(), "state")})
	defer job.Close()
	const n = 50_000
	want := int64(0)
	for i := range n {
		if err := errors.Join(dsss.Post(t.Context(), hits, counterPlus, 1), dsss.Post(t.Context(), hits, counterTwice, 1)); err != nil {
			t.Fatal(err)
		}
		if want += 3; i%10_000 == 9_999 { // who waits sees all that was posted before
			if got, err := dsss.Call(t.Context(), hits, counterAdd, 0); err != nil || got != want {
				t.Fatalf("after %d: %d, %v, want %d", i+1, got, err, want)
			}
		}
	}
	if err := job.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats, err := job.Stats(t.Context())
	if got := value(hits); got != want || err != nil || stats.Head > n {
		t.Errorf("%d, want %d; %d mutations for %d calls (%v)", got, want, stats.Head, 2*n, err)
	}
	t.Logf("%d calls, %d mutations", 2*n, stats.Head)
}

func TestCommutesNeedsCombine(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a mutator that does not combine may commute")
		}
	}()
	counterAdd.Commutes()
}

func TestCombineNeedsNoResult(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a mutator with a result may combine")
		}
	}()
	counterAdd.Combine(func(*int64, int64) bool { return true })
}

func TestPostAfterClose(t *testing.T) {
	job, hits := join(t, dsss.Config{Name: t.Name(), StateDir: filepath.Join(t.TempDir(), "state")})
	if err := job.Close(); err != nil {
		t.Fatal(err)
	}
	if err := dsss.Post(t.Context(), hits, counterPlus, 1); !errors.Is(err, dsss.ErrNotApplied) {
		t.Errorf("error is %v", err)
	}
	if err := job.Flush(t.Context()); !errors.Is(err, dsss.ErrClosed) {
		t.Errorf("Flush: %v", err)
	}
}
