package keys

// K is in the keys of three maps, and has lost fields.
//
//dsss:removed field=Rate
type K struct {
	Steps int
	In    inner
}

type inner struct{ Y int }

//dsss:removed field=gone func=from
type T struct {
	results map[K]float64
	grid    map[[3]int]int
}

type old struct{ A int }

func (t *T) from(was map[old]int) {}

//dsss:mutator
func (t *T) M() {}
