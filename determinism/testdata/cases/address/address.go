package address

import (
	"fmt"
	"reflect"
	"unsafe"
)

type T struct {
	s    string
	next *T
	n    *int
}

type plain struct {
	a int
	b []string
	m map[string]int
}

type named struct{ n *int }

func (named) String() string { return "named" }

//dsss:mutator
func (t *T) All(x int) {
	t.s = fmt.Sprintf("%p", t)             // want `prints an address by %p: use a number or name of your own`
	t.s = fmt.Sprintf("%v", &x)            // want `prints an address, of a \*int, by fmt\.Sprintf: print what it points to`
	t.s = fmt.Sprint(t)                    // want `prints an address`
	t.s = fmt.Sprintf("%d %v", x, []*T{t}) // want `prints an address`
	t.s = fmt.Sprint(t.All)                // want `prints an address`
	p := unsafe.Pointer(t)                 // want `uses unsafe\.Pointer`
	_ = uintptr(p)
	_ = unsafe.Slice(&x, 1)                          // want `uses unsafe\.Slice`
	_ = reflect.ValueOf(t).Pointer()                 // want `calls reflect\.Value\.Pointer`
	for _, k := range reflect.ValueOf(t).MapKeys() { // want `calls reflect\.Value\.MapKeys`
		_ = k
	}
}

//dsss:mutator
func (t *T) Fine(x int, err error) error {
	t.s = fmt.Sprintf("%v %+v %d %T %t", plain{}, &plain{}, x, t, t == nil)
	t.s = fmt.Sprint(map[string]int{"a": 1}, []string{"b"}, named{}, &named{})
	_ = unsafe.Sizeof(x)
	_ = reflect.DeepEqual(t, nil)
	_ = fmt.Errorf("%w: %*d %%p", err, 3, x)
	return err
}
