// Package counter is the program of the manual: one number, and one for each name.
package counter

//go:generate go tool dsss-gen

// Counter counts, in all and by name.
type Counter struct {
	n      int64
	byName map[string]int64
}

// Add adds d to name and returns the sum of all names.
//
//dsss:mutator
func (c *Counter) Add(name string, d int64) (int64, error) {
	if c.byName == nil {
		c.byName = map[string]int64{}
	}
	c.byName[name] += d
	c.n += d
	return c.n, nil
}

//dsss:mutator id=7
func (c *Counter) Reset() { *c = Counter{} }

// Value returns the sum of all names.
func (c *Counter) Value() int64 { return c.n }

// ByName returns the sums.
func (c *Counter) ByName() map[string]int64 { return c.byName }
