package wal

import (
	"errors"
	"fmt"
)

// Sentinel errors; test for them with errors.Is.
var (
	// ErrCorrupt: the log is damaged elsewhere than at its torn tail. The error is a *CorruptError.
	ErrCorrupt = errors.New("corrupt log")
	// ErrFailed: an earlier failure left the state of the log on disk unknown. It accepts nothing more until it is
	// opened again.
	ErrFailed = errors.New("log failed")
	// ErrOutOfOrder: an appended record does not continue the log.
	ErrOutOfOrder = errors.New("record out of order")
	// ErrTruncated: the sequence number asked for lies before the log's first.
	ErrTruncated = errors.New("log was truncated")
	// ErrTooLarge: a record, a group or a segment exceeds its limit.
	ErrTooLarge = errors.New("over the size limit")
	// ErrClosed: the Log or Reader was closed.
	ErrClosed = errors.New("closed")
)

// CorruptError says where stored bytes are not what was written. It matches [ErrCorrupt].
type CorruptError struct {
	Path   string // the segment
	Offset int64  // where in it the damaged unit starts; -1 when it is the file as a whole
	Reason string
}

func (e *CorruptError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("%v: %s: %s", ErrCorrupt, e.Path, e.Reason)
	}
	return fmt.Sprintf("%v: %s at offset %d: %s", ErrCorrupt, e.Path, e.Offset, e.Reason)
}

// Unwrap returns ErrCorrupt.
func (e *CorruptError) Unwrap() error { return ErrCorrupt }

// BoundError says how a log is less than [Config.Bound].
type BoundError struct{ Reason string }

func (e *BoundError) Error() string { return "incomplete log: " + e.Reason }
