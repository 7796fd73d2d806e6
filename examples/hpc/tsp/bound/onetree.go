package bound

// tree builds the least 1-tree of the subproblem under the present multipliers: the least spanning tree of the cities
// other than root, and the two least edges at root. It leaves the edges in parent, order and legs and their numbers
// per city in degree, and returns the 1-tree's bound in units of 1/Scale of a distance: an exact integer, and no
// more than Scale times the length of any tour that the subproblem allows. It reports false if there is no 1-tree
// without forbidden edges, and so no tour.
func (w *Workspace) tree() (int64, bool) {
	n, pi := w.n, w.pi
	clear(w.degree)
	w.rest = w.rest[:0]
	for v := range n {
		if v != w.root {
			w.rest = append(w.rest, int32(v))
			w.best[v] = 1 << 62
		}
	}
	rest := w.rest
	w.order = w.order[:0]
	u := rest[len(rest)-1] // where the spanning tree starts
	rest = rest[:len(rest)-1]
	w.order = append(w.order, u)
	w.parent[u] = u
	length := int64(0)
	for len(rest) > 0 {
		row := w.key[int(u)*n : int(u)*n+n]
		from := pi[u]
		least, at := int64(1)<<62, 0
		for i, v := range rest {
			k := row[v] + from + pi[v]
			if k < w.best[v] {
				w.best[v] = k
				w.parent[v] = u
			} else {
				k = w.best[v]
			}
			if k < least {
				least, at = k, i
			}
		}
		if least > barrier {
			return 0, false
		}
		u = rest[at]
		rest[at] = rest[len(rest)-1]
		rest = rest[:len(rest)-1]
		w.order = append(w.order, u)
		p := w.parent[u]
		w.degree[p]++
		w.degree[u]++
		length += int64(w.dist[int(p)*n+int(u)])
	}
	if !w.grow() {
		return 0, false
	}
	for _, v := range w.legs {
		length += int64(w.dist[w.root*n+int(v)])
	}
	weight := length * Scale
	for v, d := range w.degree {
		weight += int64(d-2) * pi[v]
	}
	return weight, true
}

// grow adds the two least edges at root to the 1-tree.
func (w *Workspace) grow() bool {
	row := w.key[w.root*w.n : w.root*w.n+w.n]
	first, second := int64(1)<<62, int64(1)<<62
	for v, k := range row {
		if v == w.root {
			continue
		}
		switch k += w.pi[v]; {
		case k < first:
			first, second = k, first
			w.legs[0], w.legs[1] = int32(v), w.legs[0]
		case k < second:
			second = k
			w.legs[1] = int32(v)
		}
	}
	w.degree[w.root] = 2
	w.degree[w.legs[0]]++
	w.degree[w.legs[1]]++
	return second+w.pi[w.root] < barrier
}
