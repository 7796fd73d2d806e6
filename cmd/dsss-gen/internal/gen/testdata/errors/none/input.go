package none

type T struct{ n int }

func (t *T) Value() int { return t.n }
