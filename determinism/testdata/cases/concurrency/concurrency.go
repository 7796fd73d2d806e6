package concurrency

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"unique"
)

type T struct {
	n  atomic.Int64
	mu sync.Mutex
}

//dsss:mutator
func (t *T) Go() {
	go t.n.Add(1) // want `starts a goroutine`
	var wg sync.WaitGroup
	wg.Go(func() {})                  // want `calls \(\*sync\.WaitGroup\)\.Go`
	wg.Wait()                         // want `calls \(\*sync\.WaitGroup\)\.Wait`
	context.AfterFunc(nil, func() {}) // want `calls context\.AfterFunc`
	runtime.Gosched()                 // want `calls runtime\.Gosched`
}

//dsss:mutator
func (t *T) Channels(c chan int) {
	c <- 1   // want `sends to a channel`
	<-c      // want `receives from a channel`
	close(c) // want `closes a channel`
	select { // want `selects among channels`
	case c <- 1:
	case v, ok := <-c:
		_, _ = v, ok
	}
	for range c { // want `ranges over a channel`
	}
}

func each[C ~chan E, E any](c C) {
	for range c {
	}
}

//dsss:mutator
func (t *T) Generic(c chan int) {
	each(c) // want `ranges over a channel at concurrency\.go:41 through each \(concurrency\.go:40\)`
}

//dsss:mutator
func (t *T) Locks() {
	t.mu.Lock() // want `calls \(\*sync\.Mutex\)\.Lock: a mutator runs alone`
	defer t.mu.Unlock()
}

//dsss:mutator
func (t *T) Collected() {
	runtime.SetFinalizer(t, nil) // want `calls runtime\.SetFinalizer: release it where it is replaced`
}

// Atomics wait for nobody, and a mutator is alone.
//
//dsss:mutator
func (t *T) Atomics() int64 {
	var once sync.Once
	once.Do(func() { t.n.Add(1) })
	_ = unique.Make("a").Value()
	return t.n.Load()
}
