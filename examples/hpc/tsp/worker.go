package main

import (
	"context"
	"fmt"
	"time"

	"dsss/examples/hpc/tsp/search"
)

const (
	// timeSlice is how long a worker searches before it returns what is left: long beside the fraction of a millisecond that a
	// mutation takes, short beside the patience of a worker that waits for something to do.
	timeSlice = 50 * time.Millisecond
	// takeMost is how many subproblems a worker takes at once: deep ones are done in microseconds.
	takeMost = 32
)

// shared is what a worker needs of the shared search. The generated proxy of Search has these methods; getters read
// this process's memory.
type shared interface {
	Begin(ctx context.Context, instance uint64, tour []int32, length, bound int64) error
	Take(ctx context.Context, run uint64, rank, most int32) ([]Subproblem, error)
	Finish(ctx context.Context, run uint64, rank int32, ids []uint64, nodes int64, open []Subproblem, tour []int32, length int64) error
	Best() int64
	Room() bool
	Done() bool
	View(func(*Search))
	Await(ctx context.Context, until func(*Search) bool) error
}

// A worker is one rank's part in a run.
type worker struct {
	search shared
	engine *search.Engine
	run    uint64
	rank   int32
	slice  time.Duration
}

// work searches until the incumbent is proved optimal.
func (w *worker) work(ctx context.Context) error {
	for {
		subs, err := w.search.Take(ctx, w.run, w.rank, takeMost)
		if err != nil {
			return fmt.Errorf("taking subproblems: %w", err)
		}
		if len(subs) > 0 {
			err = w.explore(ctx, subs)
		} else if w.search.Done() {
			return nil
		} else {
			err = w.search.Await(ctx, func(s *Search) bool { return s.Waiting() || s.Done() })
		}
		if err != nil {
			return err
		}
	}
}

// explore searches what Take handed out, for one slice, and finishes it. A shorter tour ends the slice: the others
// should know it at once.
func (w *worker) explore(ctx context.Context, subs []Subproblem) error {
	var (
		ids   []uint64
		open  []Subproblem
		nodes int64
		found search.Result
		end   = time.Now().Add(w.slice)
	)
	over := func() bool { return found.Tour != nil || time.Now().After(end) && w.search.Room() }
	for i, sub := range subs {
		ids = append(ids, sub.ID)
		if i > 0 && over() {
			open = append(open, sub)
			continue
		}
		r, err := w.engine.Explore(search.Subproblem(sub), w.search.Best, search.Limit{Stop: over})
		if err != nil {
			return err
		}
		nodes += r.Nodes
		for _, left := range r.Open {
			open = append(open, Subproblem(left))
		}
		if r.Tour != nil {
			found = r
		}
	}
	if err := w.search.Finish(ctx, w.run, w.rank, ids, nodes, open, found.Tour, found.Length); err != nil {
		return fmt.Errorf("returning %d subproblems: %w", len(open), err)
	}
	return nil
}
