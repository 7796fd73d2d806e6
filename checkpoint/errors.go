package checkpoint

import (
	"errors"
	"fmt"
	"time"
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
	// ErrFormat: another version of DSSS wrote it.
	ErrFormat = errors.New("other format")
	// ErrMoved: the path of the state directory, or of its log or checkpoints, does not lead to what was opened there.
	ErrMoved = errors.New("state directory was removed or moved")
	// ErrOwnerLost: another process took the directory over because this
	// one's heartbeat on a network file system had gone stale.
	ErrOwnerLost = errors.New("state directory was taken over by another process")
	// ErrCorruptLog: the log is damaged elsewhere than at its torn tail. The
	// error is a *CorruptError.
	ErrCorruptLog = errors.New("corrupt log")
	// ErrLogFailed: an earlier failure left the state of the log on disk
	// unknown; it accepts nothing more until it is opened again.
	ErrLogFailed = errors.New("log failed")
	// ErrOutOfOrder: an appended record does not continue the log.
	ErrOutOfOrder = errors.New("record out of order")
	// ErrTruncated: the sequence number asked for lies before the log's first.
	ErrTruncated = errors.New("log was truncated")
	// ErrTooLarge: a record, group, chunk or name exceeds its limit.
	ErrTooLarge = errors.New("over the size limit")
	// ErrCorruptCheckpoint: a checkpoint file does not verify. The error is a
	// *CorruptError.
	ErrCorruptCheckpoint = errors.New("corrupt checkpoint")
	// ErrNoCheckpoint: the directory has no checkpoint that verifies.
	ErrNoCheckpoint = errors.New("no checkpoint")
	// ErrClosed: the Dir, Log, Writer or Reader was closed.
	ErrClosed = errors.New("closed")
)

// otherFormat is the error for a part of a state directory that has another format than this program writes.
func otherFormat(part string, has, want int) error {
	return fmt.Errorf("%w: %s has format %d, this program reads format %d: use the DSSS version that wrote it", ErrFormat, part, has, want)
}

// PutBack is the next step when a part of the state directory dir is not what it was.
func PutBack(dir string) string {
	return fmt.Sprintf("put back a copy of the directory as it was at one moment, or take what is left with 'dsss checkpoint accept %s'", dir)
}

// Incomplete returns the [ErrIncomplete] about the state directory dir, from which something is missing.
func Incomplete(dir, format string, args ...any) error {
	return fmt.Errorf("%w %s: %s: %s", ErrIncomplete, dir, fmt.Sprintf(format, args...), PutBack(dir))
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

// CorruptError says where stored bytes are not what was written. It matches
// [ErrCorruptLog] or [ErrCorruptCheckpoint].
type CorruptError struct {
	Kind   error  // ErrCorruptLog or ErrCorruptCheckpoint
	Path   string // the file
	Offset int64  // where in the file the damaged unit starts; -1 when it is the file as a whole
	Reason string
}

func (e *CorruptError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("%v: %s: %s", e.Kind, e.Path, e.Reason)
	}
	return fmt.Sprintf("%v: %s at offset %d: %s", e.Kind, e.Path, e.Offset, e.Reason)
}

// Unwrap returns the kind.
func (e *CorruptError) Unwrap() error { return e.Kind }
