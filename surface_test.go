package dsss_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dsss"
	"dsss/examples/counter"
	"dsss/internal/limits"
	"dsss/internal/protocol"
)

func scratchJob(t *testing.T) (*dsss.Job, *dsss.Object[Counter]) {
	t.Helper()
	return join(t, dsss.Config{Name: t.Name(), StateDir: filepath.Join(t.TempDir(), "state"), CheckpointEvery: time.Hour})
}

func TestConfigNamesItsField(t *testing.T) {
	for want, cfg := range map[string]dsss.Config{
		`Config.Durability is "eventually": want memory, interval or sync`:                         {Durability: "eventually"},
		`Config.CheckpointEvery is -1s: want 1ms to 87600h, or 0 for the default`:                  {CheckpointEvery: -time.Second},
		`Config.CheckpointEvery is 1ns: want `:                                                     {CheckpointEvery: 1},
		`Config.CheckpointEvery is 1000000h: want `:                                                {CheckpointEvery: 1e6 * time.Hour},
		`Config.Keep is -1: want 1 to 1000, or 0 for the default`:                                  {Keep: -1},
		`Config.Keep is 1001: want `:                                                               {Keep: 1001},
		`Config.Name is "a/b": want a name of 1 to 200 bytes that can be printed, without slashes`: {Name: "a/b"},
	} {
		_, err := dsss.Join(t.Context(), cfg)
		if !errors.Is(err, dsss.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v", want, err)
		}
	}
	for _, v := range []string{"DSSS_DURABILITY=eventually", "DSSS_KEEP=0", "DSSS_CHECKPOINT_EVERY=1ns", "DSSS_NAME=a/b"} {
		name, text, _ := strings.Cut(v, "=")
		t.Setenv(name, text)
		_, err := dsss.Join(t.Context(), dsss.Config{StateDir: filepath.Join(t.TempDir(), "state")})
		if !errors.Is(err, dsss.ErrConfig) || !strings.Contains(err.Error(), fmt.Sprintf("%s=%q: want ", name, text)) {
			t.Errorf("%s: error is %v", v, err)
		}
		t.Setenv(name, "")
	}
	t.Setenv("DSSS_ROLE", "worker")
	t.Setenv("DSSS_PROTOCOL", strconv.Itoa(protocol.Version))
	t.Setenv("DSSS_RANK", "one")
	if _, err := dsss.Join(t.Context(), dsss.Config{}); !errors.Is(err, dsss.ErrConfig) || !strings.Contains(err.Error(), "DSSS_RANK") {
		t.Errorf("DSSS_RANK: error is %v", err)
	}
}

// TestVariables: a program alone takes from the environment what its Config leaves open.
func TestVariables(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"NAME": "mine", "STATE_DIR": filepath.Join(dir, "variable"), "CHECKPOINT_EVERY": "0", "KEEP": "1", "DURABILITY": "sync"} {
		t.Setenv("DSSS_"+name, text)
	}
	for _, cfg := range []dsss.Config{{}, {StateDir: filepath.Join(dir, "field")}} {
		job, err := dsss.Join(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if job.Name() != "mine" {
			t.Errorf("name is %q", job.Name())
		}
		if err := job.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err := dsss.Join(t.Context(), dsss.Config{Name: "other"})
	if want := `holds job "mine", not "other": leave Config.Name and DSSS_NAME empty`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("another name: error is %v", err)
	}
	t.Setenv("DSSS_NAME", "")
	if job, _ := join(t, dsss.Config{}); job.Name() != "mine" || job.Close() != nil {
		t.Errorf("without a name it is %q", job.Name())
	}
	for _, d := range []string{"variable", "field"} {
		b, err := os.ReadFile(filepath.Join(dir, d, "job.json"))
		if err != nil || !strings.Contains(string(b), `"sync"`) {
			t.Errorf("%s: %s, %v", d, b, err)
		}
	}
}

// TestRand: no two sources of a process, or of two processes of one job, give the same numbers.
func TestRand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	seen := map[uint64]bool{}
	for range 2 { // the second is as a process that was started again
		job, _ := join(t, dsss.Config{StateDir: dir})
		for range 3 {
			for r, i := job.Rand(), 0; i < 3; i++ {
				seen[r.Uint64()] = true
			}
		}
		if err := job.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 2*3*3 {
		t.Errorf("%d different numbers of %d", len(seen), 2*3*3)
	}
}

