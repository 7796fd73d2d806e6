// Package calls has the two calls that benchmarks measure.
package calls

//go:generate go run dsss/cmd/dsss-gen

// T has state that no benchmark looks at.
type T struct{ sum int64 }

// Two takes two numbers.
//
//dsss:mutator
func (t *T) Two(a, b int64) { t.sum += a + b }

// Bytes takes a block of bytes.
//
//dsss:mutator
func (t *T) Bytes(data []byte) { t.sum += int64(len(data)) }
