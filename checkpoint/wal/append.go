package wal

import (
	"errors"
	"fmt"
	"io"
	"math"

	"dsss/internal/limits"
)

// Append writes a group of records, all or none, with one write. The records
// must continue the log: each First is the end of the one before. They are
// visible to readers when it returns, and on disk after the next Sync. The
// caller keeps recs and the data.
//
// A write that fails, with [unix.ENOSPC] say, is taken back and may be tried
// again. Where taking it back fails too, the error is [ErrFailed] and final.
func (l *Log) Append(recs []Record) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.wrap("append to", l.append(recs))
}

// append is Append for the holder of writing.
func (l *Log) append(recs []Record) error {
	if err := l.usable(); err != nil {
		return err
	}
	tail := l.last()
	size, err := checkGroup(recs, tail.next)
	if err != nil || len(recs) == 0 {
		return err
	}
	if tail.size >= l.cfg.SegmentBytes && tail.next > tail.first {
		if err := l.roll(tail.next); err != nil {
			return err
		}
	}
	if err := l.write(recs, size); err != nil {
		return err
	}
	l.prepare()
	return nil
}

// checkGroup returns the bytes the records take in a segment.
func checkGroup(recs []Record, next uint64) (int64, error) {
	var size int64
	for _, r := range recs {
		if r.First != next || r.end() <= r.First {
			return 0, fmt.Errorf("%w: record %d+%d where %d is next", ErrOutOfOrder, r.First, r.Count, next)
		}
		if int64(r.Head) > int64(len(r.Data)) {
			return 0, fmt.Errorf("record %d of %d bytes has a Head of %d", r.First, len(r.Data), r.Head)
		}
		if len(r.Data) > limits.LogRecord {
			return 0, fmt.Errorf("record %d of %d bytes is %w of %d", r.First, len(r.Data), ErrTooLarge, limits.LogRecord)
		}
		next = r.end()
		if size += recordSize(len(r.Data)); size > limits.LogGroup {
			return 0, fmt.Errorf("group from record %d is %w of %d bytes", recs[0].First, ErrTooLarge, limits.LogGroup)
		}
	}
	return size, nil
}

// write appends the records to the active segment. The caller holds writing.
func (l *Log) write(recs []Record, size int64) error {
	l.mu.Lock()
	tail, synced := *l.tail(), l.synced
	l.mu.Unlock()
	if tail.size+size > math.MaxUint32 {
		return fmt.Errorf("segment %d is %w of %d bytes", tail.first, ErrTooLarge, uint32(math.MaxUint32))
	}
	if int64(cap(l.buf)) < size {
		l.buf = make([]byte, 0, size)
	}
	b := l.buf[:0]
	start := tail.size
	for _, r := range recs {
		b = appendRecord(b, r, uint32(synced), l.header.salt)
		tail.add(r)
	}
	if cap(b) > limits.LogBuffer {
		l.buf = nil
	}
	if _, err := l.active.WriteAt(b, start); err != nil {
		if terr := l.takeBack(start); terr != nil {
			return l.fail(errors.Join(err, terr))
		}
		return err
	}
	l.mu.Lock()
	*l.tail() = tail
	l.mu.Unlock()
	return nil
}

// takeBack cuts off the rest of a failed write, and does so on disk, so that a
// crash cannot bring it back among what is written there next. The caller holds
// writing.
func (l *Log) takeBack(size int64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if err := l.active.Truncate(size); err != nil {
		return err
	}
	if err := l.active.Sync(); err != nil {
		return err
	}
	l.mu.Lock()
	l.synced, l.durable = size, l.tail().next
	l.mu.Unlock()
	return nil
}

// roll makes the active segment durable and starts the next one, so that only
// the last segment can ever be torn. The caller holds writing.
func (l *Log) roll(next uint64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if err := l.syncActive(); err != nil {
		return err
	}
	return l.start(next, false)
}

// start makes a new, empty segment from the sequence number first on the active
// one; with again those before it are void. On an error the log is as it was. The
// caller holds writing and syncing.
func (l *Log) start(first uint64, anew bool) error {
	if err := l.cfg.Here(); err != nil {
		return err
	}
	h := segmentHeader{first: first, tag: l.cfg.Tag, log: l.id, anew: anew}
	if _, err := io.ReadFull(l.cfg.Rand, h.salt[:]); err != nil {
		return err
	}
	f, tmp, err := l.takeSpare(first)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(h.encode(), 0); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = l.fs.Rename(tmp, segmentPath(l.dir, first))
	}
	if err != nil {
		_ = l.fs.Remove(tmp)
		return errors.Join(err, f.Close())
	}
	if err := l.fs.SyncDir(l.dir); err != nil {
		return errors.Join(l.fail(err), f.Close())
	}
	if l.active != nil {
		if err := l.active.Close(); err != nil {
			return errors.Join(l.fail(err), f.Close())
		}
	}
	l.active, l.header = f, h
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = append(l.segments, newSegment(first))
	l.synced, l.durable = segmentHeaderSize, first
	return nil
}
