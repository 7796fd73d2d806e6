package broken

type T struct{ n int }

//dsss:mutator
func (t *T) Set(n int) { t.n = m }

// Use may refer to what is not yet written, and to nothing else.
func Use(s *SharedT) { s.Set(nil, 1); buildT(nil, T{}); other() }
