package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	Return(ctx context.Context, sessions []uint64) error
	Tell(ctx context.Context, run uint64) error
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

// workTogether is work, while what lost workers held is looked after.
func (w *worker) workTogether(ctx context.Context, ranks func() ([]int, <-chan struct{})) error {
	ctx, cancel := context.WithCancel(ctx)
	looked := make(chan error, 1)
	go func() {
		err := lookAfter(ctx, w.search, ranks)
		if err != nil && ctx.Err() == nil {
			cancel() // without it the search would not end
		}
		looked <- err
	}()
	err := w.work(ctx)
	cancel()
	if lost := <-looked; lost != nil && !errors.Is(lost, context.Canceled) {
		return lost
	}
	return err
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

// lookAfter returns to the pool what ranks held that the job does not have any more, until ctx ends. ranks is as Job.Ranks.
func lookAfter(ctx context.Context, s shared, ranks func() ([]int, <-chan struct{})) error {
	for {
		present, changed := ranks()
		var gone []uint64
		s.View(func(s *Search) {
			for _, h := range s.Held {
				if len(present) > 0 && !slices.Contains(present, int(h.Rank)) {
					gone = append(gone, h.Session)
				}
			}
		})
		if len(gone) > 0 {
			if err := s.Return(ctx, gone); err != nil {
				return fmt.Errorf("returning what lost workers held: %w", err)
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
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
