package renamed

//dsss:renamed from=a
//dsss:renamed from=still to=n
//dsss:renamed from=old to=missing
//dsss:renamed from=never to=n
//dsss:renamed from=lost to=other
type T struct {
	n, still, other int
}

//dsss:renamed from=gone to=x
//dsss:renamed from=x to=y
//dsss:mutator
func (t *T) Set(x int) {}

//dsss:renamed from=Set
//dsss:mutator
func (t *T) Put() {}

//dsss:renamed from=Unknown
//dsss:mutator
func (t *T) Known() {}

//dsss:renamed from=Former
//dsss:mutator replays=Other
func (t *T) replays() {}

//dsss:renamed from=A to=B
func (t *T) Getter() int { return t.n }

//dsss:renamed from=A
func function() {}

//dsss:renamed from=a to=b
type plain int

//dsss:renamed from=Same
//dsss:mutator
func (t *T) same() {}
