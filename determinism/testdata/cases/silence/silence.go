package silence

import (
	"fmt"
	"time"

	"cases/nearby"
)

type T struct{ n int64 }

//dsss:mutator
func (t *T) Silenced() {
	_ = time.Now() //dsss:allow measures, and tells nobody
	//dsss:allow the tests look at it
	fmt.Println(t.n)
	fmt.Println(t.n) // want `calls fmt\.Println`
	helper()
	called()             //dsss:allow its time is thrown away
	called()             // want `calls time\.Now`
	t.n = nearby.Clock() //dsss:allow measures
	//dsss:allow counts entries
	for k, v := range map[string]int{} {
		t.n = int64(len(k) + v)
	}
}

func helper() {
	_ = time.Now() //dsss:allow thrown away
}

func called() { _ = time.Now() }

//dsss:mutator
func (t *T) Wrong() {
	_ = time.Now() //dsss:allow // want `calls time\.Now` `//dsss:allow has no reason: say on the same line why this is deterministic`
	t.n++          //dsss:allow there is nothing here // want `//dsss:allow silences nothing: remove it`
	//dsss:allow nor on the next line // want `//dsss:allow silences nothing: remove it`
	t.n++
	//dsss:allowed is no mark
	t.n++
	pure() //dsss:allow this one is deterministic // want `//dsss:allow silences nothing`
}

func pure() {}
