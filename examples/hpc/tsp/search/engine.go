// Package search finds the shortest round trip by branch and bound over the edges of package bound's 1-trees.
//
// A subproblem is a set of edges that are in the tour and a set that are not. Its 1-tree either proves that it holds nothing
// better than the incumbent, or is a tour, or has a city of degree 3 or more: then one of that city's edges is branched on,
// taken first and left out afterwards. The order is depth first, and what is open at any moment is at most one
// subproblem for each decision on the way down, so an exploration can end at any node and hand its open subproblems to
// somebody else.
package search

import (
	"fmt"

	"dsss/examples/hpc/tsp/bound"
	"dsss/examples/hpc/tsp/tsplib"
)

// NoTour is the length of the incumbent when there is none: longer than every tour.
const NoTour = 1 << 42

// MaxSteps bounds the 1-trees of one ascent; beyond, the bound does not move any more.
const MaxSteps = 100_000

// Config sets the strength of the bound. It moves the time that a search takes, never its result.
type Config struct {
	// RootSteps is the number of 1-trees in the ascent at the root, made once by every engine. Zero means 300.
	RootSteps int
	// Steps is the number of 1-trees at every subproblem. With 1 all of them are bounded under the multipliers of the
	// root; with more the ascent goes on, which makes a subproblem dearer and the search much smaller. Zero means 20.
	Steps int
}

func (c Config) validate() error {
	for _, f := range []struct {
		name  string
		value int
	}{{"RootSteps", c.RootSteps}, {"Steps", c.Steps}} {
		if f.value < 0 || f.value > MaxSteps {
			return fmt.Errorf("search: Config.%s is %d, want 0 to %d", f.name, f.value, MaxSteps)
		}
	}
	return nil
}

// Subproblem is a part of the search space: the tours with all edges of Include and none of Exclude.
// Edge (a, b), a < b, is written a*N+b.
type Subproblem struct {
	ID      uint64 // for whoever keeps a pool; the search passes it over
	Depth   int32  // edges decided
	Bound   int64  // no tour in it is shorter
	Include []int32
	Exclude []int32
}

// Engine explores subproblems of one instance. It belongs to one goroutine. Engines of the same instance and Config take
// each other's subproblems.
type Engine struct {
	m     tsplib.Matrix
	steps int
	w     *bound.Workspace
	root  []int64 // the multipliers of the root
	bound int64   // of the root
	stack []level
}

// A level is a decision on the way down: edge (a, b), first taken, then left out.
type level struct {
	a, b  int32
	out   bool
	mark  int     // the workspace before the decision
	bound int64   // before the decision
	pi    []int64 // multipliers before the decision
}

// New returns an engine for the distances of m, which stay unchanged while it lives, after the ascent at the root.
func New(m tsplib.Matrix, c Config) (*Engine, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.RootSteps == 0 {
		c.RootSteps = 300
	}
	if c.Steps == 0 {
		c.Steps = 20
	}
	e := &Engine{m: m, steps: c.Steps, w: bound.New(m), root: make([]int64, m.N)}
	e.bound, _ = e.w.Ascend(NoTour, c.RootSteps)
	e.w.Multipliers(e.root)
	return e, nil
}

// Root returns the subproblem that holds every tour.
func (e *Engine) Root() Subproblem { return Subproblem{Bound: e.bound} }

// Limit says when an exploration ends before its subproblem is done. The zero value never ends one.
type Limit struct {
	Nodes int64       // subproblems bounded; zero means any number
	Stop  func() bool // asked after every one; nil means never
}

// Result is what an exploration did. The slices are the caller's.
type Result struct {
	Nodes  int64        // subproblems bounded, at least one unless the subproblem is plainly infeasible
	Open   []Subproblem // what is left of the subproblem, the largest parts first; IDs are zero
	Tour   []int32      // a tour shorter than the incumbent, from city 0, or nil
	Length int64        // of Tour, or zero
}

