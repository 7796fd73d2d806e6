package class

// Order is what the coordinator decided about one mutation. dsss.Order, which has the same fields, documents them and has
// the clock and the randomness that a mutator may use: a function that wants those converts.
type Order struct {
	Seq     uint64
	Session uint64
	Nanos   int64
}
