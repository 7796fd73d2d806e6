package wal

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"dsss/internal/vfs"
)

// Log is a job's log on disk. All methods may be called concurrently; appends
// wait for each other, but not for a Sync under way.
type Log struct {
	dir string
	cfg Config
	fs  vfs.FS // cfg.FS

	// Locks are taken in the order writing, syncing, mu.
	writing sync.Mutex // held by whoever changes the log
	syncing sync.Mutex // held during fdatasync, and when the active file changes

	id uint64 // changes while the log is opened only

	// Guarded by writing.
	buf   []byte
	spare chan vfs.File // yields the next segment's file, once; nil until it is begun

	// The active file and its header change under writing and syncing, so
	// either is enough to read them.
	active vfs.File
	header segmentHeader

	mu       sync.Mutex
	segments []segment // contiguous, oldest first; the last is the active one
	synced   int64     // bytes of the active segment that are on disk
	durable  uint64    // sequence numbers before it are on disk, or were given up
	failed   error     // once set, stays
	closed   bool
}

// First returns the first sequence number the log still has, or would have.
func (l *Log) First() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.segments[0].first
}

// Next returns the sequence number that the next record must start with.
func (l *Log) Next() uint64 { return l.last().next }

// Bound returns what is on disk now whatever happens: it holds as long as the log does.
func (l *Log) Bound() Bound {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Bound{ID: l.id, Next: l.durable}
}

// Rolled returns the first sequence number of the active segment: what lies
// before it is on disk.
func (l *Log) Rolled() uint64 { return l.last().first }

// last returns what the active segment is now.
func (l *Log) last() segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.tail()
}

// tail returns the active segment. The caller holds mu.
func (l *Log) tail() *segment { return &l.segments[len(l.segments)-1] }

// usable returns the error that every change must return, if any.
func (l *Log) usable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	return l.failed
}

// fail makes the log refuse everything from now on, because what is on disk is
// no longer known, and returns the error to report.
func (l *Log) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return l.failed
}

// wrap names the directory and, for a full disk, the next step. It wraps nil as nil.
func (l *Log) wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%s log in %s: %w: free some space there", doing, l.dir, err)
	}
	return fmt.Errorf("%s log in %s: %w", doing, l.dir, err)
}

// Sync returns when all that was appended before the call is on disk. An error
// is final: after a failed fsync the kernel may have dropped what it could not
// write and report success the next time (Rebello et al., "Can Applications
// Recover from fsync Failures?", USENIX ATC 2020), so the log accepts nothing
// more until it is opened again.
func (l *Log) Sync() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	err := l.usable()
	if err == nil {
		err = l.syncActive()
	}
	return l.wrap("sync", err)
}

// syncActive syncs the active segment. The caller holds syncing.
func (l *Log) syncActive() error {
	l.mu.Lock()
	size, next, synced := l.tail().size, l.tail().next, l.synced
	l.mu.Unlock()
	if size == synced {
		return nil
	}
	if err := l.active.Sync(); err != nil {
		return l.fail(err)
	}
	l.mu.Lock()
	l.synced, l.durable = size, next
	l.mu.Unlock()
	return nil
}

// Close syncs the log and closes it. Readers already open stay usable. Further
// calls return nil.
func (l *Log) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.dropSpare()
	l.syncing.Lock()
	defer l.syncing.Unlock()
	switch err := l.usable(); {
	case errors.Is(err, ErrClosed):
		return nil
	case err == nil:
		if err := l.syncActive(); err != nil {
			return l.wrap("close", errors.Join(err, l.closeActive()))
		}
		// Gives back what was reserved behind the end; only space depends on it.
		_ = l.active.Truncate(l.last().size)
	}
	return l.wrap("close", l.closeActive())
}

func (l *Log) closeActive() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	return l.active.Close()
}
