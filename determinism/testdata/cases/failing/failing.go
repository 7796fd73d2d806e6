// Package failing has mutators that change their object and then return an error.
package failing

import (
	"errors"
	"fmt"
	"maps"

	"dsss/class"
)

var ErrFull = errors.New("full")

type Bad struct{}

func (*Bad) Error() string { return "bad" }

type T struct {
	n     int
	items []string
	m     map[string]int
	sub   *T
}

//dsss:mutator
func (t *T) Plain(x int) error {
	t.n += x
	if t.n > 10 {
		return ErrFull // want `changes t\.n at failing\.go:27`
	}
	return nil
}

//dsss:mutator
func (t *T) Loop(list []string) error {
	for _, s := range list {
		if s == "" {
			return errors.New("empty") // want `changes t\.items at failing\.go:40`
		}
		t.items = append(t.items, s)
	}
	return nil
}

//dsss:mutator
func (t *T) AfterLoop(list []string) (int, error) {
	for _, s := range list {
		t.items = append(t.items, s)
	}
	if len(t.items) > 10 {
		return 0, fmt.Errorf("%d items", len(t.items)) // want `changes t\.items at failing\.go:48`
	}
	return len(t.items), nil
}

//dsss:mutator
func (t *T) CountsFailures(k string) error {
	if t.m[k] == 0 {
		t.n++
		return &Bad{} // want `changes t\.n at failing\.go:59`
	}
	return nil
}

//dsss:mutator
func (t *T) Second(a, b string) error {
	t.m[a]++
	if err := t.take(b); err != nil {
		return fmt.Errorf("second: %w", err) // want `changes t\.m\[a\] at failing\.go:67`
	}
	return nil
}

//dsss:mutator
func (t *T) Guarded(a, b string) error {
	delete(t.m, a)
	err := t.take(b)
	if err != nil {
		return err // want `changes t\.m at failing\.go:76`
	}
	return nil
}

//dsss:mutator
func (t *T) BothBranches(up bool) error {
	if up {
		t.n++
	} else {
		t.n--
	}
	if t.n == 0 {
		return ErrFull // want `changes t\.n at failing\.go:87`
	}
	return nil
}

//dsss:mutator
func (t *T) ByHelper(k string) error {
	t.bump()
	switch k {
	case "":
		return ErrFull // want `changes t at failing\.go:99`
	}
	return nil
}

//dsss:mutator
func (t *T) TwoCalls(a, b string) error {
	if err := t.take(a); err != nil {
		return err
	}
	if err := t.take(b); err != nil {
		return err // want `changes t at failing\.go:109`
	}
	return nil
}

func (t *T) bump() { t.n++ }

func (t *T) take(k string) error {
	if t.m[k] == 0 {
		return ErrFull
	}
	t.m[k]--
	return nil
}

//dsss:mutator
func (t *T) Through(k string) error {
	sub := t.sub
	sub.n++
	if k == "" {
		return ErrFull // want `changes sub\.n at failing\.go:131`
	}
	return nil
}

// What follows is fine.

//dsss:mutator
func (t *T) ChecksFirst(x int) error {
	if t.n+x > 10 {
		return ErrFull
	}
	for _, s := range t.items {
		if s == "" {
			return errors.New("empty")
		}
	}
	t.n += x
	return nil
}

//dsss:mutator
func (t *T) PutsBack(x int) error {
	old := t.n
	t.n += x
	if t.n > 10 {
		t.n = old
		return ErrFull
	}
	return nil
}

//dsss:mutator
func (t *T) PutsAllBack(x int) error {
	old := *t
	t.n += x
	t.m["a"]++
	if t.n > 10 {
		*t = old
		return ErrFull
	}
	return nil
}

//dsss:mutator
func (t *T) PutsBackByLiteral(x int) error {
	old := t.n
	undo := func() { t.n = old }
	t.n += x
	if t.n > 10 {
		undo()
		return ErrFull
	}
	return nil
}

//dsss:mutator
func (t *T) PutsBackDeferred(x int) (err error) {
	old := t.n
	defer func() {
		if err != nil {
			t.n = old
		}
	}()
	t.n += x
	if t.n > 10 {
		return ErrFull
	}
	return nil
}

//dsss:mutator
func (t *T) OneCall(k string) error {
	if err := t.take(k); err != nil {
		return err
	}
	t.n++
	return nil
}

//dsss:mutator
func (t *T) OneCallInTwoLines(k string) error {
	err := t.take(k)
	if err != nil {
		return fmt.Errorf("one: %w", err)
	}
	t.n++
	return err
}

//dsss:mutator
func (t *T) Finds(k string) error {
	for i := range t.items {
		if t.items[i] == k {
			t.items[i] = ""
			return nil
		}
	}
	return ErrFull
}

//dsss:mutator
func (t *T) Copies(x string) error {
	next := maps.Clone(t.m)
	next[x]++
	if next[x] > 3 {
		return ErrFull
	}
	t.m = next
	return nil
}

//dsss:mutator
func (t *T) Sometimes(x int) error {
	if t.m == nil {
		t.m = map[string]int{}
	}
	if x < 0 {
		return ErrFull
	}
	t.n += x
	return nil
}

//dsss:mutator
func (t *T) LastCall(x string) error {
	t.n++
	return t.take(x)
}

//dsss:mutator
func (t *T) Arguments(list []string) error {
	list[0] = "x"
	if list[1] == "" {
		return ErrFull
	}
	t.items = list
	return nil
}

//dsss:mutator
func (t *T) Allowed(x int) error {
	t.n += x
	if t.n > 10 {
		return ErrFull //dsss:allow what n is does not matter to anybody
	}
	return nil
}

var registered = class.New("failing.T", class.StateCodec[T]{})

var _ = class.NewMutator(registered, 1, "Add", class.Codec[int]{}, func(_ class.Order, t *T, n int) (int, error) {
	t.n += n
	if t.n > 3 {
		return 0, ErrFull // want `changes t\.n at failing\.go:285`
	}
	return t.n, nil
})
