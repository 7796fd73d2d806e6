package types

import (
	"math/big"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
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
	mu        sync.Mutex
	count     atomic.Int64
	done      chan int
	call      func()
	any       any
	err       error
	ptr       *chan int
	array     [3]func()
	link2     next
	addr      uintptr
	raw       unsafe.Pointer
	big       big.Int
	anon      struct{ x int }
	byFloat   map[float64]int
	byTime    map[time.Time]int
	byInner   map[inner]int
	byAddr    map[*int]int
	byBytes   map[netip.Addr]int
	byMoment  map[moment]int
	byMoments map[[2]moments]int
	byAnon    map[struct{ x int }]int
	byPtr     map[string]*sync.Mutex
	tree      node
	in        inner
	again     []inner
	link      url.Userinfo
	loc       url.URL
	gen       generic[chan int]
	deep      map[string][][]chan int
	vast      [1 << 30]float64
	grid      [2048][1025]float64
	wide      wide
	most      [2048][1024]float64
}

type moment struct {
	Level int
	at    struct1
}

type struct1 struct{ When time.Time }

type moments [1]moment

type wide struct {
	a [1 << 20]float64
	b [1<<20 + 1]float64
}

//dsss:mutator
func (t *T) M() {}
