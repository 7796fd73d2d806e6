// Package counter is a shared counter: the smallest class that dsss-gen makes proxies for, one of replicated objects and one of
// hosted ones. The examples of package dsss use it beside the same class configured by hand.
package counter

import "errors"

//go:generate go tool dsss-gen

// ErrNegative is returned by Add when the counter would become negative.
var ErrNegative = errors.New("the counter would be negative")

// Counter counts.
//
//dsss:hosted
type Counter struct {
	n int64
}

// Add changes the counter by d and returns what it is then.
//
//dsss:mutator
func (c *Counter) Add(d int64) (int64, error) {
	if c.n+d < 0 {
		return c.n, ErrNegative
	}
	c.n += d
	return c.n, nil
}

// Reset makes the counter 0 and returns what it was.
//
//dsss:mutator
func (c *Counter) Reset() int64 {
	was := c.n
	c.n = 0
	return was
}

// Value returns what the counter is.
func (c *Counter) Value() int64 { return c.n }
