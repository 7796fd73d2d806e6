package wal

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
	if err := l.cfg.Here(); err != nil {
		return err
	}
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
//
// The new segment says that those before it are void, so a crash may find them
// beside it: the log on disk is at each moment the old one or the new one.
func (l *Log) reset(seq uint64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if err := l.start(segmentHeader{segmentID: segmentID{first: seq}, anew: true}); err != nil {
		return err
	}
	l.mu.Lock()
	last := len(l.segments) - 1
	void := l.segments[:last]
	l.segments = []segment{l.segments[last]}
	l.mu.Unlock()
	var ids []segmentID
	for _, s := range void {
		ids = append(ids, s.segmentID)
	}
	return l.removeVoid(ids)
}

// removeVoid deletes segments that a later one has made void.
func (l *Log) removeVoid(ids []segmentID) error {
	for _, id := range ids {
		if err := l.fs.Remove(id.path(l.dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return l.fs.SyncDir(l.dir)
}
