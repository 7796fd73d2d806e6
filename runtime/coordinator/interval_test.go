package coordinator

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"dsss/internal/limits"
)

func TestInterval(t *testing.T) {
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		cost, mtbf time.Duration
		overhead   float64
		want       time.Duration // within 1 %
	}{
		// sqrt(2·1·86400) = 415.69; x = 5.787e-6; 415.69·(1 + 0.000802 + 6.4e-7) − 1 = 415.03
		"a second a day": {time.Second, day, 0.01, 415030 * time.Millisecond},
		// sqrt(2·5·600) = 77.46; x = 1/240; 77.46·(1 + 0.02152 + 0.00046) − 5 = 74.16
		"the correction shows": {5 * time.Second, 10 * time.Minute, 1, 74163 * time.Millisecond},
		"slower than failures": {10 * time.Second, 4 * time.Second, 1, 10 * time.Second}, // mtbf, but never above overhead 1
		"as slow as they":      {8 * time.Second, 4 * time.Second, 1, 8 * time.Second},
		"bounded by overhead":  {10 * time.Second, time.Hour, 0.01, 1000 * time.Second},
		"overhead beats most":  {30 * time.Second, day, 0.01, 3000 * time.Second},
		"bounded by most":      {5 * time.Second, 30 * day, 0.01, limits.CheckpointMost},
		"bounded by least":     {time.Microsecond, time.Hour, 0.01, limits.CheckpointLeast},
		"free":                 {0, day, 0.01, limits.CheckpointLeast},
		"absurd":               {math.MaxInt64, math.MaxInt64, 1e-9, math.MaxInt64 / 2},
	} {
		got := OptimalInterval(c.cost, c.mtbf, c.overhead)
		if math.Abs(float64(got-c.want)) > 0.01*float64(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Of all intervals none wastes less than the one chosen, by Daly's own model of a job with exponential failures:
// the time to solution of useful work T is M·(e^((τ+C)/M) − 1)·T/τ.
func TestIntervalIsBest(t *testing.T) {
	for _, c := range []struct{ cost, mtbf float64 }{{1, 1000}, {10, 1000}, {60, 600}, {5, 90000}} {
		waste := func(tau float64) float64 { return c.mtbf * math.Expm1((tau+c.cost)/c.mtbf) / tau }
		seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
		chosen := OptimalInterval(seconds(c.cost), seconds(c.mtbf), 1).Seconds()
		if chosen == limits.CheckpointMost.Seconds() {
			continue
		}
		for tau := chosen / 20; tau < 20*chosen; tau *= 1.01 {
			if waste(tau) < 0.999*waste(chosen) {
				t.Errorf("cost %v, mtbf %v: %v s wastes more than %v s", c.cost, c.mtbf, chosen, tau)
			}
		}
	}
}

// The clock's pace: fixed, auto and none.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		due := func(timer *time.Timer, want time.Duration) {
			t.Helper()
			began := time.Now()
			select {
			case <-timer.C:
			case <-time.After(limits.CheckpointMost):
			}
			if got := time.Since(began); got != want {
				t.Errorf("due after %v, want %v", got, want)
			}
		}
		cfg := Config{Job: "j", StateDir: "d", Size: 1}
		if err := cfg.validate(); err != nil {
			t.Fatal(err)
		}
		auto := newPace(&cfg)
		timer := auto.first()
		due(timer, limits.CheckpointFirst)
		auto.fired(timer)
		due(timer, limits.CheckpointFirst) // nothing was written: again
		auto.fired(timer)
		auto.observe(time.Second)
		auto.observe(20 * time.Millisecond) // the newer counts
		cost := <-auto.measured
		auto.written(timer, cost)
		due(timer, OptimalInterval(20*time.Millisecond, DefaultMTBF, DefaultOverhead))

		cfg.CheckpointEvery = 7 * time.Second
		fixed := newPace(&cfg)
		timer = fixed.first()
		due(timer, 7*time.Second)
		fixed.fired(timer)
		fixed.written(timer, time.Hour)
		due(timer, 7*time.Second)

		cfg.CheckpointEvery = -1
		none := newPace(&cfg)
		timer = none.first()
		none.written(timer, time.Second)
		due(timer, limits.CheckpointMost)
	})
}
