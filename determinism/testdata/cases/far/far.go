package far

import (
	"time"

	"cases/nearby"
)

type T struct {
	nearby.Store
	n     int64
	other inner
}

type inner struct{ nearby.Store }

//dsss:mutator
func (t *T) Function() {
	t.n = nearby.Clock() // want `mutator \(\*T\)\.Function is not deterministic: calls time\.Now at cases/nearby/nearby\.go:20 through nearby\.Clock \(cases/nearby/nearby\.go:17\), nearby\.inner \(cases/nearby/nearby\.go:19\): use`
	t.n += int64(nearby.Pure(1))
	t.n += nearby.Allowed()
}

//dsss:mutator
func (t *T) Promoted() {
	t.Save()       // want `calls os\.WriteFile at .* through \(\*nearby\.Store\)\.Save`
	t.other.Save() // want `calls os\.WriteFile`
	t.Set(t.other.Load())
}

//dsss:mutator
func (t *T) Recursive() {
	t.Recurse(3) // want `calls os\.WriteFile at .* through \(\*nearby\.Store\)\.Recurse .*, \(\*nearby\.Store\)\.Save`
	even(4)      // want `calls time\.Now at far\.go:\d+ through even \(far\.go:\d+\), odd`
	forever()
}

func even(n int) bool { return n == 0 || odd(n-1) }

func odd(n int) bool {
	if n > 99 {
		_ = time.Now()
	}
	return n == 1 || even(n-1)
}

func forever() { forever() }

//dsss:mutator
func (t *T) Values() {
	f := nearby.Clock // want `calls time\.Now`
	t.n = f()
	g := t.Save // want `calls os\.WriteFile`
	g()
	h := (*nearby.Store).Save // want `calls os\.WriteFile`
	h(&t.Store)
	func() {
		t.n = time.Now().Unix() // want `calls time\.Now: use`
	}()
	k := func() int64 { return nearby.Clock() } // want `calls time\.Now`
	t.n = k()
	_ = nearby.Map([]int{1}, func(n int) int64 { return time.Now().Unix() }) // want `calls time\.Now: use`
	_ = nearby.Map([]int{1}, nearby.Pure)
	_ = nearby.Map([]nearby.Wall{{}}, nearby.Wall.Time) // want `calls time\.Now at .* through nearby\.Wall\.Time`
}

//dsss:mutator
func (t *T) Another() {
	t.Function() // reported there
	new(nearby.Pair).Both(nil)
	t.n++
}
