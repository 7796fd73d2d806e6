package sharing

import (
	"slices"
	"time"

	"dsss/class"
)

type T struct {
	a, b  []int
	m, n  map[string]int
	rows  [][]int
	items []*item
	index map[string]*item
	at    *time.Location
	buf   []byte
}

type item struct{ tags []string }

//dsss:mutator
func (t *T) Shares(x []int, p *item) {
	t.a = t.b // want `mutator \(\*T\)\.Shares makes t\.a share memory with t\.b, which a restored process does not: store a copy`
	t.m = t.n // want `makes t\.m share memory with t\.n`
	t.items = append(t.items, p)
	t.index["p"] = p // want `keeps p in more than one place, which a restored process does not share: store copies`
	for i := range t.rows {
		t.rows[i] = x // want `keeps x in more than one place`
	}
}

//dsss:mutator
func (t *T) Locals(name string, left bool) {
	x := &item{}
	t.items = append(t.items, x)
	t.index[name] = x // want `keeps x in more than one place`
	old := t.index[name]
	t.items = append(t.items, old) // want `makes t\.items share memory with t\.index\[name\]`
	t.b = t.a[1:]                  // want `makes t\.b share memory with t\.a`
	for range 3 {
		y := &item{}
		t.items = append(t.items, y)
	}
}

//dsss:mutator
func (t *T) Moves() {
	moved := t.index["moved"]
	delete(t.index, "moved")
	t.items = append(t.items, moved)
}

//dsss:mutator
func (t *T) Branches(x, y, z []int, left bool) {
	if left {
		t.a = x
	} else {
		t.b = x
	}
	switch {
	case left:
		t.a = y
	default:
		t.b = y
	}
	for _, p := range t.items {
		t.index[p.tags[0]] = p
	}
	t.items = nil
	if left {
		t.a = z
		return
	}
	t.b = z
}

//dsss:mutator
func (t *T) Fine(x []int, p *item, rows [][]int) {
	t.a = x
	t.items = append(t.items, p)
	t.a, t.b = t.b, t.a
	t.b = slices.Clone(t.a)
	t.rows = append(t.rows, t.a)
	t.a = nil
	t.a = append(t.a, t.b...)
	t.a = t.a[1:]
	t.at = time.UTC
	for _, row := range rows {
		t.rows = append(t.rows, row)
	}
}

// Results of marked mutators are copied by generated code.
//
//dsss:mutator
func (t *T) Result() []int { return t.a }

var registered = class.New("T", class.StateCodec[T]{})

var (
	_ = class.NewMutator(registered, 1, "Alias", class.Codec[int]{}, func(_ class.Order, t *T, i int) ([]int, error) {
		return t.a, nil // want `mutator Alias returns t\.a, which shares memory with the state: return a copy`
	})
	_ = class.NewMutator(registered, 2, "Element", class.Codec[string]{}, func(_ class.Order, t *T, name string) (*item, error) {
		x := t.index[name]
		return x, nil // want `mutator Element returns x, which shares memory`
	})
	_ = class.NewMutator(registered, 3, "Copy", class.Codec[int]{}, func(_ class.Order, t *T, i int) ([]int, error) {
		if i > 0 {
			return nil, nil
		}
		return slices.Clone(t.a), nil
	})
	_ = class.NewMutator(registered, 4, "Pop", class.Codec[int]{}, func(_ class.Order, t *T, _ int) (*item, error) {
		x := t.items[0]
		t.items = t.items[1:]
		return x, nil
	})
	_ = class.NewMutator(registered, 5, "Take", class.Codec[int]{}, take)
)

func take(_ class.Order, t *T, _ int) ([]byte, error) {
	out := t.buf
	t.buf = nil
	return out, nil
}
