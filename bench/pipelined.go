package main

import (
	"context"
	"time"

	"dsss"
)

const (
	// clients is how many processes update at once.
	clients = 4
	// window is how many updates each of them may have outstanding.
	window = 1000
	// clockEvery is how many calls go by between two looks at the clock, a power of two.
	clockEvery = 64
)

// pipelined is a worker that keeps a window of calls on the way: a ring of futures, of which it awaits the oldest
// before it makes the next call.
func pipelined(t task) (result, error) {
	return worker(t, func(ctx context.Context, tally *SharedTally) (result, error) {
		ring := make([]*dsss.Future[struct{}], window)
		var number uint64
		sampleNow := func() (s sample) {
			tally.View(func(c *Tally) { s = newSample(number, c.calls) })
			return s
		}
		var from, to sample
		clock := newSchedule(t.Duration)
		for slot := 0; clock.next != over; slot = (slot + 1) % window {
			if f := ring[slot]; f != nil {
				if _, err := f.Wait(ctx); err != nil {
					return result{}, err
				}
			}
			number++
			ring[slot] = tally.RecordAsync(ctx, uint64(t.Rank+1), number, filler)
			if number%clockEvery == 0 {
				switch clock.pass(time.Now()) {
				case measureFrom:
					from = sampleNow()
				case measureTo:
					to = sampleNow()
				}
			}
		}
		for _, f := range ring {
			if f == nil {
				continue
			}
			if _, err := f.Wait(ctx); err != nil {
				return result{}, err
			}
		}
		return rates(from, to)
	})
}
