package directives

//dsss:mutator
type T struct{ n int }

//dsss:class name=x
type plain struct{}

//dsss:mutator
func (t *T) Good() {}

// dsss:mutator
func (t *T) Spaced() int { return t.n }

//dsss:mutator

func (t *T) Detached() int { return t.n }

//dsss:mutatr
func (t *T) Misspelt() int { return t.n }

//dsss:mutator 7
func (t *T) Option() {}

//dsss:getter id=7
func (t *T) Optional() int { return t.n }

//dsss:mutator
//dsss:local
func (t *T) Both() {}

//dsss:class
func (t *T) Class() int { return 0 }

//dsss:mutator
func function() {}

// dsss: mutator
func (t *T) SpacedTwice() int { return t.n }

//dsss:mutator combine
func (t *T) Valueless(n int) {}

//dsss:mutator id=3 id=4
func (t *T) Twice() {}

//dsss:class
type Nameless struct{ n int }

//dsss:mutator
func (n *Nameless) Set() {}
