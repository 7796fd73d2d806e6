package coordinator

import "time"

// ErrKilled, as the cause of Run's context, ends a coordinator as SIGKILL would.
var ErrKilled = errKilled

// SetNow gives a coordinator another clock.
func SetNow(c *Config, now func() time.Time) { c.now = now }
