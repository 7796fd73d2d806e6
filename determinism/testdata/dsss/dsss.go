// Package dsss has the part of the real one's surface that the cases need.
package dsss

import (
	"context"
	"math/rand/v2"
	"time"
)

type Order struct {
	Seq   uint64
	Nanos int64
}

func (o Order) Time() time.Time  { return time.Unix(0, o.Nanos).UTC() }
func (o Order) Rand() *rand.Rand { return rand.New(rand.NewPCG(o.Seq, uint64(o.Nanos))) }

type Job struct{ c chan int }

func (j *Job) Rank() int { return <-j.c }

type Object[T any] struct{ state *T }

func (o *Object[T]) View(f func(t *T))                                      { f(o.state) }
func (o *Object[T]) Await(ctx context.Context, ready func(t *T) bool) error { return nil }

func Read[T, R any](o *Object[T], f func(t *T) R) R { return f(o.state) }
