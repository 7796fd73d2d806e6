package dynamic

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"time"

	"cases/nearby"
)

type T struct {
	clock  nearby.Clocker
	clocks []nearby.Clocker
	shape  Shape
	now    func() int64
	good   func() int64
	queue  queue
	n      int64
}

type Shape interface{ Area() int64 }

type square struct{ side int64 }

func (s square) Area() int64 { return s.side * s.side }

func New() *T {
	return &T{now: nearby.Clock, good: func() int64 { return 1 }}
}

//dsss:mutator
func (t *T) Stored() {
	t.n = t.clock.Time()         // want `calls time\.Now at .* through interface nearby\.Clocker \(cases/nearby/nearby\.go:37\), nearby\.Wall\.Time`
	for _, c := range t.clocks { // want `calls time\.Now at .* through interface nearby\.Clocker .*, nearby\.Wall\.Time`
		t.n += c.Time()
	}
	t.n = t.now() // want `calls time\.Now at .* through field now \(dynamic\.go:18\), nearby\.Clock`
	t.n = t.good()
	t.n = t.shape.Area()
}

func read(c nearby.Clocker) int64 { return c.Time() }

//dsss:mutator
func (t *T) Made() {
	t.n = read(nearby.Logical{N: 1})
	t.n = read(nearby.Wall{})            // want `calls time\.Now at .* through nearby\.Wall\.Time`
	var c nearby.Clocker = nearby.Wall{} // want `calls time\.Now`
	t.n = c.Time()
	t.n = nearby.Later(nearby.Logical{})
	t.n = nearby.Later(nearby.Wall{}) // want `calls time\.Now`
	t.clock = nearby.Logical{}
	list := []nearby.Clocker{nearby.Logical{}, nearby.Wall{}} // want `calls time\.Now`
	_ = list
}

type queue []int64

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i] < q[j] }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(int64)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

type drifting []int64

func (d drifting) Len() int           { return len(d) }
func (d drifting) Less(i, j int) bool { return time.Now().Unix() > d[i] }
func (d drifting) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

type stamped struct{ n int64 }

func (s stamped) String() string { return time.Now().String() }

//dsss:mutator
func (t *T) Library() (string, error) {
	heap.Push(&t.queue, t.n)
	t.n = heap.Pop(&t.queue).(int64)
	sort.Sort(t.queue)
	sort.Sort(drifting(t.queue))                                                         // want `calls time\.Now at .* through drifting\.Less`
	slices.SortFunc(t.queue, func(a, b int64) int { return int(a - time.Now().Unix()) }) // want `calls time\.Now: use`
	_ = fmt.Sprint(square{1})
	b, err := json.Marshal(t.queue)
	return fmt.Sprint(string(b), stamped{1}), err // want `calls time\.Now at .* through stamped\.String`
}

var operations = map[string]func(int64) int64{
	"double": func(n int64) int64 { return 2 * n },
	"now":    func(int64) int64 { return time.Now().Unix() },
}

var pure = map[string]func(int64) int64{"double": func(n int64) int64 { return 2 * n }}

//dsss:mutator
func (t *T) Table(name string) {
	t.n = pure[name](t.n)
	t.n = operations[name](t.n) // want `calls time\.Now at dynamic\.go:\d+ through operations \(dynamic\.go:\d+\)`
}

type Stack[E any] struct{ items []E }

func (s *Stack[E]) Push(e E) { s.items = append(s.items, e) }
func (s *Stack[E]) Stamp()   { _ = time.Now() }

type G[E any] struct{ stack Stack[E] }

//dsss:mutator
func (g *G[E]) Put(e E) {
	g.stack.Push(e)
	g.stack.Stamp() // want `mutator \(\*G\)\.Put is not deterministic: calls time\.Now at .* through \(\*Stack\)\.Stamp`
}