// Explore searches sub for a tour shorter than the incumbent, until the subproblem is done, the limit reached or such
// a tour found: whoever waits for it should not wait longer. The incumbent is asked for before every node, so that a
// tour found elsewhere cuts this search at once; it never rises. An edge that is none of the instance's is an error.
func (e *Engine) Explore(sub Subproblem, incumbent func() int64, limit Limit) (Result, error) {
	var r Result
	feasible, err := e.load(sub)
	if err != nil || !feasible {
		return r, err
	}
	low := sub.Bound
	for more := true; more; {
		best := incumbent()
		b, verdict := e.w.Ascend(best, e.steps)
		r.Nodes++
		low = max(low, b)
		if verdict == bound.Solved {
			r.Tour, r.Length = make([]int32, e.m.N), b
			e.w.Tour(r.Tour)
			normalize(r.Tour)
			best = b
		}
		more = verdict == bound.Open && e.descend(low) || e.backtrack()
		if more {
			low = e.stack[len(e.stack)-1].bound
		}
		if more && (r.Tour != nil || r.Nodes == limit.Nodes || limit.Stop != nil && limit.Stop()) {
			r.Open = e.open(sub, best)
			break
		}
	}
	return r, nil
}

// load brings the workspace to sub. It reports false if sub plainly holds no tour.
func (e *Engine) load(sub Subproblem) (bool, error) {
	e.w.Undo(0)
	e.w.SetMultipliers(e.root)
	e.stack = e.stack[:0]
	for i, edges := range [2][]int32{sub.Include, sub.Exclude} {
		decide := [2]func(a, b int32) bool{e.w.Force, e.w.Forbid}[i]
		for _, edge := range edges {
			a, b := edge/int32(e.m.N), edge%int32(e.m.N)
			if a < 0 || a >= b || b < 0 {
				return false, fmt.Errorf("search: subproblem %d has edge %d, which an instance of %d cities does not", sub.ID, edge, e.m.N)
			}
			if !decide(a, b) {
				return false, nil
			}
		}
	}
	return true, nil
}

// descend takes the edge to branch on. It reports false if no tour has it besides what is decided.
func (e *Engine) descend(low int64) bool {
	a, b := e.w.Branch()
	if len(e.stack) == cap(e.stack) {
		e.stack = append(e.stack, level{})
	} else {
		e.stack = e.stack[:len(e.stack)+1]
	}
	top := &e.stack[len(e.stack)-1]
	if top.pi == nil {
		top.pi = make([]int64, e.m.N)
	}
	e.w.Multipliers(top.pi)
	top.a, top.b, top.out, top.mark, top.bound = min(a, b), max(a, b), false, e.w.Mark(), low
	return e.w.Force(a, b)
}

// backtrack goes to the next subproblem in depth-first order, and reports false if there is none.
func (e *Engine) backtrack() bool {
	for len(e.stack) > 0 {
		top := &e.stack[len(e.stack)-1]
		e.w.Undo(top.mark)
		if !top.out {
			top.out = true
			e.w.SetMultipliers(top.pi)
			if e.w.Forbid(top.a, top.b) {
				return true
			}
			continue
		}
		e.stack = e.stack[:len(e.stack)-1]
	}
	return false
}

// open lists the subproblems that are left: at each level whose edge is taken, the one without it, and at last the one
// that the workspace is at. Those that the incumbent cuts are left out.
func (e *Engine) open(sub Subproblem, best int64) []Subproblem {
	var open []Subproblem
	for i, l := range e.stack {
		if !l.out && l.bound < best {
			open = append(open, e.at(sub, i, true))
		}
	}
	if last := len(e.stack) - 1; e.stack[last].bound < best {
		open = append(open, e.at(sub, last, e.stack[last].out))
	}
	return open
}

// at returns the subproblem after the decisions up to level last, with that level's edge left out or taken.
func (e *Engine) at(sub Subproblem, last int, out bool) Subproblem {
	s := Subproblem{Depth: sub.Depth + int32(last) + 1, Bound: e.stack[last].bound}
	s.Include = append(s.Include, sub.Include...)
	s.Exclude = append(s.Exclude, sub.Exclude...)
	for i, l := range e.stack[:last+1] {
		edge := l.a*int32(e.m.N) + l.b
		if l.out || i == last && out {
			s.Exclude = append(s.Exclude, edge)
		} else {
			s.Include = append(s.Include, edge)
		}
	}
	return s
}
