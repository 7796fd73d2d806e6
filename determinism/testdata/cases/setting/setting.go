// Package setting has mutators that read what package setter, which imports it, writes.
package setting

import "errors"

var (
	Limit  = 10
	Factor = 2
	Unread = 1
	Depth  = map[string]int{}
	ErrBig = errors.New("too big")
	hidden = 3
)

type T struct{ n int }

//dsss:mutator
func (t *T) Add(d int) error {
	if d > Limit {
		return ErrBig
	}
	t.n += d * factor() * hidden
	return nil
}

func factor() int { return Factor + Depth["x"] }

func (t *T) Get() int { return Unread }
