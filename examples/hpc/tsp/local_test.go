package main

import (
	"context"
	"sync"

	"dsss"
)

// local is a shared search inside this process, without a job: the same object behind a lock.
type local struct {
	mu      sync.RWMutex
	search  Search
	changed chan struct{} // closed and replaced at every mutation
	count   uint64        // mutations
}

func newLocal() *local { return &local{changed: make(chan struct{})} }

// mutate runs one mutator alone and wakes those who await.
func (l *local) mutate(mutator func(*Search) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	close(l.changed)
	l.changed = make(chan struct{})
	return mutator(&l.search)
}

func (l *local) Begin(_ context.Context, instance uint64, tour []int32, length, bound int64) error {
	return l.mutate(func(s *Search) error { return s.Begin(instance, tour, length, bound) })
}

func (l *local) Take(ctx context.Context, run uint64, rank, most int32) (subs []Subproblem, err error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	err = l.mutate(func(s *Search) (err error) {
		subs, err = s.Take(dsss.Order{Session: run<<32 | uint64(rank)}, run, rank, most)
		return
	})
	return subs, err
}

func (l *local) Finish(_ context.Context, run uint64, rank int32, ids []uint64, nodes int64, open []Subproblem, tour []int32, length int64) error {
	return l.mutate(func(s *Search) error { return s.Finish(run, rank, ids, nodes, open, tour, length) })
}

func (l *local) Return(_ context.Context, sessions []uint64) error {
	return l.mutate(func(s *Search) error { s.Return(sessions); return nil })
}

func (l *local) Tell(_ context.Context, run uint64) error {
	return l.mutate(func(s *Search) error { s.Tell(run); return nil })
}

func (l *local) Best() (length int64) { l.View(func(s *Search) { length = s.Best() }); return }
func (l *local) Room() (room bool)    { l.View(func(s *Search) { room = s.Room() }); return }
func (l *local) Done() (done bool)    { l.View(func(s *Search) { done = s.Done() }); return }

func (l *local) View(look func(*Search)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	look(&l.search)
}

func (l *local) Await(ctx context.Context, until func(*Search) bool) error {
	for {
		l.mu.RLock()
		met, changed := until(&l.search), l.changed
		l.mu.RUnlock()
		if met {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
