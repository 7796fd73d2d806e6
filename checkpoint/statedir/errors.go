package statedir

import (
	"errors"
	"fmt"
	"time"

	"dsss/checkpoint/wal"
)

// Sentinel errors; test for them with errors.Is.
var (
	// ErrInUse: another live process owns the state directory. The error is
	// an *InUseError, which names it.
	ErrInUse = errors.New("state directory is in use")
	// ErrNotStateDir: the directory holds something else; nothing was written into it.
	ErrNotStateDir = errors.New("not a DSSS state directory")
	// ErrIncomplete: the directory lacks what its job record says that it holds, or the record itself.
	ErrIncomplete = errors.New("incomplete state directory")
	// ErrMoved: the path of the state directory, or of its log or checkpoints, does not lead to what was opened there.
	ErrMoved = errors.New("state directory was removed or moved")
	// ErrOwnerLost: another process took the directory over because this
	// one's heartbeat on a network file system had gone stale.
	ErrOwnerLost = errors.New("state directory was taken over by another process")
	// ErrClosed: the Dir was closed.
	ErrClosed = errors.New("closed")
)

// PutBack is the next step when a part of the state directory dir is not what it was.
func PutBack(dir string) string {
	return fmt.Sprintf("put back a copy of the directory as it was at one moment, or take what is left with 'dsss checkpoint accept %s'", dir)
}

// Incomplete returns the [ErrIncomplete] about the state directory dir, from which something is missing.
func Incomplete(dir, format string, args ...any) error {
	return fmt.Errorf("%w %s: %s: %s", ErrIncomplete, dir, fmt.Sprintf(format, args...), PutBack(dir))
}

// incomplete is err, or the [ErrIncomplete] for a log that is less than its bound.
func incomplete(dir string, err error) error {
	if bound, ok := errors.AsType[*wal.BoundError](err); ok {
		return Incomplete(dir, "%s", bound.Reason)
	}
	return err
}

// InUseError says who owns a state directory. It matches [ErrInUse].
type InUseError struct {
	Path    string    // the state directory
	Host    string    // the owner's host name; empty when the owner could not be read
	PID     int       // the owner's process id on Host; 0 when unknown
	Job     string    // the owner's job name
	Started time.Time // when the owner opened the directory
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("state directory %s is in use by another process: end that job or choose another directory", e.Path)
	}
	return fmt.Sprintf("state directory %s is in use by job %q (pid %d on %s since %s): end that job or choose another directory",
		e.Path, e.Job, e.PID, e.Host, e.Started.Format(time.RFC3339))
}

// Is reports whether target is ErrInUse.
func (e *InUseError) Is(target error) bool { return target == ErrInUse }
