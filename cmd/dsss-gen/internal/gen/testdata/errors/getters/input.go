package getters

import "slices"

type item struct{ tags []string }

type T struct {
	n     int
	names []string
	by    map[string]item
}

//dsss:mutator
func (t *T) Set(n int) { t.n = n }

func (t *T) Assign() int      { t.n = 1; return t.n }
func (t *T) Increment() int   { t.n++; return t.n }
func (t *T) Append() []string { t.names = append(t.names, "x"); return t.names }
func (t *T) Delete() int      { delete(t.by, "x"); return 0 }
func (t *T) Clear() int       { clear(t.by); return 0 }
func (t *T) Copy() int        { return copy(t.names, []string{"x"}) }
func (t *T) Deep() int        { t.by["x"].tags[0] = "y"; return 0 }
func (t *T) Whole() int       { *t = T{}; return 0 }
func (t *T) Range() int {
	for t.n = range 3 {
	}
	return 0
}
func (t *T) Through() int { return t.helper() }
func (t *T) Mutates() int { t.Set(1); return 0 }
func (t T) Element() int  { t.by["x"] = item{}; return 0 }
func (t *T) Nothing()     {}
func (t *T) helper() int  { t.n = 2; return t.n }

// These are fine.
func (t *T) Local() int       { n := t.n; n++; x := T{}; x.n = n; return n }
func (t T) OwnCopy() int      { t.n = 3; return t.n }
func (t *T) Sorted() []string { s := slices.Clone(t.names); slices.Sort(s); return s }

//dsss:local
func (t *T) Kept() { t.n = 4 }

//dsss:getter
func (t *T) Pointer() *int { return &t.n }

//dsss:getter
func (t *T) Callback(f func()) int { return t.n }

//dsss:getter
func (t *T) hidden() int { return t.n }
