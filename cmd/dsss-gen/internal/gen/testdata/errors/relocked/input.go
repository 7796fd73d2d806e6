package relocked

//dsss:renamed from=never to=n
//dsss:renamed from=lost to=other
type T struct {
	n, other int
}

//dsss:renamed from=gone to=y
//dsss:mutator
func (t *T) Set(x, y int) {}

//dsss:renamed from=Set
//dsss:mutator
func (t *T) Put() {}

//dsss:renamed from=Unknown
//dsss:mutator
func (t *T) Known() {}

//dsss:renamed from=Former
//dsss:mutator
func (t *T) Taken() {}
