// Package nearby has what other cases call in another package.
package nearby

import (
	"os"
	"time"
)

var (
	Constant = 3
	Changing = 3
	Level    int
)

func Change() { Changing++ }

func Clock() int64 { return inner() }

func inner() int64 {
	return time.Now().Unix()
}

func Pure(n int) int { return n + 1 }

type Store struct{ n int }

func (s *Store) Save()     { os.WriteFile("x", nil, 0o600) }
func (s Store) Load() int  { return s.n }
func (s *Store) Set(n int) { s.n = n }
func (s *Store) Recurse(n int) {
	if n > 0 {
		s.Recurse(n - 1)
		s.Save()
	}
}

type Clocker interface{ Time() int64 }

type Wall struct{}

func (Wall) Time() int64 { return time.Now().Unix() }

type Logical struct{ N int64 }

func (l Logical) Time() int64 { return l.N }

func Allowed() int64 {
	return time.Now().Unix() //dsss:allow only logged
}

func Map[T, R any](in []T, f func(T) R) []R {
	var out []R
	for _, x := range in {
		out = append(out, f(x))
	}
	return out
}

func Later[T interface{ Time() int64 }](t T) int64 { return t.Time() }

type Pair struct{ A, B []int }

// Both is reported for itself, and not where another mutator calls it.
//
//dsss:mutator
func (p *Pair) Both(x []int) {
	p.A = x
	p.B = x // want `keeps x in more than one place`
}

// Coded has a codec of its own.
type Coded struct{ n int64 }

func (c Coded) MarshalBinary() ([]byte, error)     { return time.Now().AppendBinary(nil) }
func (c *Coded) UnmarshalBinary(data []byte) error { return nil }

// Decode is the codec of a hand-written class.
func Decode(buf []byte) (int64, error) { return time.Now().Unix(), nil }

// Scale is for package setter.
var Scale int64 = 1

// Scaled reads Scale.
func Scaled(n int64) int64 { return n * Scale }
