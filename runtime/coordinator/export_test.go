package coordinator

import (
	"time"

	"dsss/internal/limits"
)

// ErrKilled, as the cause of Run's context, ends a coordinator as SIGKILL would.
var ErrKilled = errKilled

// SetNow gives a coordinator another clock.
func SetNow(c *Config, now func() time.Time) { c.ports.Now = now }

// LogMemory are the bounds of a job whose log in memory is that many bytes.
func LogMemory(bytes int) limits.Bounds {
	b := limits.Default()
	b.LogMemory = bytes
	return b
}
