package typed

// A type error of the source is reported, and no other that follows from what is not written yet.

type T struct{ n int }

//dsss:mutator
func (t *T) Add(n int) { t.x += n }

type Wrapper struct{ *SharedT }

func (w Wrapper) Sum() int { return w.Value() + w.Missing() }

func (t *T) Value() int { return t.n }