// TestContextEnds: a caller that stops waiting is told what is known, and the mutation goes on.
func TestContextEnds(t *testing.T) {
	job, hits := scratchJob(t)
	defer job.Close()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	f := dsss.Go(t.Context(), hits, counterAdd, 1)
	_, err := f.Wait(ended)
	var e *dsss.Error
	if err != nil && (!errors.Is(err, dsss.ErrUnconfirmed) || !errors.Is(err, context.Canceled) || !errors.As(err, &e) || e.Op != "Add" || e.Object != "hits") {
		t.Errorf("error is %v", err)
	}
	if n, err := f.Wait(t.Context()); err != nil || n != 1 {
		t.Errorf("later: %d, %v", n, err)
	}
	if f.Seq() == 0 {
		t.Error("a mutation that was applied has no sequence number")
	}
	<-f.Done()
}

// TestContextEnded: a call whose context has ended before it is made is not taken, in any of its forms.
func TestContextEnded(t *testing.T) {
	job, hits := scratchJob(t)
	defer job.Close()
	ended, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("enough")
	cancel(reason)
	_, called := dsss.Call(ended, hits, counterAdd, 1)
	_, started := dsss.Go(ended, hits, counterAdd, 1).Wait(t.Context())
	_, opened := dsss.Open(ended, job, counterClass, "other")
	for form, err := range map[string]error{"Call": called, "Go": started, "Post": dsss.Post(ended, hits, counterAdd, 1), "Open": opened} {
		var e *dsss.Error
		if !errors.Is(err, dsss.ErrNotApplied) || !errors.Is(err, reason) || !errors.As(err, &e) {
			t.Errorf("%s: %v", form, err)
		}
	}
	if err := job.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := value(hits); n != 0 {
		t.Errorf("%d was added", n)
	}
}

// TestWindowFull: a caller that gives up waiting for room was never taken.
func TestWindowFull(t *testing.T) {
	job, hits := scratchJob(t)
	defer job.Close()
	ended, cancel := context.WithCancel(t.Context())
	var last *dsss.Future[int64]
	hits.View(func(*Counter) { // nothing is applied while we look
		for range limits.Window {
			last = dsss.Go(t.Context(), hits, counterAdd, 1)
		}
		cancel()
		_, err := dsss.Go(ended, hits, counterAdd, 1).Wait(t.Context())
		var e *dsss.Error
		if !errors.Is(err, dsss.ErrNotApplied) || !errors.Is(err, context.Canceled) || !errors.As(err, &e) || e.Object != "hits" {
			t.Errorf("error is %v", err)
		}
	})
	if n, err := last.Wait(t.Context()); err != nil || n != limits.Window {
		t.Errorf("the last of the window: %d, %v", n, err)
	}
}

func TestAfterClose(t *testing.T) {
	job, hits := scratchJob(t)
	f := dsss.Go(t.Context(), hits, counterAdd, 5)
	if err := job.Close(); err != nil {
		t.Fatal(err)
	}
	if err := job.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if n, err := f.Wait(t.Context()); err != nil || n != 5 {
		t.Errorf("what was started before Close: %d, %v", n, err)
	}
	select {
	case <-job.Done():
	default:
		t.Error("Done is open after Close")
	}
	_, err := dsss.Call(t.Context(), hits, counterAdd, 1)
	if !errors.Is(err, dsss.ErrNotApplied) || !errors.Is(err, dsss.ErrClosed) {
		t.Errorf("mutator after Close: %v", err)
	}
	if value(hits) != 5 {
		t.Errorf("getters work on after Close: %d", value(hits))
	}
	if err := job.Sync(t.Context()); !errors.Is(err, dsss.ErrClosed) {
		t.Errorf("Sync after Close: %v", err)
	}
	never := func(*Counter) bool { return false }
	if err := hits.Await(t.Context(), never); !errors.Is(err, dsss.ErrClosed) {
		t.Errorf("Await after Close: %v", err)
	}
	if _, err := dsss.Open(t.Context(), job, counterClass, "more"); !errors.Is(err, dsss.ErrClosed) {
		t.Errorf("Open after Close: %v", err)
	}
}

func TestObjectsHaveOneClass(t *testing.T) {
	job, hits := scratchJob(t)
	defer job.Close()
	again, err := dsss.Open(t.Context(), job, counterClass, "hits")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dsss.Call(t.Context(), again, counterAdd, 2); err != nil || value(hits) != 2 {
		t.Errorf("two handles on one object: %d, %v", value(hits), err)
	}
	if _, err := counter.OpenCounter(t.Context(), job, "hits"); !errors.Is(err, dsss.ErrClass) {
		t.Errorf("another class: %v", err)
	}
	if _, err := dsss.Open(t.Context(), job, counterClass, ""); !errors.Is(err, dsss.ErrConfig) {
		t.Errorf("no name: %v", err)
	}
}

