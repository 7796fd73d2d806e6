// Command pi estimates π by throwing darts at a square, on all workers of a job at once.
package main

import (
	"context"
	"fmt"

	"dsss"
)

//go:generate go tool dsss-gen

// Tally is the shared object: every process holds a copy, all copies change alike.
type Tally struct {
	darts, hits int64
}

// Add counts what one worker threw.
//
//dsss:mutator
func (t *Tally) Add(darts, hits int64) {
	t.darts += darts
	t.hits += hits
}

// Darts returns how many were thrown so far.
func (t *Tally) Darts() int64 { return t.darts }

// Estimate returns π as the darts so far tell it.
func (t *Tally) Estimate() float64 { return 4 * float64(t.hits) / float64(t.darts) }

const goal, throw = 5_000_000_000, 1_000_000

func main() { dsss.Main(work) }

// work is what each worker does.
func work(ctx context.Context, job *dsss.Job) error {
	tally, err := OpenTally(ctx, job, "tally")
	if err != nil {
		return err
	}
	random := job.Rand()
	for tally.Darts() < goal {
		hits := int64(0)
		for range throw {
			if x, y := random.Float64(), random.Float64(); x*x+y*y < 1 {
				hits++
			}
		}
		if err := tally.Add(ctx, throw, hits); err != nil {
			return err
		}
		job.Progress(fmt.Sprintf("%d million darts, pi is about %.5f", tally.Darts()/throw, tally.Estimate()))
	}
	if job.Rank() == 0 {
		fmt.Printf("pi is about %.5f\n", tally.Estimate())
	}
	return nil
}
