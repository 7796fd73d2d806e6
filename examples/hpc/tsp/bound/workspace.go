// Package bound computes lower bounds on the length of the shortest round trip that uses some edges and avoids others.
//
// The bound is the Lagrangean 1-tree bound of Held and Karp ("The traveling-salesman problem and minimum spanning
// trees", Operations Research 18, 1970, and part II, Mathematical Programming 1, 1971), with the subgradient step of
// Volgenant and Jonker ("A branch and bound algorithm for the symmetric traveling salesman problem based on the 1-tree
// relaxation", EJOR 9, 1982).
//
// No optimal tour is ever cut by rounding, because nothing is rounded: multipliers are integers in units of 1/Scale of
// a distance, so the weight of a 1-tree is an exact integer in the same unit. Every choice of multipliers gives a valid
// bound (Held and Karp 1970, theorem 1), so the integer divisions in the ascent move only its strength. The one rounding
// is the last: tours have integer lengths, so the bound is rounded up to the next whole distance.
package bound

import (
	"fmt"

	"dsss/examples/hpc/tsp/tsplib"
)

// Scale is the number of multiplier units in one unit of distance.
const Scale = 1 << 10

// The order of magnitude of every value in a 1-tree, chosen so that no sum overflows an int64: a distance is at most
// tsplib.MaxDistance = 2^30, so 2^40 scaled; a multiplier is kept within 2^44; an edge's key is then below 2^46 when free,
// below -2^49 when forced and above 2^49 when forbidden; and a bound, a sum over at most 2^11 cities, is below 2^57.
const (
	maxPi   = 1 << 44
	offset  = 1 << 50
	barrier = 1 << 49
)

// The status of an edge.
const (
	free uint8 = iota
	forced
	forbidden
)

// Workspace holds one subproblem, that is the set of edges forced into the tour and the set forbidden to it, and
// everything needed to bound it. Once its stacks have grown nothing allocates. A Workspace belongs to one goroutine.
//
// Forcing and forbidding follow their consequences: a city with two forced edges has no others, a city with two
// edges left has both forced, and the edge that would close a cycle short of all cities is forbidden. Edges are
// decided in the manner of a stack: Mark remembers a point, Undo returns to it.
type Workspace struct {
	n    int
	dist []int32
	root int // the city whose two edges complete the spanning tree of the others to a 1-tree

	key    []int64 // n by n: scaled distance, shifted by offset down if forced and up if forbidden
	status []uint8 // n by n, symmetric
	uses   []int32 // forced edges at a city, 0 to 2
	room   []int32 // edges at a city that are not forbidden, at least 2 unless the subproblem is infeasible
	end    []int32 // for the end of a path of forced edges, its other end; for a city without forced edges, itself
	count  int     // forced edges in all
	trail  []change
	agenda []decision // consequences not drawn yet

	pi       []int64 // multipliers
	parent   []int32 // 1-tree: the spanning tree's edges are (parent[v], v) for v other than root and its first city
	order    []int32 // 1-tree: the cities other than root, as the spanning tree reached them
	legs     [2]int32
	degree   []int32
	previous []int32 // the degrees of the 1-tree before
	best     []int64 // Prim: the least key from a city to the tree so far
	rest     []int32
}

// A change is what Undo takes back: the status of edge (a, b) or, if edge is false, end[a], which was b.
type change struct {
	edge bool
	a, b int32
}

type decision struct {
	a, b  int32
	force bool
}

// New returns a workspace for the distances of m, with no edge decided and all multipliers zero.
// The matrix is read as long as the workspace lives.
func New(m tsplib.Matrix) *Workspace {
	n := m.N
	if n < 3 || n > tsplib.MaxDimension {
		panic(fmt.Sprintf("bound: %d cities, want 3 to %d", n, tsplib.MaxDimension))
	}
	w := &Workspace{
		n: n, dist: m.D,
		key: make([]int64, n*n), status: make([]uint8, n*n),
		uses: make([]int32, n), room: make([]int32, n), end: make([]int32, n),
		trail: make([]change, 0, 8*n), agenda: make([]decision, 0, 8*n),
		pi: make([]int64, n), parent: make([]int32, n), order: make([]int32, 0, n),
		degree: make([]int32, n), previous: make([]int32, n), best: make([]int64, n), rest: make([]int32, 0, n),
	}
	for i, d := range m.D {
		w.key[i] = int64(d) * Scale
	}
	for v := range n {
		w.room[v] = int32(n - 1)
		w.end[v] = int32(v)
	}
	w.root = remotest(m)
	return w
}

