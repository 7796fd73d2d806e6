package dsss_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"dsss"
	"dsss/internal/limits"
	"dsss/internal/vfs"
)

func join(t *testing.T, cfg dsss.Config) (*dsss.Job, *dsss.Object[Counter]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	job, err := dsss.Join(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	o, err := dsss.Open(ctx, job, counterClass, "hits")
	if err != nil {
		t.Fatal(err)
	}
	return job, o
}

// TestAlonePersists: a program without a launcher has memory that outlives it.
func TestAlonePersists(t *testing.T) {
	for _, durability := range []dsss.Durability{dsss.Memory, dsss.Interval, dsss.Sync} {
		t.Run(string(durability), func(t *testing.T) {
			cfg := dsss.Config{Name: "alone", StateDir: t.TempDir() + "/state", Durability: durability}
			for run := uint64(1); run <= 3; run++ {
				job, hits := join(t, cfg)
				if job.Run() != run {
					t.Errorf("Run() = %d, want %d", job.Run(), run)
				}
				for range 100 {
					if _, err := dsss.Call(t.Context(), hits, counterAdd, 1); err != nil {
						t.Fatal(err)
					}
				}
				if got, want := value(hits), int64(run)*100; got != want {
					t.Errorf("run %d: counter is %d, want %d", run, got, want)
				}
				if err := job.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestAloneLeavesNothing: when a program without a launcher has closed its job, at once and not after a wait for itself, what is
// left is the state: no socket is open, and no file lies about.
func TestAloneLeavesNothing(t *testing.T) {
	sockets := func() (n int) {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range all {
			if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(to, "socket:") { // the one for ReadDir is closed
				n++
			}
		}
		return n
	}
	dir, tmp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	before := sockets()
	job, _ := join(t, dsss.Config{Name: "leaves", StateDir: dir + "/state"})
	if n := sockets() - before; n < 6 { // control, keeper and worker, both ends of each
		t.Errorf("%d sockets more while it runs", n)
	}
	began := time.Now()
	if err := job.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took >= limits.Drain {
		t.Errorf("Close took %v", took)
	}
	if n := sockets(); n != before {
		t.Errorf("%d sockets, %d before", n, before)
	}
	for d, want := range map[string]string{dir: "[state]", dir + "/state": "[checkpoints job.json log]", tmp: "[]"} {
		names, err := vfs.OS.ReadDir(d)
		if err != nil || fmt.Sprint(names) != want {
			t.Errorf("%s holds %v, %v, want %s", d, names, err, want)
		}
	}
}

func TestMutatorErrorReachesItsCaller(t *testing.T) {
	job, hits := join(t, dsss.Config{Name: "errors", StateDir: t.TempDir() + "/state"})
	defer job.Close()
	if _, err := dsss.Call(t.Context(), hits, counterAdd, -1); !errors.Is(err, errNegative) {
		t.Fatalf("error is %v, want the mutator's own", err)
	}
	if got := value(hits); got != 0 {
		t.Fatalf("counter is %d after a mutator that failed", got)
	}
}

func TestAsyncInOrder(t *testing.T) {
	job, hits := join(t, dsss.Config{Name: "async", StateDir: t.TempDir() + "/state"})
	defer job.Close()
	const n = 50_000
	futures := make([]*dsss.Future[int64], n)
	for i := range futures {
		futures[i] = dsss.Go(t.Context(), hits, counterAdd, 1)
	}
	for i, f := range futures {
		got, err := f.Wait(t.Context())
		if err != nil || got != int64(i)+1 {
			t.Fatalf("future %d: %d, %v", i, got, err)
		}
	}
}
