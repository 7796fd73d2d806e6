// Package hosted has classes whose objects may live in one process: results and questions of every kind.
package hosted

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/mat"

	"dsss"
)

//go:generate go run dsss/cmd/dsss-gen

// Part is in the state, in arguments and in results.
type Part struct {
	Name   string
	Weight float64
	Tags   []string
}

// Label is in results alone.
type Label struct {
	Text string
	At   time.Time
	Next *Label
}

// Shelf is the key of a map that only a result has.
type Shelf struct{ Row, Column int }

// Search is in a question alone.
type Search struct {
	Prefix string
	AtMost map[string]float64 // by tag
}

var errNoPart = errors.New("no such part")

// Depot holds parts.
//
//dsss:hosted
//dsss:class name=depots.Depot
type Depot struct {
	parts map[string]Part
	ticks int64
	from  netip.Addr
}

// Put adds a part, or replaces it.
//
//dsss:mutator
func (d *Depot) Put(name string, weight float64, tags ...string) {
	if d.parts == nil {
		d.parts = map[string]Part{}
	}
	d.parts[name] = Part{name, weight, tags}
}

// Take removes a part.
//
//dsss:mutator
func (d *Depot) Take(name string) (Part, error) {
	p, ok := d.parts[name]
	if !ok {
		return Part{}, fmt.Errorf("%w: %s", errNoPart, name)
	}
	delete(d.parts, name)
	return p, nil
}

// old is a mutator of old logs, of which nobody asks for a result.
//
//dsss:mutator replays=Grab
func (d *Depot) old(name string) (Part, error) { return d.Take(name) }

// rename is exported by the proxies.
//
//dsss:mutator
func (d *Depot) rename(o dsss.Order, from, to string) error {
	p, err := d.Take(from)
	if err == nil {
		d.Put(to, p.Weight, fmt.Sprint("renamed at ", o.Seq))
	}
	return err
}

// Drain removes all parts and returns their names.
//
//dsss:mutator
func (d *Depot) Drain() []string {
	names := slices.Sorted(maps.Keys(d.parts))
	clear(d.parts)
	return names
}

// Swap replaces all parts and returns those that were there.
//
//dsss:mutator
func (d *Depot) Swap(with map[string]Part) map[string]Part {
	old := d.parts
	d.parts = with
	return old
}

// Stamp returns two labels.
//
//dsss:mutator
func (d *Depot) Stamp(o dsss.Order, text string) *Label {
	if text == "" {
		return nil
	}
	return &Label{text, time.Unix(0, o.Nanos).UTC(), &Label{Text: "next"}}
}

// Chain returns a label that leads to itself, which cannot be written, and counts it.
//
//dsss:mutator
func (d *Depot) Chain() *Label {
	d.ticks++
	l := &Label{Text: "loop"}
	l.Next = l
	return l
}

// Tick counts.
//
//dsss:mutator combine=sum(n)
func (d *Depot) Tick(n int64) { d.ticks += n }

// Move says where the parts come from.
//
//dsss:mutator
func (d *Depot) Move(from netip.Addr) { d.from = from }

func (d *Depot) Len() int { return len(d.parts) }

// Get returns a part.
func (d *Depot) Get(name string) (Part, error) {
	p, ok := d.parts[name]
	if !ok {
		return Part{}, errNoPart
	}
	return p, nil
}

// Stats returns three things.
func (d *Depot) Stats() (n int, total float64, heaviest string) {
	for name, p := range d.parts {
		n, total = n+1, total+p.Weight
		if most, ok := d.parts[heaviest]; !ok || p.Weight > most.Weight {
			heaviest = name
		}
	}
	return n, total, heaviest
}

// Find returns the parts that a search asks for, whether there are others, and an error without parts.
func (d *Depot) Find(s Search) ([]Part, bool, error) {
	if len(d.parts) == 0 {
		return nil, false, errNoPart
	}
	var found []Part
	for _, name := range slices.Sorted(maps.Keys(d.parts)) {
		p := d.parts[name]
		light := !slices.ContainsFunc(p.Tags, func(tag string) bool { most, ok := s.AtMost[tag]; return ok && p.Weight > most })
		if light && strings.HasPrefix(name, s.Prefix) {
			found = append(found, p)
		}
	}
	return found, len(found) < len(d.parts), nil
}

// Check returns an error alone.
func (d *Depot) Check() error {
	if d.ticks < 0 {
		return errors.New("negative")
	}
	return nil
}

// Any tells whether one of the parts is there.
func (d *Depot) Any(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { _, ok := d.parts[name]; return ok })
}

// Has has parameters without names, and one that is called like the first of those would be.
func (d *Depot) Has(p1 string, _ int) bool { return d.Any(p1) }

// Shelves returns what only a result has.
func (d *Depot) Shelves() map[Shelf]Label {
	return map[Shelf]Label{{1, 2}: {Text: "low"}, {2, 1}: {Text: "high", At: time.Unix(5, 0).UTC()}}
}

// Whole returns the state itself.
func (d *Depot) Whole() Depot { return *d }

func (d *Depot) From() netip.Addr           { return d.from }
func (d *Depot) Both() [2]Shelf             { return [2]Shelf{{1, 2}, {3, 4}} }
func (d *Depot) Phase() complex128          { return complex(float64(d.ticks), -1) }
func (d *Depot) Weights() *mat.VecDense     { return mat.NewVecDense(2, []float64{1, float64(d.ticks)}) }
func (d *Depot) Names() map[string]struct{} { return map[string]struct{}{"bolt": {}} }
func (d *Depot) Started() time.Time         { return time.Unix(d.ticks, 7).UTC() }
func (d *Depot) Ticks() *int64              { return &d.ticks }
func (d *Depot) Title() string              { return "depot" }

// Loop returns what cannot be written.
func (d *Depot) Loop() *Label { return d.loop() }

func (d *Depot) loop() *Label {
	l := &Label{}
	l.Next = l
	return l
}

// Each is of no proxy.
//
//dsss:local
func (d *Depot) Each(f func(Part)) {
	for _, p := range d.parts {
		f(p)
	}
}

// ring is a class of instances.
type ring[T any] struct{ items []T }

// Push adds an item and returns all.
//
//dsss:mutator
func (r *ring[T]) Push(item T) []T {
	r.items = append(r.items, item)
	return r.items
}

// Last returns the newest items.
func (r *ring[T]) Last(n int) ([]T, error) {
	if n > len(r.items) {
		return nil, fmt.Errorf("there are %d", len(r.items))
	}
	return r.items[len(r.items)-n:], nil
}

//dsss:hosted
type partRing = ring[Part]

// intRing is not hosted.
type intRing = ring[int]

var (
	_ = openPartRingHosted
	_ = openIntRing
)
