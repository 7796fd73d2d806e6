package locked

// T has mutators and fields that are not what the lock says.
type T struct {
	retyped string
	p       point
}

type point struct{ x float32 }

//dsss:mutator id=2
func (t *T) Renumbered() {}

//dsss:mutator id=4
func (t *T) Taken(n string) {}
