package far

import (
	"os"
	"time"
)

//dsss:mutator
func (t *T) Folded() {
	t.n = several() // want `calls time\.Now at folded\.go:14 through several \(folded\.go:13\): use Order\.Time of a first parameter dsss\.Order; also calls time\.Since at folded\.go:15, calls time\.Now at folded\.go:16, calls time\.Until at folded\.go:17, and 2 more$` `calls os\.Getenv at folded\.go:19 through several \(folded\.go:13\): pass what it tells as an argument$`
}

func several() int64 {
	start := time.Now()
	time.Since(start)
	n := time.Now().Unix()
	time.Until(start)
	time.Sleep(1)
	os.Getenv("X")
	return n + second()
}

func second() int64 { return time.Now().Unix() }
