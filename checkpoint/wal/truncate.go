package wal

import (
	"errors"
	"io/fs"
	"slices"
)

// TruncateBefore gives up the sequence numbers before seq: it deletes the
// segments that lie wholly before it, except the active one. A seq beyond the
// end empties the log, which then goes on at seq: so a log that lost its end is
// brought behind a checkpoint that did not.
func (l *Log) TruncateBefore(seq uint64) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	err := l.usable()
	switch {
	case err != nil:
	case seq > l.Next():
		err = l.reset(seq)
	default:
		err = l.remove(seq)
	}
	return l.wrap("truncate", err)
}

// remove deletes the segments before seq, except the active one. It goes from
// the oldest on, one after the other on disk too, so that a crash leaves no gap.
// The caller holds writing.
func (l *Log) remove(seq uint64) error {
	if err := l.cfg.Here(); err != nil {
		return err
	}
	for {
		l.mu.Lock()
		oldest, more := l.segments[0], len(l.segments) > 1
		l.mu.Unlock()
		if !more || oldest.next > seq {
			return nil
		}
		if err := l.fs.Remove(segmentPath(l.dir, oldest.first)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		l.mu.Lock()
		l.segments = slices.Clone(l.segments[1:]) // so that the old one's memory does not grow with the job
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
	if err := l.start(seq, true); err != nil {
		return err
	}
	var void []uint64
	l.mu.Lock()
	for _, s := range l.segments[:len(l.segments)-1] {
		void = append(void, s.first)
	}
	l.segments = []segment{*l.tail()}
	l.mu.Unlock()
	return l.removeVoid(void)
}

// removeVoid deletes segments that a later one has made void.
func (l *Log) removeVoid(firsts []uint64) error {
	for _, first := range firsts {
		if err := l.fs.Remove(segmentPath(l.dir, first)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if len(firsts) == 0 {
		return nil
	}
	return l.fs.SyncDir(l.dir)
}
