package launcher

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseDeadline(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	t.Setenv("PBS_WALLTIME", "")
	t.Setenv("SLURM_JOB_END_TIME", "1795700000") // 2026-11-26
	for s, want := range map[string]time.Time{
		"none": {}, "": time.Unix(1795700000, 0), "1h30m": now.Add(90 * time.Minute),
		"2026-11-23T13:00:00Z": now.Add(time.Hour), "2026-11-23T13:00:00+01:00": {}, "-5s": {}, "100000h": {}, "2999-01-01T00:00:00Z": {}, "soon": {}, "12:00": {},
	} {
		got, err := ParseDeadline(s, now)
		if refused := want.IsZero() && s != "none"; !got.Equal(want) || refused != errors.Is(err, ErrUsage) || err != nil && !strings.HasPrefix(err.Error(), "want a time ") {
			t.Errorf("%q: %v, %v; want %v", s, got, err, want)
		}
	}
}

func TestBatchDeadline(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		slurm, pbs string
		least      time.Duration // from now; 0: none
		most       time.Duration
	}{
		{"", "", 0, 0},
		{"x", "", 0, 0},
		{"1000", "", 0, 0}, // long ago
		{"", "99999999999999999", 0, 0},
		{"", "0", 0, 0},
		// The test's session has begun some time ago, but not a year.
		{"", "31536000", time.Hour, 8760 * time.Hour},
	} {
		env := map[string]string{"SLURM_JOB_END_TIME": c.slurm, "PBS_WALLTIME": c.pbs}
		got := batchDeadline(func(name string) string { return env[name] }, now)
		if left := got.Sub(now); got.IsZero() != (c.most == 0) || !got.IsZero() && (left < c.least || left > c.most) {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if began := sessionBegan(now); began.After(now) || now.Sub(began) < 0 {
		t.Errorf("the session began %v before now", now.Sub(began))
	}
}

func TestLead(t *testing.T) {
	for last, want := range map[time.Duration]time.Duration{
		0: 30 * time.Second, 10 * time.Second: 30 * time.Second, 20 * time.Second: 50 * time.Second, 1 << 62: 2*time.Hour + 10*time.Second,
	} {
		if got := lead(last); got != want {
			t.Errorf("lead(%v) = %v, want %v", last, got, want)
		}
	}
}

// A job whose deadline is near says so, and writes a checkpoint, once.
func TestDeadline(t *testing.T) {
	t.Parallel()
	cfg := config("stop-when-saved", 1, keeperOK, "join stay exit=0")
	cfg.Deadline, cfg.Verbose = time.Now().Add(20*time.Second), true
	r := start(t, cfg, nil)
	if code := r.wait(t); code != 0 || strings.Count(r.err.String(), "writing a checkpoint\n") != 1 || !strings.Contains(r.err.String(), "dsss: checkpoint at sequence number 42") {
		t.Errorf("exit code %d, stderr: %s", code, &r.err)
	}
}
