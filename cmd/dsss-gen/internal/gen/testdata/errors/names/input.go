package names

type T struct {
	n              int
	byName, ByName string
}

//dsss:mutator
func (t *T) add() {}

//dsss:mutator
func (t *T) Add() {}

//dsss:mutator
func (t *T) View() {}

func (t *T) Name() string { return "" }

//dsss:mutator
func (t *T) Push() {}

func (t *T) PushAsync() int { return 0 }

// SharedT stands in the way.
type SharedT int

//dsss:class name=names.T
type t struct{ n int }

//dsss:mutator
func (t *t) Add() {}