// remotest returns the city whose two shortest edges are longest together: as the root of the 1-tree it
// loses the bound least.
func remotest(m tsplib.Matrix) int {
	city, most := 0, int64(-1)
	for v := range m.N {
		first, second := int64(1)<<62, int64(1)<<62
		for u, d := range m.Row(v) {
			switch d := int64(d); {
			case u == v:
			case d < first:
				first, second = d, first
			case d < second:
				second = d
			}
		}
		if first+second > most {
			city, most = v, first+second
		}
	}
	return city
}

// Mark returns the present point of the stack of decisions, for Undo.
func (w *Workspace) Mark() int { return len(w.trail) }

// Undo takes back every decision made since mark, consequences included.
func (w *Workspace) Undo(mark int) {
	for len(w.trail) > mark {
		c := w.trail[len(w.trail)-1]
		w.trail = w.trail[:len(w.trail)-1]
		if !c.edge {
			w.end[c.a] = c.b
			continue
		}
		if w.status[int(c.a)*w.n+int(c.b)] == forced {
			w.uses[c.a]--
			w.uses[c.b]--
			w.count--
		} else {
			w.room[c.a]++
			w.room[c.b]++
		}
		w.set(c.a, c.b, free, 0)
	}
}

// Force puts edge (a, b) into the tour, Forbid keeps it out. They report false if no tour is left, in which case
// the workspace must be returned to an earlier Mark by Undo before anything else.
func (w *Workspace) Force(a, b int32) bool  { return w.decide(decision{a, b, true}) }
func (w *Workspace) Forbid(a, b int32) bool { return w.decide(decision{a, b, false}) }

// Free tells whether edge (a, b) is neither forced nor forbidden.
func (w *Workspace) Free(a, b int32) bool { return w.status[int(a)*w.n+int(b)] == free }

func (w *Workspace) set(a, b int32, status uint8, shift int64) {
	i, j := int(a)*w.n+int(b), int(b)*w.n+int(a)
	w.status[i], w.status[j] = status, status
	key := int64(w.dist[i])*Scale + shift
	w.key[i], w.key[j] = key, key
}

func (w *Workspace) decide(d decision) bool {
	w.agenda = append(w.agenda[:0], d)
	for len(w.agenda) > 0 {
		d := w.agenda[len(w.agenda)-1]
		w.agenda = w.agenda[:len(w.agenda)-1]
		was, ok := w.status[int(d.a)*w.n+int(d.b)], true
		switch {
		case was == free && d.force:
			ok = w.force(d.a, d.b)
		case was == free:
			ok = w.forbid(d.a, d.b)
		default:
			ok = d.force == (was == forced)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (w *Workspace) force(a, b int32) bool {
	if w.uses[a] == 2 || w.uses[b] == 2 || w.end[a] == b && w.count != w.n-1 {
		return false
	}
	w.set(a, b, forced, -offset)
	w.trail = append(w.trail, change{true, a, b})
	w.uses[a]++
	w.uses[b]++
	w.count++
	p, q := w.end[a], w.end[b]
	w.trail = append(w.trail, change{false, p, w.end[p]}, change{false, q, w.end[q]})
	w.end[p], w.end[q] = q, p
	if p != b && (p != a || q != b) { // neither the tour closed, nor a path of this one edge
		w.agenda = append(w.agenda, decision{p, q, w.count == w.n-1})
	}
	for _, v := range [2]int32{a, b} {
		if w.uses[v] == 2 {
			w.decideRest(v, false)
		}
	}
	return true
}

func (w *Workspace) forbid(a, b int32) bool {
	w.set(a, b, forbidden, offset)
	w.trail = append(w.trail, change{true, a, b})
	w.room[a]--
	w.room[b]--
	for _, v := range [2]int32{a, b} {
		if w.room[v] == 2 {
			w.decideRest(v, true)
		}
	}
	return w.room[a] >= 2 && w.room[b] >= 2
}

// decideRest puts the free edges at city v on the agenda.
func (w *Workspace) decideRest(v int32, force bool) {
	row := w.status[int(v)*w.n : int(v)*w.n+w.n]
	for u, s := range row {
		if s == free && int32(u) != v {
			w.agenda = append(w.agenda, decision{v, int32(u), force})
		}
	}
}
