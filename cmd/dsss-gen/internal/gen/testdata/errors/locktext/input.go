package locktext

type T struct{ n int }

//dsss:mutator
func (t *T) Set(n int) {}
