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
}

//dsss:mutator
func (t *T) M() {}
