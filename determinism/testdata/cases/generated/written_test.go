package generated

import "time"

//dsss:mutator
func (t *T) Tested() { t.n = time.Now().Unix() }
