package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"dsss"
)

// pause is a worker that times one call after the other beside a large state: turn by turn while nothing else happens
// and while one checkpoint after the other is written.
func pause(t task) (result, error) {
	return jobWorker(t, func(ctx context.Context, job *dsss.Job, tally *SharedTally) (r result, err error) {
		for range t.MiB { // a MiB at a time, as a program fills its state
			if err := tally.Load(ctx, 1<<17); err != nil {
				return r, err
			}
		}
		var number uint64
		call := func() error {
			number++
			return tally.Record(ctx, uint64(t.Rank+1), number, filler)
		}
		if _, err := job.Checkpoint(ctx); err != nil { // the first one finds everything cold
			return r, err
		}
		var quiet, saving []float64
		for range t.Repeat {
			if quiet, err = timed(quiet, call, t.Duration, nil); err != nil {
				return r, err
			}
			saved := make(chan error, 1)
			go func() {
				_, err := job.Checkpoint(ctx)
				saved <- err
			}()
			if saving, err = timed(saving, call, 0, saved); err != nil {
				return r, err
			}
		}
		slices.Sort(quiet)
		slices.Sort(saving)
		r.QuietP99, r.SavingP99 = quantile(0.99, quiet), quantile(0.99, saving)
		r.QuietMax, r.SavingMax = quiet[len(quiet)-1], saving[len(saving)-1]
		r.Saves = float64(t.Repeat)
		return r, nil
	})
}

// timed appends how many µs each call took, for the given time and until there is word on until, unless that is nil.
func timed(times []float64, call func() error, least time.Duration, until <-chan error) ([]float64, error) {
	begin := time.Now()
	for last := begin; ; {
		if err := call(); err != nil {
			return times, err
		}
		now := time.Now()
		times = append(times, float64(now.Sub(last).Nanoseconds())/1e3)
		last = now
		if until == nil {
			if now.Sub(begin) >= least {
				return times, nil
			}
			continue
		}
		select {
		case err := <-until:
			return times, err
		default:
		}
		if now.Sub(begin) > patience {
			return times, errors.New("the checkpoint does not end")
		}
	}
}