// TestAwaitWakes: every waiter whose condition comes true wakes, and none before.
func TestAwaitWakes(t *testing.T) {
	job, hits := scratchJob(t)
	defer job.Close()
	var wg sync.WaitGroup
	for want := int64(1); want <= 20; want++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var seen int64
			err := hits.Await(t.Context(), func(c *Counter) bool { seen = c.n; return c.n >= want })
			if err != nil || seen < want {
				t.Errorf("awaited %d, woke at %d, %v", want, seen, err)
			}
		}()
	}
	for range 20 {
		if _, err := dsss.Call(t.Context(), hits, counterAdd, 1); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := hits.Await(ctx, func(c *Counter) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("Await with an ended context: %v", err)
	}
}

func TestCheckpointAndStats(t *testing.T) {
	job, hits := scratchJob(t)
	defer job.Close()
	for range 10 {
		if _, err := dsss.Call(t.Context(), hits, counterAdd, 1); err != nil {
			t.Fatal(err)
		}
	}
	seq, err := job.Checkpoint(t.Context())
	if err != nil || seq < 12 { // ten, the Open, and the Start of the epoch
		t.Fatalf("checkpoint at %d, %v", seq, err)
	}
	// and the mark of the checkpoint
	stats, err := job.Stats(t.Context())
	if err != nil || stats.Head != seq || seq != 13 || stats.CommitIndex != seq || stats.Run != 1 || stats.Epoch != 1 {
		t.Errorf("stats %+v, %v", stats, err)
	}
	if stats.Checkpoints.Written != 1 || stats.Checkpoints.Last != seq {
		t.Errorf("checkpoints %+v", stats.Checkpoints)
	}
	if stats.Log.Limit != limits.LogMemory || stats.Window.Calls != 0 || stats.Window.CallsLimit != limits.Window {
		t.Errorf("log %+v, window %+v", stats.Log, stats.Window)
	}
	if c := stats.Cursors; len(c) != 2 || c[0].Rank != -1 || c[1].Rank != 0 || c[1].Session == c[0].Session || c[1].Sent != seq || c[1].Lag != seq-c[1].Applied {
		t.Errorf("cursors %+v", c)
	}
	hits.View(func(c *Counter) {
		if c.n != 10 {
			t.Errorf("View sees %d", c.n)
		}
	})
}

// TestMutatorPanics runs a program whose mutator panics: it ends with status 1, names the mutation, and goes on
// without it the next time.
func TestMutatorPanics(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	run := func(explode string) (string, error) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestPanickingProgram$", "-test.v")
		cmd.Env = append(os.Environ(), "DSSS_TEST_STATE="+state, "DSSS_TEST_EXPLODE="+explode)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run("yes")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("ended with %v:\n%s", err, out)
	}
	for _, want := range []string{"mutator Explode of hits panicked at sequence number 4: kaboom; the next run goes on without it", "counter_test.go"} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
	want := "value 2"
	if raceEnabled {
		want = "value 3" // that run adds one too
		out, err := run("cheat")
		if err == nil || !strings.Contains(out, "Cheat returned an error") {
			t.Errorf("a mutator that fails and changes the state: %v\n%s", err, out)
		}
	}
	out, err = run("")
	if err != nil || !strings.Contains(out, want) {
		t.Errorf("second run: %v\n%s", err, out)
	}
	if said := "dsss: leaving out the mutation at sequence number 4, which panicked in an earlier run\n"; strings.Count(out, said) != 1 {
		t.Errorf("second run does not say once %q:\n%s", said, out)
	}
	if out, err = run(""); err != nil || strings.Contains(out, "leaving out") {
		t.Errorf("third run: %v\n%s", err, out)
	}
}

// TestPanickingProgram is the program of TestMutatorPanics.
func TestPanickingProgram(t *testing.T) {
	state := os.Getenv("DSSS_TEST_STATE")
	if state == "" {
		t.Skip("only as the program of TestMutatorPanics")
	}
	job, hits := join(t, dsss.Config{Name: "panics", StateDir: state})
	if _, err := dsss.Call(t.Context(), hits, counterAdd, 1); err != nil {
		t.Fatal(err)
	}
	switch os.Getenv("DSSS_TEST_EXPLODE") {
	case "cheat":
		_, err := dsss.Call(t.Context(), hits, counterCheat, struct{}{})
		t.Fatalf("Cheat returned %v", err)
	case "yes":
		_, err := dsss.Call(t.Context(), hits, counterExplode, struct{}{})
		t.Fatalf("Explode returned %v", err)
	}
	t.Logf("value %d", value(hits))
	if err := job.Close(); err != nil {
		t.Fatal(err)
	}
}
