package removed

//dsss:removed field=there
//dsss:removed
//dsss:removed field=lost func=missing
//dsss:removed field=retyped func=wrong
//dsss:removed field=two func=twice
//dsss:removed filed=x
type T struct {
	there int
}

func (t *T) wrong(old string) {}

func (t *T) twice(a, b int) {}

//dsss:mutator
func (t *T) Fewer(y int) {}

//dsss:removed field=x
//dsss:mutator replays=Old
func (t *T) Other(n string) {}
