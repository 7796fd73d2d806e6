package coordinator

import (
	"math"
	"time"

	"dsss/internal/limits"
)

// DefaultMTBF is what Config.MTBF means when zero: the mean time between failures of a job as a whole. Large machines
// interrupt a job about once a day (Schroeder and Gibson, "A large-scale study of failures in high-performance
// computing systems", 2006), and a day is what most batch queues allow a job to run. It is not divided by the number of
// processes: they share one machine's fate, and the death of one worker costs no work.
const DefaultMTBF = 24 * time.Hour

// DefaultOverhead is what Config.Overhead means when zero: the share of time that checkpoints may take.
const DefaultOverhead = 0.01

// OptimalInterval returns the time between the end of one checkpoint and the beginning of the next that loses the least to
// checkpoints and failures together, when a checkpoint takes cost and failures come mtbf apart on average. It is
// Daly's higher-order estimate of the optimum ("A higher order estimate of the optimum checkpoint interval for restart
// dumps", 2006), which refines Young's sqrt(2 cost mtbf) (1974); where a checkpoint takes longer than 2 mtbf it is mtbf.
//
// It is never so short that checkpoints take more than the share overhead of the time between them, nor shorter than
// limits.CheckpointLeast, and never longer than limits.CheckpointMost unless overhead asks for it. mtbf and overhead are
// positive, cost is not negative.
func OptimalInterval(cost, mtbf time.Duration, overhead float64) time.Duration {
	c, m := cost.Seconds(), mtbf.Seconds()
	best := m
	if x := c / (2 * m); x < 1 {
		best = math.Sqrt(2*c*m)*(1+math.Sqrt(x)/3+x/9) - c
	}
	best = min(max(best, limits.CheckpointLeast.Seconds()), limits.CheckpointMost.Seconds())
	best = max(best, c/overhead)
	return time.Duration(min(best*float64(time.Second), math.MaxInt64/2))
}

// A pace says when the next checkpoint is due. The clock's goroutine owns it, but for measured.
type pace struct {
	every    time.Duration // fixed; 0: auto
	mtbf     time.Duration
	overhead float64
	measured chan time.Duration // what the newest checkpoint took, until the clock has heard of it
}

func newPace(cfg *Config) pace {
	return pace{every: cfg.CheckpointEvery, mtbf: cfg.MTBF, overhead: cfg.Overhead, measured: make(chan time.Duration, 1)}
}

// first returns a timer for the first checkpoint; one that never fires when none is wanted. In auto mode it comes
// early, because only a checkpoint tells what one costs.
func (p pace) first() *time.Timer {
	switch {
	case p.every < 0:
		t := time.NewTimer(time.Hour)
		t.Stop()
		return t
	case p.every > 0:
		return time.NewTimer(p.every)
	}
	return time.NewTimer(limits.CheckpointFirst)
}

// fired is called when the timer has fired. In auto mode the checkpoint that begins now sets it again once it is
// written; until then, and when nothing had changed or it fails, it is tried again after a while.
func (p pace) fired(t *time.Timer) {
	if p.every > 0 {
		t.Reset(p.every)
	} else {
		t.Reset(limits.CheckpointFirst)
	}
}

// written is called when a checkpoint has been written, whoever asked for it.
func (p pace) written(t *time.Timer, cost time.Duration) {
	if p.every == 0 {
		t.Reset(OptimalInterval(cost, p.mtbf, p.overhead))
	}
}

// observe tells the clock what a checkpoint took. It does not wait; a newer one replaces what was not heard yet. One
// goroutine at a time calls it.
func (p pace) observe(cost time.Duration) {
	select {
	case <-p.measured:
	default:
	}
	p.measured <- cost
}
