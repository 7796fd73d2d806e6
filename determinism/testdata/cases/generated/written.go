package generated

type T struct{ n int64 }

//dsss:mutator
func (t *T) Written() {
	t.n = Stamp() // want `calls time\.Now at generated\.go:8 through Stamp`
}
