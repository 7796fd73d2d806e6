package generic

type T[E any] struct{ v E }

//dsss:mutator
func (t *T[E]) Set(v E) { t.v = v }

type N int

//dsss:mutator
func (n *N) Add(d int) { *n += N(d) }
