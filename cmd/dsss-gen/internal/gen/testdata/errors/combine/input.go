package combine

import (
	"time"

	"dsss"
)

type T struct{ n int64 }

//dsss:mutator combine=sum(n)
func (t *T) Result(n int64) int64 { t.n += n; return t.n }

//dsss:mutator combine=sum(n)
func (t *T) Error(n int64) error { t.n += n; return nil }

//dsss:mutator combine=sum(n)
func (t *T) Ordered(o dsss.Order, n int64) { t.n += n }

//dsss:mutator combine=sum(n)
func (t *T) Nothing() { t.n++ }

//dsss:mutator combine=sum(m)
func (t *T) Unknown(n int64) { t.n += n }

//dsss:mutator combine=sum(n),max(n)
func (t *T) Twice(n int64) { t.n += n }

//dsss:mutator combine=mean(n)
func (t *T) Mean(n int64) { t.n += n }

//dsss:mutator combine=sum(s)
func (t *T) Text(s string) {}

//dsss:mutator combine=max(c)
func (t *T) Complex(c complex128) {}

//dsss:mutator combine=sum(n)
func (t *T) Slice(n int64, of []int64) { t.n += n }

//dsss:mutator combine=sum(n)
func (t *T) Time(n int64, at time.Time) { t.n += n }

//dsss:mutator combine=missing
func (t *T) Missing(n int64) { t.n += n }

//dsss:mutator combine=wrong
func (t *T) Wrong(n int64) { t.n += n }

func wrong(a, b int64) bool { return a == b }

//dsss:mutator combine=sum(n)
func (t *T) Met(n int64) { t.n += n }

func (t *T) PostMet() int64 { return t.n }

//dsss:mutator commutes
func (t *T) Alone(n int64) { t.n += n }

//dsss:mutator combine=sum(n) commutes=yes
func (t *T) Valued(n int64) { t.n += n }
