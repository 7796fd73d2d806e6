// Command pi estimates π by throwing darts at a square, on all workers of a job at once.
package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"

	"dsss"
)

//go:generate go tool dsss-gen

// Tally is the shared object: every process holds a copy, all copies change alike.
type Tally struct {
	darts, hits int64
}

// Add counts what one worker threw and returns how many darts there are now.
//
//dsss:mutator
func (t *Tally) Add(darts, hits int64) int64 {
	t.darts += darts
	t.hits += hits
	return t.darts
}

// Estimate returns π as the darts so far tell it.
func (t *Tally) Estimate() float64 { return 4 * float64(t.hits) / float64(t.darts) }

const goal, throw = 200_000_000, 1_000_000

func main() {
	ctx := context.Background()
	job, err := dsss.Join(ctx, dsss.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer job.Close()
	tally, err := OpenTally(ctx, job, "tally")
	if err != nil {
		log.Fatal(err)
	}
	random := rand.New(rand.NewPCG(uint64(job.Rank()), job.Run()))
	for darts := int64(0); darts < goal; {
		hits := int64(0)
		for range throw {
			if x, y := random.Float64(), random.Float64(); x*x+y*y < 1 {
				hits++
			}
		}
		if darts, err = tally.Add(ctx, throw, hits); err != nil {
			log.Fatal(err)
		}
		job.Progress(fmt.Sprintf("%d million darts, pi is about %.5f", darts/throw, tally.Estimate()))
	}
	if job.Rank() == 0 {
		fmt.Printf("pi is about %.5f\n", tally.Estimate())
	}
}
