package maporder

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
)

type T struct {
	m       map[string]int
	f       map[string]float64
	out     map[string]int
	sets    map[int]bool
	groups  map[string][]int
	people  map[string]*person
	keys    []string
	n, most int
	mask    uint
	total   float64
	text    string
	first   string
	dirty   bool
	hist    [10]int
}

type person struct {
	age  int
	tags []string
}

func (p *person) reset()       { p.age = 0 }
func (p *person) older() bool  { return p.age > 40 }
func (t *T) note(k string)     { t.first = k }
func (t *T) unrelated() int    { return 1 }
func (t *T) sum() int          { return t.n }
func use(...any)               {}
func pure(k string, v int) int { return len(k) + v }

// Integer accumulation commutes.
//
//dsss:mutator
func (t *T) Accumulates() {
	for _, v := range t.m {
		t.n += v
	}
	for range t.m {
		t.n++
	}
	for k, v := range t.m {
		t.n -= v * len(k)
		t.n--
		t.mask |= uint(v)
		t.hist[v%10]++
	}
	for k, v := range t.m {
		t.n = t.n + pure(k, v)
	}
	for _, v := range t.m {
		t.mask ^= uint(v)
		t.n = v*2 + t.n
		t.dirty = t.dirty || v > 3
	}
}

// The largest and smallest commute, too.
//
//dsss:mutator
func (t *T) Extremes() {
	for _, v := range t.m {
		if v > t.most {
			t.most = v
		}
	}
	for _, v := range t.m {
		t.most = max(t.most, v)
	}
	for _, f := range t.f {
		t.total = min(t.total, f)
	}
	best, bestKey, found := 0, "", false
	for k, v := range t.m {
		if !found || v > best || v == best && k < bestKey {
			best, bestKey, found = v, k, true
		}
	}
	for k := range t.m {
		if k < t.first {
			t.first = k
		}
	}
	for k, v := range t.m {
		if k < t.first {
			t.first = k
			t.n = v
		}
	}
	use(best, bestKey, found)
}

// Each iteration writes to a place of its own.
//
//dsss:mutator
func (t *T) Own() {
	for k, v := range t.m {
		t.out[k] = v + 1
		t.groups[k] = append(t.groups[k], v)
		t.f[k] *= 2.5
	}
	for k := range t.m {
		t.m[k] = 0
	}
	for k, v := range t.m {
		if v == 0 {
			delete(t.m, k)
			delete(t.out, k)
		}
	}
	for name, p := range t.people {
		p.age++
		p.tags = append(p.tags, name)
		p.reset()
		slices.Sort(p.tags)
		t.people[name].age = 3
	}
	for k, v := range t.m {
		if _, ok := t.out[k]; !ok {
			t.out[k] = v
		}
	}
	for k, v := range t.m {
		if d := t.out[k]; d == v {
			delete(t.out, k)
		} else {
			t.out[k] = d + v
		}
	}
	for k, list := range t.groups {
		var sum float64
		copied := slices.Clone(list)
		slices.Sort(copied)
		for _, x := range copied {
			sum += float64(x)
		}
		t.f[k] = sum
	}
	for _, v := range t.m {
		t.sets[v] = true
		delete(t.out, fmt.Sprint(v))
		t.dirty = true
	}
}

// Sorted before it is looked at.
//
//dsss:mutator
func (t *T) Sorted() []string {
	var keys []string
	for k := range t.m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var lines []string
	for k, v := range t.m {
		if v > 0 {
			lines = append(lines, fmt.Sprint(k, v))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	slices.SortFunc(lines, strings.Compare)
	t.keys = t.keys[:0]
	for k := range t.m {
		t.keys = append(t.keys, k)
	}
	sort.Sort(sort.Reverse(sort.StringSlice(t.keys)))
	filled, i := make([]string, len(t.m)), 0
	for k := range t.m {
		filled[i] = k
		i++
	}
	sort.Strings(filled)
	for range 3 {
		var inner []string
		for k := range t.m {
			inner = append(inner, k)
		}
		slices.Sort(inner)
		lines = append(lines, inner...)
	}
	if t.n > 3 {
		for k := range t.m {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// Iterators of package maps.
//
//dsss:mutator
func (t *T) Iterators() {
	for _, k := range slices.Sorted(maps.Keys(t.m)) {
		t.text += k
	}
	keys := slices.Collect(maps.Keys(t.m))
	slices.Sort(keys)
	t.keys = slices.AppendSeq(t.keys, maps.Keys(t.m))
	slices.Sort(t.keys)
	t.out = maps.Collect(maps.All(t.m))
	maps.Insert(t.out, maps.All(t.m))
	maps.Copy(t.out, t.m)
	for v := range maps.Values(t.m) {
		t.n += v
	}
	for k := range maps.Keys(t.m) {
		t.out[k] = 1
	}
	clear(t.m)
	t.text = fmt.Sprint(t.out, len(t.m))
}

// Ends early, but always with the same.
//
//dsss:mutator
func (t *T) Any(x int) (bool, error) {
	for _, v := range t.m {
		if v > x {
			return true, fmt.Errorf("more than %d", x)
		}
	}
	for _, p := range t.people {
		if p.older() {
			t.dirty = true
			break
		}
	}
	seen := 0
	for k, v := range t.m {
		seen++
		if v < 0 || k == "" {
			return false, nil
		}
	}
	t.n += seen
	for k := range t.m {
		if k == "bad" {
			panic("bad key")
		}
		if k == "" {
			continue
		}
		switch {
		case k > "a":
			break
		}
		for range k {
			break
		}
	}
	return false, nil
}
