package gone

// T has lost a field, an argument and a mutator, without a word about it.
//
//dsss:removed field=retyped func=wrong
type T struct {
	there int
}

func (t *T) wrong(old string) {}

//dsss:mutator
func (t *T) Fewer(y int) {}

//dsss:mutator replays=Old
func (t *T) Other(n string) {}

//dsss:mutator replays=Never
func (t *T) never() {}
