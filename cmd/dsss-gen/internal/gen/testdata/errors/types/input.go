package types

import (
	"math/big"
	"net/url"
	"sync"
	"sync/atomic"
	"unsafe"
)

type node struct {
	kids []node
}

type next *node

type inner struct {
	bad chan int
}

type generic[T any] struct{ v T }

type T struct {
	mu       sync.Mutex
	count    atomic.Int64
	done     chan int
	call     func()
	any      any
	err      error
	ptr      *chan int
	array    [3]func()
	link2    next
	addr     uintptr
	raw      unsafe.Pointer
	big      big.Int
	anon     struct{ x int }
	byFloat  map[float64]int
	byBool   map[bool]int
	byStruct map[inner]int
	byPtr    map[string]*sync.Mutex
	tree     node
	in       inner
	again    []inner
	link     url.Userinfo
	loc      url.URL
	gen      generic[chan int]
	deep     map[string][][]chan int
	vast     [1 << 30]float64
	grid     [2048][1025]float64
	wide     wide
	most     [2048][1024]float64
}

type wide struct {
	a [1 << 20]float64
	b [1<<20 + 1]float64
}

//dsss:mutator
func (t *T) M() {}
