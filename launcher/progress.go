package launcher

import (
	"fmt"
	"time"

	"dsss/internal/limits"
)

// progress decides when a rank's newest text is printed: at once if its last one was limits.ProgressEvery ago, else
// as soon as it is.
type progress struct {
	ranks map[int]*rankProgress
}

type rankProgress struct {
	printed time.Time
	waiting string
	waits   bool
}

// offer takes a new text and returns it if it is to be printed now.
func (p *progress) offer(rank int, text string, now time.Time) []string {
	if p.ranks == nil {
		p.ranks = map[int]*rankProgress{}
	}
	r := p.ranks[rank]
	if r == nil {
		r = &rankProgress{}
		p.ranks[rank] = r
	}
	r.waiting, r.waits = text, true
	return p.due(rank, r, now, limits.ProgressEvery)
}

// forget drops what a rank said that is not printed yet: it has finished, and its result says more.
func (p *progress) forget(rank int) { delete(p.ranks, rank) }

// tick returns the texts whose time has come.
func (p *progress) tick(now time.Time) []string { return p.each(now, limits.ProgressEvery) }

// rest returns all texts not printed yet.
func (p *progress) rest(now time.Time) []string { return p.each(now, 0) }

func (p *progress) each(now time.Time, every time.Duration) []string {
	var out []string
	for rank := range limits.Workers {
		if r := p.ranks[rank]; r != nil {
			out = append(out, p.due(rank, r, now, every)...)
		}
	}
	return out
}

func (p *progress) due(rank int, r *rankProgress, now time.Time, every time.Duration) []string {
	if !r.waits || !r.printed.IsZero() && now.Sub(r.printed) < every {
		return nil
	}
	r.printed, r.waits = now, false
	text := printable(r.waiting)
	if rank == 0 {
		return []string{"progress: " + text}
	}
	return []string{fmt.Sprintf("progress: [%d] %s", rank, text)}
}

// elapsed renders the time since the job began.
func elapsed(d time.Duration) string {
	s := int(d / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
