package session

import (
	"errors"
	"fmt"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/replica"
)

// A link is the life of the session's connection: what is said first on a new one, and what becomes of one that fails.
// It has no goroutine, clock or I/O, and belongs to the reader.
type link struct {
	id      uint64
	welcome *wire.WelcomeT // the last; nil before the first
	pause   time.Duration  // before the last try to connect; 0: it was the first
}

// errOldEpoch: a coordinator that was taken over is still there. The one that took over will be, too.
var errOldEpoch = errors.New("the coordinator is of an old epoch")

// hello says who we are and how far our replica is; recalls is the first sequence number that we remember.
func (l *link) hello(as wire.HelloT, applied, recalls uint64) *wire.HelloT {
	as.Session, as.Applied, as.Recalls = l.id, applied, recalls
	if l.welcome != nil {
		as.Epoch = l.welcome.Epoch
	}
	return &as
}

// check returns what is wrong with a Welcome, and whether it is the session's first.
func (l *link) check(w *wire.WelcomeT) (first bool, err error) {
	if w.Session != l.id {
		return false, notMine(comm.KindWelcome, nil)
	}
	if l.welcome != nil && w.Epoch < l.welcome.Epoch {
		return false, errOldEpoch
	}
	return l.welcome == nil, nil
}

// broken says that the connection cannot be followed any more, and tells whether the session is over with it.
func (l *link) broken(err error) (over bool) {
	l.pause = 0
	var p *replica.PanicError
	return errors.Is(err, ErrStopped) || errors.Is(err, ErrEvicted) || errors.Is(err, ErrClosed) ||
		errors.Is(err, replica.ErrOrder) || errors.As(err, &p)
}

// failed says what becomes of a session that could not connect: after a pause it tries again, unless it is over, because
// there is no hope or it is late.
func (l *link) failed(err error, late bool) (pause time.Duration, over error) {
	var refused *comm.RefusedError
	switch {
	case errors.As(err, &refused) && refused.Code == wire.RefusalBehind:
		return 0, fmt.Errorf("%w: %w", ErrEvicted, err)
	case errors.As(err, &refused) && refused.Code != wire.RefusalBusy:
		return 0, fmt.Errorf("%w: %w", ErrRefused, err)
	case errors.Is(err, replica.ErrState), errors.Is(err, ErrEvicted):
		return 0, err
	case late:
		return 0, fmt.Errorf("gave up after %v: %w", limits.Reconnect, err)
	}
	l.pause = min(max(2*l.pause, limits.ReconnectPause), limits.Heartbeat)
	return l.pause, nil
}
