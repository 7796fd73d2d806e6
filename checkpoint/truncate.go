package checkpoint

import (
	"errors"
	"io/fs"
)

// TruncateBefore gives up the sequence numbers before seq: it deletes the
// segments that lie wholly before it, except the active one. A seq beyond the
// end empties the log, which then goes on at seq: so a log that lost its end is
// brought behind a checkpoint that did not.
func (l *Log) TruncateBefore(seq uint64) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.usable(); err != nil {
		return l.wrap("truncate", err)
	}
	if seq > l.Next() {
		if err := l.reset(seq); err != nil {
			return l.wrap("truncate", err)
		}
		return nil
	}
	if err := l.remove(func(s *segment) bool { return s.before(seq) }, 1); err != nil {
		return l.wrap("truncate", err)
	}
	return nil
}

// remove deletes segments while they match and more than keep are left. It goes
// from the oldest on, one after the other on disk too, so that a crash leaves no
// gap. The caller holds writing.
func (l *Log) remove(match func(*segment) bool, keep int) error {
	for {
		l.mu.Lock()
		if len(l.segments) <= keep || !match(&l.segments[0]) {
			l.mu.Unlock()
			return nil
		}
		path := l.segments[0].path(l.dir)
		l.mu.Unlock()
		if err := l.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		l.mu.Lock()
		// A new slice, so that the old one's memory does not grow with the job.
		l.segments = append([]segment(nil), l.segments[1:]...)
		l.mu.Unlock()
		if err := l.fs.SyncDir(l.dir); err != nil {
			return l.fail(err) // the next removal could reach the disk first
		}
	}
}

// reset empties the log and goes on at seq. The caller holds writing.
func (l *Log) reset(seq uint64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	all := func(*segment) bool { return true }
	if err := l.remove(all, 1); err != nil {
		return err
	}
	// Between the removal of the last segment and its successor's birth the
	// log on disk is empty, which is a log that can be opened; a crash after
	// the successor's birth must not find both, for that would be a gap.
	l.mu.Lock()
	path := l.segments[0].path(l.dir)
	l.mu.Unlock()
	if err := errors.Join(l.fs.Remove(path), l.fs.SyncDir(l.dir)); err != nil {
		return l.fail(err)
	}
	if err := l.start(segmentID{first: seq}); err != nil {
		return l.fail(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = l.segments[len(l.segments)-1:]
	return nil
}
