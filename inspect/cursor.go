package inspect

import "iter"

// A cursor reads events one by one.
type cursor struct {
	pull func() (Event, error, bool)
	held Event // that is next once more; none, when it has no Kind
	err  error
}

// newCursor returns a cursor before the first of the events. stop must be called.
func newCursor(events iter.Seq2[Event, error]) (c cursor, stop func()) {
	c.pull, stop = iter.Pull2(events)
	return c, stop
}

// next returns the next event; false at the end and after an error.
func (c *cursor) next() (Event, bool) {
	if e := c.held; e.Kind != 0 {
		c.held = Event{}
		return e, true
	}
	e, err, ok := c.pull()
	if c.err == nil {
		c.err = err
	}
	return e, ok && c.err == nil
}

// back makes e the next event again.
func (c *cursor) back(e Event) { c.held = e }

// value hands the events of the value that begins with the next one to each, until that returns false. It tells whether
// the cursor is behind the value.
func (c *cursor) value(each func(Event) bool) bool {
	for depth := 0; ; {
		e, ok := c.next()
		if !ok || !each(e) {
			return false
		}
		if depth += e.Kind.depth(); depth == 0 {
			return true
		}
	}
}

// text returns the value that begins with the next event as a short text, and goes behind it.
func (c *cursor) text() (string, bool) {
	p, t := newText(false)
	ok := c.value(func(e Event) bool {
		if !t.cut {
			p.add(e)
		}
		return true
	})
	return t.String(), ok
}
