// Package poll is a shared poll. The examples of package dsss use it for what a counter has no use for: mutators that
// combine, the clock and the randomness of the order, and reading several fields at one moment.
package poll

import (
	"errors"
	"maps"
	"slices"
	"time"

	"dsss"
)

//go:generate go tool dsss-gen

// ErrClosed is returned by Close when the poll has been closed.
var ErrClosed = errors.New("the poll is closed")

// Poll counts votes until it is closed.
type Poll struct {
	Votes  map[string]int64 // by choice
	Total  int64
	Winner string    // once closed; empty when nobody voted
	Closed time.Time // zero while open
}

// Vote adds n votes for choice. Votes for one choice that wait to be sent travel as one. Votes after Close do not count.
//
//dsss:mutator combine=sum(n)
func (p *Poll) Vote(choice string, n int64) {
	if !p.Closed.IsZero() {
		return
	}
	if p.Votes == nil {
		p.Votes = map[string]int64{}
	}
	p.Votes[choice] += n
	p.Total += n
}

// Close ends the poll and returns the winner, which is drawn among those with the most votes.
//
//dsss:mutator
func (p *Poll) Close(o dsss.Order) (winner string, err error) {
	if !p.Closed.IsZero() {
		return "", ErrClosed
	}
	var first []string
	for _, choice := range slices.Sorted(maps.Keys(p.Votes)) {
		switch n := p.Votes[choice]; {
		case len(first) == 0 || n > p.Votes[first[0]]:
			first = []string{choice}
		case n == p.Votes[first[0]]:
			first = append(first, choice)
		}
	}
	if len(first) > 0 {
		p.Winner = first[o.Rand().IntN(len(first))]
	}
	p.Closed = o.Time()
	return p.Winner, nil
}

// Count returns the votes for choice.
func (p *Poll) Count(choice string) int64 { return p.Votes[choice] }
