package comm

import (
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

// Reset begins anew.
func (p *Patience) Reset(now time.Time) { p.waited, p.looked = 0, now }

// Waited looks at the clock and returns how long it has been.
func (p *Patience) Waited(now time.Time) time.Duration {
	if !p.looked.IsZero() {
		p.waited += min(max(now.Sub(p.looked), 0), limits.Awake)
	}
	p.looked = now
	return p.waited
}
