package nested

// MapOfStringToLong has the name of another table.
type MapOfStringToLong struct{ x int }

type T struct {
	a MapOfStringToLong
	b map[string]int64
}

//dsss:mutator
func (t *T) Set(n int) {}
