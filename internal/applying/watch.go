package applying

import (
	"time"

	"dsss/internal/limits"
)

// A Watch notices a call that goes on and on. It counts looks and not time: whoever looks was stopped itself when the
// machine was. The zero value is ready.
type Watch struct {
	call  Call
	looks int // at the same call
}

// Look takes what a slot shows, once every limits.StuckLook, and returns how long the same call has been there by now and
// whether that is to be said: after limits.Stuck, and each time that it has doubled.
func (w *Watch) Look(c Call) (since time.Duration, say bool) {
	if c.Phase == Idle || c.Phase != w.call.Phase || c.Sequence != w.call.Sequence {
		w.call, w.looks = c, 0
		return 0, false
	}
	w.looks++
	since = time.Duration(w.looks) * limits.StuckLook
	n := since / limits.Stuck
	return since, since%limits.Stuck == 0 && n > 0 && n&(n-1) == 0
}
