package gen

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"dsss"
	"dsss/cmd/dsss-gen/internal/gen/testdata/merging"
)

// TestGeneratedCallsMerge posts calls of mutators that combine in a job: what they leave is what they would have left
// one by one, and there are fewer of them.
func TestGeneratedCallsMerge(t *testing.T) {
	// A worker and a coordinator that wait for each other to read are parted after limits.Silence, 30 s.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	job, err := dsss.Join(ctx, dsss.Config{Name: "merging", StateDir: filepath.Join(t.TempDir(), "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	s, err := merging.OpenStats(ctx, job, "stats")
	if err != nil {
		t.Fatal(err)
	}
	const n = 20_000
	mine := make([]int64, 2, 8)
	want := merging.Stats{Bins: map[string]int64{}}
	for i := range int64(n) {
		bin := fmt.Sprint("bin", i%7)
		if err := s.PostReport(ctx, 1, i, float64(i%1000), int32(-i%500)); err != nil {
			t.Fatal(err)
		}
		want.Report(1, i, float64(i%1000), int32(-i%500))
		for range 3 {
			if err := s.PostBin(ctx, bin, i%2 == 0, i); err != nil {
				t.Fatal(err)
			}
			want.Bin(bin, i%2 == 0, i)
		}
		for v := range int64(3) {
			copy(mine, []int64{i, v})
			if err := s.PostSee(ctx, mine); err != nil {
				t.Fatal(err)
			}
			want.See(mine)
			clear(mine[:cap(mine)]) // it is ours again, whatever the call still waits for
		}
	}
	if err := job.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	s.View(func(got *merging.Stats) {
		if got.Count != want.Count || got.Sum != want.Sum || got.Peak != want.Peak || got.Low != want.Low ||
			fmt.Sprint(got.Bins) != fmt.Sprint(want.Bins) || fmt.Sprint(got.Seen) != fmt.Sprint(want.Seen) {
			t.Errorf("got %d %d %v %v %v, %d seen", got.Count, got.Sum, got.Peak, got.Low, got.Bins, len(got.Seen))
		}
	})
	stats, err := job.Stats(ctx)
	if err != nil || stats.Head >= 7*n {
		t.Errorf("%d calls became %d mutations: nothing merged (%v)", 7*n, stats.Head, err)
	}
	t.Logf("%d calls, %d mutations", 7*n, stats.Head)
}
