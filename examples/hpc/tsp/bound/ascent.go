package bound

// A Verdict says what Ascend found out about a subproblem.
type Verdict int

const (
	Open   Verdict = iota // it may hold a tour shorter than the incumbent
	Pruned                // it holds no tour shorter than the incumbent
	Solved                // the last 1-tree is a tour: the shortest of the subproblem, and shorter than the incumbent
)

// Ascend bounds the subproblem by at most steps 1-trees (at least 1), moving the multipliers between them towards a
// stronger bound, and ends early when the verdict is known. It returns a lower bound on the length of every tour that
// the subproblem allows, never above the incumbent, and leaves the last 1-tree for Branch or Tour. The
// incumbent is the length of the shortest tour known, or anything up to 2^42 if there is none.
func (w *Workspace) Ascend(incumbent int64, steps int) (int64, Verdict) {
	best := int64(-1) << 62
	for left := steps; ; left-- {
		weight, ok := w.tree()
		if !ok {
			return incumbent, Pruned
		}
		best = max(best, weight)
		if ceil(best) >= incumbent {
			return incumbent, Pruned
		}
		norm := int64(0)
		for _, d := range w.degree {
			norm += int64(d-2) * int64(d-2)
		}
		if norm == 0 {
			return ceil(best), Solved
		}
		if left <= 1 {
			return ceil(best), Open
		}
		if left == steps {
			copy(w.previous, w.degree)
		}
		w.move(best, weight, incumbent, norm, left, steps)
	}
}

// move makes one step of the subgradient method: a city of degree above 2 becomes more expensive, one below 2 cheaper,
// 0.7 by the degrees of this 1-tree and 0.3 by those of the one before (Volgenant and Jonker). The length of the
// step is Polyak's, aimed at the incumbent but no more than 1/64 above the best bound, because a first incumbent
// is often far off; it falls linearly to zero.
func (w *Workspace) move(best, weight, incumbent, norm int64, left, steps int) {
	aim := min(incumbent*Scale, best+max(best, -best)/64)
	step := (aim - weight) / norm * int64(left) / int64(steps)
	for v, d := range w.degree {
		p := w.pi[v] + step*int64(7*(d-2)+3*(w.previous[v]-2))/10
		w.pi[v] = min(max(p, -maxPi), maxPi)
	}
	copy(w.previous, w.degree)
}

// ceil rounds a weight up to a whole distance.
func ceil(weight int64) int64 {
	if weight <= 0 {
		return weight / Scale
	}
	return (weight + Scale - 1) / Scale
}

// Multipliers copies the multipliers into pi, one for each city, in units of 1/Scale of a distance. SetMultipliers
// sets them to what Multipliers gave. They move the strength of the bound, never its validity.
func (w *Workspace) Multipliers(pi []int64)    { copy(pi, w.pi) }
func (w *Workspace) SetMultipliers(pi []int64) { copy(w.pi, pi) }
