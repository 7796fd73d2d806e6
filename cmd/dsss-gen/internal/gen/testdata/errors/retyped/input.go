package retyped

import "net/netip"

type version struct{ n int }

func (v *version) MarshalBinary() ([]byte, error)    { return []byte{byte(v.n)}, nil }
func (v *version) UnmarshalBinary(data []byte) error { v.n = int(data[0]); return nil }

type inner struct{ x int }

//dsss:removed field=was func=fromWas
type T struct {
	length  [4]int
	slice   [3]int
	bytes   netip.Addr
	binary  []version
	boxed   *[]int
	value   map[string]*inner
	key     map[uint8]string
	set     map[string]bool
	pointer *int
	nested  inner
	same    *inner
}

func (t *T) fromWas(was []int) {}

//dsss:mutator
func (t *T) Set(a *inner, b []byte) {}

//dsss:mutator replays=Old
func (t *T) old(n int32) {}
