// Package tasks has a shared object that is not deterministic.
package tasks

import "example.com/user/tasks/stamp"

// Pool is shared by all processes.
type Pool struct {
	Open  map[string]float64
	Taken map[string]int64
	Load  float64
}

// Take hands out a task.
//
//dsss:mutator
func (p *Pool) Take() string {
	name := p.first()
	p.Taken[name] = stamp.Now()
	delete(p.Open, name)
	for _, load := range p.Open {
		p.Load += load
	}
	return name
}

// Put adds a task.
//
//dsss:mutator
func (p *Pool) Put(name string, load float64) {
	p.Taken[name] = stamp.Now() //dsss:allow is set again by Take
	p.Open[name] = load
	p.Load = 0 //dsss:allow
}

func (p *Pool) first() string {
	for name := range p.Open {
		return name
	}
	return ""
}
