package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// cells is how many the table holds that both sides read, a power of two. It fits the first-level caches: what is
	// compared is the way to the map, not the map.
	cells = 1024
	// busyEvery is the pause between two mutations of the writer.
	busyEvery = time.Millisecond
)

// bareMap is what one would write without sharing.
type bareMap struct {
	mu    sync.RWMutex
	cells map[uint64]uint64
}

func (b *bareMap) at(key uint64) uint64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.cells[key]
}

func (b *bareMap) put(key, value uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cells[key] = value
}

// getter is the worker that times reads, turn by turn from its replica and from a bare map.
func getter(t task) (result, error) {
	return worker(t, func(ctx context.Context, tally *SharedTally) (r result, err error) {
		bare := &bareMap{cells: map[uint64]uint64{}}
		for key := range uint64(cells) {
			bare.put(key, key+1)
			if err := tally.Put(ctx, key, key+1); err != nil {
				return r, err
			}
		}
		least := t.Duration / 10
		for range t.Repeat {
			r.Bare = append(r.Bare, perRead(least, bare.read))
			r.Getter = append(r.Getter, perRead(least, tally.read))
			ns, err := besideWriter(func(n uint64) error { bare.put(n%cells, n); return nil },
				func() float64 { return perRead(least, bare.read) })
			if err != nil {
				return r, err
			}
			r.BareBusy = append(r.BareBusy, ns)
			if ns, err = besideWriter(func(n uint64) error { return tally.Put(ctx, n%cells, n) },
				func() float64 { return perRead(least, tally.read) }); err != nil {
				return r, err
			}
			r.GetterBusy = append(r.GetterBusy, ns)
		}
		return r, nil
	})
}

// read reads n cells. Both sides have their own loop, so that neither pays for an indirect call.
func (b *bareMap) read(n int) (sum uint64) {
	for i := range uint64(n) {
		sum += b.at(i % cells)
	}
	return sum
}

func (s *SharedTally) read(n int) (sum uint64) {
	for i := range uint64(n) {
		sum += s.At(i % cells)
	}
	return sum
}

// sink keeps the reads from being optimised away.
var sink atomic.Uint64

// perRead returns the ns of one read, from a run of at least the given time.
func perRead(least time.Duration, read func(n int) uint64) float64 {
	for n := 1 << 16; ; n *= 2 {
		begin := time.Now()
		sink.Add(read(n))
		if took := time.Since(begin); took >= least {
			return float64(took.Nanoseconds()) / float64(n)
		}
	}
}

// besideWriter returns what measure does while write is called every busyEvery, on a goroutine of its own.
func besideWriter(write func(n uint64) error, measure func() float64) (float64, error) {
	done, wrote := make(chan struct{}), make(chan error)
	go func() {
		tick := time.NewTicker(busyEvery)
		defer tick.Stop()
		for n := uint64(1); ; n++ {
			select {
			case <-tick.C:
				if err := write(n); err != nil {
					wrote <- err
					return
				}
			case <-done:
				wrote <- nil
				return
			}
		}
	}()
	ns := measure()
	close(done)
	return ns, <-wrote
}
