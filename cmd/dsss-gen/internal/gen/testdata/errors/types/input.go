package types

import (
	"net/url"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

type node struct {
	kids []node
}

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
	ptr      *int
	array    [3]int
	c        complex128
	addr     uintptr
	raw      unsafe.Pointer
	when     time.Time
	anon     struct{ x int }
	byFloat  map[float64]int
	byBool   map[bool]int
	byStruct map[inner]int
	byPtr    map[string]*int
	tree     node
	in       inner
	again    []inner
	link     url.Userinfo
	loc      url.URL
	gen      generic[int]
	deep     map[string][][]chan int
}

//dsss:mutator
func (t *T) M() {}
