package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary stand for the program, which starts itself.
func TestMain(m *testing.M) {
	if os.Getenv(varTask) != "" {
		os.Exit(realMain())
	}
	os.Exit(m.Run())
}

// TestQuick runs everything once: every figure must be there, and the run itself fails when replicas differ or an
// update is lost. How fast anything is does not matter.
func TestQuick(t *testing.T) {
	dir := t.TempDir()
	out, results := filepath.Join(dir, "out"), filepath.Join(dir, "results", "quick.md")
	var stdout, stderr bytes.Buffer
	args := []string{"--quick", "--rounds", "1", "--seconds", "0.2", "--json", "--out", out, "--results", results, "--cpuprofile", filepath.Join(dir, "profiles")}
	if status := bench(t.Context(), args, &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	file, err := os.ReadFile(filepath.Join(out, "bench.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, stdout.Bytes()) {
		t.Errorf("bench.json and standard output differ:\n%s\n%s", file, &stdout)
	}
	var all map[string]any
	if err := json.Unmarshal(file, &all); err != nil {
		t.Fatal(err)
	}
	positive := []string{"closed_loop_p50_ratio", "pipelined_ratio", "getter_ns", "pipelined_cpu_us_coordinator", "pipelined_cpu_us_keeper", "gomaxprocs"}
	for _, w := range rows {
		positive = append(positive, w.raw, w.ours)
	}
	for _, key := range positive {
		if v, ok := all[key].(float64); !ok || v <= 0 {
			t.Errorf("%s is %v, want a positive number", key, all[key])
		}
	}
	for _, key := range []string{"closed_loop_p50_us_iqr", "cpu_model", "kernel", "go_version", "revision", "date", "durability", "pinning"} {
		if _, ok := all[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
	for key, v := range all {
		switch v.(type) {
		case map[string]any, []any:
			t.Errorf("%s is not flat: %v", key, v)
		}
	}
	// A lone call is one frame: the kernel's count must be what the frames' layout says, a heartbeat now and then apart.
	if got := all["closed_loop_received_bytes"].(float64); got < 152 || got > 160 {
		t.Errorf("a lone call of 64 bytes took %v bytes on the wire, want 152", got)
	}
	md, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(md), "\n| "); n < len(rows) {
		t.Errorf("%d table lines in the results, want at least %d:\n%s", n, len(rows), md)
	}
	if profiles, _ := filepath.Glob(filepath.Join(dir, "profiles", "*keeper*.prof")); len(profiles) == 0 {
		t.Error("no profile of a keeper")
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--only nothing", `--only is "nothing"`},
		{"--rounds 0", "--rounds is 0"},
		{"--seconds -1", "--seconds is -1"},
		{"--seconds NaN", "--seconds is NaN"},
		{"extra", `unexpected argument "extra"`},
		{"--fast", "unknown flag: --fast"},
	} {
		var stdout, stderr bytes.Buffer
		status := bench(t.Context(), strings.Fields(c.args), &stdout, &stderr)
		if text := stderr.String(); status != 2 || !strings.Contains(text, c.want) || strings.Count(text, "\n") != 1 || stdout.Len() > 0 {
			t.Errorf("bench %s: status %d, %q, want status 2 and one line with %q", c.args, status, text, c.want)
		}
	}
}

// TestFailureIsNamed: a child that cannot do its work ends the run with its reason and leaves no file.
func TestFailureIsNamed(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(dir, "absent"))
	var stdout, stderr bytes.Buffer
	status := bench(t.Context(), []string{"--only", "getter", "--quick", "--out", dir}, &stdout, &stderr)
	if status != 1 || !strings.Contains(stderr.String(), "absent") {
		t.Errorf("status %d, %q, want 1 and the folder's name", status, &stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAgree(t *testing.T) {
	same := []result{{State: "3 calls"}, {State: "3 calls"}}
	if err := agree(same); err != nil {
		t.Error(err)
	}
	if err := agree(append(same, result{State: "2 calls"})); err == nil || !strings.Contains(err.Error(), "client 2") {
		t.Errorf("agree = %v, want an error that names client 2", err)
	}
}

// TestTallySeesWhatWentWrong: the check that every run stands on notices a loss, a repetition and a stranger.
func TestTallySeesWhatWentWrong(t *testing.T) {
	for name, c := range map[string]struct {
		numbers []uint64
		client  uint64
		broken  uint64
	}{
		"in order": {[]uint64{1, 2, 3}, 1, 0},
		"lost":     {[]uint64{1, 3, 4}, 2, 1},
		"repeated": {[]uint64{1, 2, 2}, clients, 1},
		"stranger": {[]uint64{1}, clients + 1, 1},
		"nobody":   {[]uint64{1}, 0, 1},
	} {
		var tally Tally
		for _, n := range c.numbers {
			tally.Record(c.client, n, filler)
		}
		if tally.broken != c.broken {
			t.Errorf("%s: %d broken, want %d", name, tally.broken, c.broken)
		}
	}
	var a, b Tally
	a.Record(1, 1, filler)
	a.Record(2, 1, filler)
	b.Record(2, 1, filler)
	b.Record(1, 1, filler)
	if a.digest == b.digest {
		t.Error("the digest does not depend on the order")
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{
		{nil, spread{}},
		{[]float64{4}, spread{4, 0}},
		{[]float64{3, 1, 2}, spread{2, 2}},
		{[]float64{5, 1, 4, 2, 3}, spread{3, 2}},
	} {
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("spreadOf(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestSchedulePassesEveryMarkOnce(t *testing.T) {
	s := newSchedule(8 * time.Second)
	begin := s.due.Add(-2 * time.Second)
	for _, c := range []struct {
		after time.Duration
		want  mark
	}{
		{0, none}, {2 * time.Second, measureFrom}, {3 * time.Second, none}, {10 * time.Second, measureTo},
		{10 * time.Second, none}, {11 * time.Second, stop}, {13 * time.Second, none},
	} {
		if got := s.pass(begin.Add(c.after)); got != c.want {
			t.Errorf("after %v: mark %d, want %d", c.after, got, c.want)
		}
	}
}

// TestScheduleMeasuresInFull: a client that was held up still measures for the whole duration.
func TestScheduleMeasuresInFull(t *testing.T) {
	s := newSchedule(time.Second)
	late := s.due.Add(5 * time.Second)
	for _, c := range []struct {
		after time.Duration
		want  mark
	}{{0, measureFrom}, {0, none}, {999 * time.Millisecond, none}, {time.Second, measureTo}} {
		if got := s.pass(late.Add(c.after)); got != c.want {
			t.Errorf("after %v: mark %d, want %d", c.after, got, c.want)
		}
	}
}

// TestCountsWholeMessages: a read may cut a message anywhere.
func TestCountsWholeMessages(t *testing.T) {
	stream := append(append(message(1, messageUpdate), message(2, messageUpdate)...), message(2, messageDone)...)
	c := &rawClient{me: 2, in: make([]byte, 256), flight: 1}
	for _, b := range stream {
		c.in[c.have] = b
		c.count(1)
	}
	if c.all != 2 || c.own != 1 || c.dones != 1 || c.flight != 0 || c.have != 0 {
		t.Errorf("%+v, want 2 in all, 1 own, 1 done, nothing in flight", c)
	}
}

func TestTargetMet(t *testing.T) {
	most, least := &target{bound: 1.5}, &target{bound: 0.25, least: true}
	for _, c := range []struct {
		t     *target
		value float64
		want  string
	}{{most, 1.5, "met"}, {most, 1.51, "not met"}, {least, 0.25, "met"}, {least, 0.24, "not met"}} {
		if got := c.t.met(c.value); got != c.want {
			t.Errorf("%v of bound %v: %s, want %s", c.value, c.t.bound, got, c.want)
		}
	}
}
