// Package reader writes to state where it may only be read.
package reader

import (
	"cases/nearby"
	"context"
	"maps"
	"slices"

	"dsss"
)

type Item struct {
	Done bool
	Tags []string
}

type Pool struct {
	Items map[string]*Item
	Order []string
	Hits  int
	list  []Item
}

// SharedPool is what the generator writes.
type SharedPool struct{ object *dsss.Object[Pool] }

func (s *SharedPool) View(f func(*Pool)) { s.object.View(f) }
func (s *SharedPool) Await(ctx context.Context, ready func(*Pool) bool) error {
	return s.object.Await(ctx, ready)
}

//dsss:mutator
func (p *Pool) Add(k string) { p.Items[k] = &Item{} }

func (p *Pool) count() { p.Hits++ }

func (p *Pool) find(k string) *Item { return p.Items[k] }

func (p *Pool) tidy() *Pool {
	p.count()
	return p
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

func done(i *Item) { i.Done = true }

func setHits(p *Pool) { p.Hits = 0 }

// Getters.

func (p *Pool) Len() int {
	p.count() // want `lets p\.count write to p`
	return len(p.Items)
}

func (p *Pool) Twice() int { return p.tidy().Hits } // want `lets p\.tidy write to p`

func (p *Pool) Sorted() []string { return sorted(p.Order) } // want `lets sorted write to p\.Order`

func (p *Pool) Mark(k string) bool {
	done(p.Items[k]) // want `lets done write to p\.Items\[k\]`
	return true
}

func (p *Pool) MarkFound(k string) bool {
	i := p.find(k)
	i.Done = true // want `writes i\.Done`
	return i.Done
}

func (p *Pool) MarkFoundAtOnce(k string) bool {
	p.find(k).Tags = nil // want `writes p\.find\(k\)\.Tags`
	return true
}

func (p *Pool) Range() (n int) {
	for _, i := range p.Items {
		i.Done = true // want `writes i\.Done`
		n++
	}
	return n
}

func (p *Pool) Far() int { return nearby.Bump(&p.Hits) } // want `lets nearby\.Bump write to \&p\.Hits`

func (p *Pool) ByLiteral() int {
	bump := func() { p.Hits++ } // want `writes p\.Hits`
	bump()
	return p.Hits
}

func (p *Pool) Filtered() []string {
	return slices.DeleteFunc(p.Order, func(s string) bool { return s == "" }) // want `lets slices\.DeleteFunc write to p\.Order`
}

// Silenced has its reason.
func (p *Pool) Silenced() int {
	p.Hits++ //dsss:allow a count of this process alone
	return p.Hits
}

// Getters that only read.

func (p *Pool) Copy() []string { return sorted(slices.Clone(p.Order)) }

func (p *Pool) Local() int {
	q := *p
	q.Hits++
	list := append([]string(nil), p.Order...)
	list[0] = "x"
	m := maps.Clone(p.Items)
	delete(m, "a")
	for _, i := range p.list {
		i.Done = true
	}
	return q.Hits
}

func (p *Pool) Found(k string) bool { return p.find(k).Done }

// Sort is no part of the proxy.
//
//dsss:local
func (p *Pool) Sort() { slices.Sort(p.Order) }

// Other has no mutator, and so no getters.
type Other struct{ n int }

func (o *Other) Bump() int {
	o.n++
	return o.n
}

func use(ctx context.Context, s *SharedPool, o *dsss.Object[Pool]) {
	s.View(func(p *Pool) {
		p.Hits++                // want `the function given to View writes p\.Hits`
		p.Add("x")              // want `the function given to View lets p\.Add write to p`
		p.count()               // want `the function given to View lets p\.count write to p`
		slices.Sort(p.Order)    // want `the function given to View lets slices\.Sort write to p\.Order`
		p.find("k").Done = true // want `the function given to View writes p\.find\("k"\)\.Done`
		delete(p.Items, "k")    // want `the function given to View lets delete write to p\.Items`
	})
	var hits int
	var items []string
	s.View(func(p *Pool) {
		hits = p.Hits
		items = append(items, p.Order...)
		items[0] = "a"
	})
	_ = hits
	_ = s.Await(ctx, func(p *Pool) bool {
		p.Hits-- // want `the function given to Await writes p\.Hits`
		return p.Hits == 0
	})
	o.View(func(p *Pool) { p.Order[0] = "" })                   // want `the function given to View writes p\.Order\[0\]`
	_ = o.Await(ctx, func(p *Pool) bool { return p.Len() > 3 }) // want `the function given to Await lets p\.Len write to p`
	_ = dsss.Read(o, func(p *Pool) int {
		p.Order = nil // want `the function given to Read writes p\.Order`
		return 0
	})
	s.View(setHits)                       // want `the function given to View is setHits, which writes to the state`
	s.View((*Pool).count)                 // want `the function given to View is \(\*Pool\)\.count, which writes to the state`
	reset := func(p *Pool) { p.Hits = 0 } // want `the function given to View writes p\.Hits`
	s.View(reset)
	s.View(func(p *Pool) { _ = p.Copy() })
	s.View(func(*Pool) {})
}
