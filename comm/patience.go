package comm

import (
	"context"
	"time"

	"dsss/internal/limits"
)

// A Patience adds up how long something has been waited for, without the time in which this process was stopped or its
// machine suspended: between two looks at it at most limits.Awake passes. Its owner looks every limits.Heartbeat or so. The
// zero value begins with the first look. It is not safe for concurrent use.
type Patience struct {
	waited time.Duration
	looked time.Time
}

// Reset begins again from zero.
func (p *Patience) Reset(now time.Time) { p.waited, p.looked = 0, now }

// Waited looks at the clock and returns how long it has been.
func (p *Patience) Waited(now time.Time) time.Duration {
	if !p.looked.IsZero() {
		p.waited += min(max(now.Sub(p.looked), 0), limits.Awake)
	}
	p.looked = now
	return p.waited
}

// clock is what After looks at; tests have others.
var clock = time.Now

// After calls f in a goroutine of its own once d has passed, without the time in which this process was stopped or its
// machine suspended: what else came to pass meanwhile is then seen first. stop has f not called if it was not yet; it may be
// called again, and from f.
func After(d time.Duration, f func()) (stop func()) {
	ctx, stop := context.WithCancel(context.Background())
	var p Patience
	p.Reset(clock())
	var look func()
	look = func() {
		switch left := d - p.Waited(clock()); {
		case ctx.Err() != nil:
		case left > 0:
			time.AfterFunc(min(left, limits.Heartbeat), look)
		default:
			f()
		}
	}
	time.AfterFunc(min(d, limits.Heartbeat), look)
	return stop
}

// WithPatience is context.WithTimeout by After. When the time is over, context.Cause of the context is
// context.DeadlineExceeded; its Err is context.Canceled, and it has no Deadline.
func WithPatience(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := After(d, func() { cancel(context.DeadlineExceeded) })
	return ctx, func() {
		stop()
		cancel(context.Canceled)
	}
}
