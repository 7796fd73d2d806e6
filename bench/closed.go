package main

import "context"

// closed is the worker of the closed loop: each call waits for the one before.
func closed(t task) (result, error) {
	return worker(t, func(ctx context.Context, tally *SharedTally) (result, error) {
		return closedLoop(t.Duration, func(number uint64) error {
			return tally.Record(ctx, uint64(t.Rank+1), number, filler)
		})
	})
}

// filler is the last word of a Record. A word that is zero would not be sent at all.
const filler = 0x0123456789abcdef
