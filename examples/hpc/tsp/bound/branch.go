package bound

// Branch returns the edge of the last 1-tree to branch on: a free edge at a city of degree 3 or more whose
// exclusion costs the 1-tree most, the first in the order of the tree among equals. It must follow an Ascend that
// reported Open.
func (w *Workspace) Branch() (a, b int32) {
	a, b = -1, -1
	most := int64(-1)
	for _, v := range w.order[1:] {
		p := w.parent[v]
		if (w.degree[p] < 3 && w.degree[v] < 3) || !w.Free(p, v) {
			continue
		}
		if c := w.replacement(p, v); c > most {
			a, b, most = p, v, c
		}
	}
	third := int64(-1)
	for _, v := range w.legs {
		if w.degree[v] < 3 || !w.Free(int32(w.root), v) {
			continue
		}
		if third < 0 {
			third = w.thirdLeg()
		}
		if c := third - w.at(int32(w.root), v); c > most {
			a, b, most = int32(w.root), v, c
		}
	}
	return a, b
}

// at returns the key of edge (a, b) under the multipliers.
func (w *Workspace) at(a, b int32) int64 { return w.key[int(a)*w.n+int(b)] + w.pi[a] + w.pi[b] }

// replacement returns how much heavier the spanning tree becomes without its edge (p, v).
func (w *Workspace) replacement(p, v int32) int64 {
	// Below v hang the cities reached through v; the order of the tree has parents before children.
	side := w.best // no longer needed for this tree
	for _, u := range w.order {
		side[u] = 0
		if u == v || u != w.order[0] && side[w.parent[u]] == 1 {
			side[u] = 1
		}
	}
	w.rest = w.rest[:0]
	for _, u := range w.order {
		if side[u] == 1 {
			w.rest = append(w.rest, u)
		}
	}
	least := int64(1) << 62
	for _, x := range w.order {
		if side[x] == 1 {
			continue
		}
		row := w.key[int(x)*w.n : int(x)*w.n+w.n]
		from := w.pi[x]
		for _, y := range w.rest {
			if k := row[y] + from + w.pi[y]; k < least && (x != p || y != v) {
				least = k
			}
		}
	}
	return least - w.at(p, v)
}

func (w *Workspace) thirdLeg() int64 {
	least := int64(1) << 62
	for v := range int32(w.n) {
		if int(v) != w.root && v != w.legs[0] && v != w.legs[1] {
			least = min(least, w.at(int32(w.root), v))
		}
	}
	return least
}

// Tour writes the cities of the last 1-tree in the order of the tour that it is. It must follow an Ascend that
// reported Solved.
func (w *Workspace) Tour(tour []int32) {
	n := int32(w.n)
	next := func(v, from int32) int32 {
		if int(v) == w.root {
			if w.legs[0] != from {
				return w.legs[0]
			}
			return w.legs[1]
		}
		if p := w.parent[v]; p != v && p != from {
			return p
		}
		for u := range n {
			if u != from && u != v && int(u) != w.root && w.parent[u] == v {
				return u
			}
		}
		return int32(w.root)
	}
	from, v := int32(-1), int32(w.root)
	for i := range n {
		tour[i] = v
		from, v = v, next(v, from)
	}
}
