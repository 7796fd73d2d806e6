package wal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"dsss/internal/vfs"
)

// Reader reads records in order, while others may be appended. It is for
// one goroutine.
type Reader struct {
	log  *Log
	from uint64 // records before it are skipped
	next uint64 // what the next record must start with

	f   vfs.File // nil once closed
	seg *segmentReader
}

// Read returns a reader of the records that hold from or later: one that begins
// earlier but covers from is the first. It sees everything appended before the
// call, and goes on to what is appended later.
//
// It fails with [ErrTruncated] when from lies before First. A from beyond the
// end is waited for: the reader skips what comes before it. The caller closes
// the reader; one that is open does not hold up TruncateBefore.
func (l *Log) Read(from uint64) (*Reader, error) {
	l.mu.Lock()
	first := l.segments[0].first
	seg := *l.tail() // when nothing holds from: it comes next
	if i := slices.IndexFunc(l.segments, func(s segment) bool { return s.next > from }); i >= 0 {
		seg = l.segments[i]
	}
	l.mu.Unlock()
	if from < first {
		return nil, l.wrap("read", truncated(from, first))
	}
	r := &Reader{log: l, from: from, next: seg.first}
	if err := r.open(seg); err != nil {
		return nil, l.wrap("read", err)
	}
	return r, nil
}

func truncated(seq, first uint64) error {
	return fmt.Errorf("%w: sequence number %d was asked for, %d is its first", ErrTruncated, seq, first)
}

// open goes on to a segment, of which as much may be read as s says.
func (r *Reader) open(s segment) error {
	path := segmentPath(r.log.dir, s.first)
	f, err := r.log.fs.OpenFile(path, os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: segment %d is gone", ErrTruncated, s.first)
	} else if err != nil {
		return err
	}
	seg, err := openSegment(f, s.size, path, s.first)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if r.f != nil {
		r.f.Close() // read only: nothing to lose
	}
	r.f, r.seg = f, seg
	return nil
}

// Next returns the next record, whose Data belongs to the caller. It returns
// io.EOF at the end of the log; a later call goes on with what was appended
// since. It fails with [ErrTruncated] when TruncateBefore has overtaken the
// reader, and with a *CorruptError for a record that changed on disk.
func (r *Reader) Next() (Record, error) {
	rec, err := r.advance()
	if err == io.EOF {
		return Record{}, io.EOF
	}
	if err != nil {
		return Record{}, r.log.wrap("read", err)
	}
	rec.Data = slices.Clone(rec.Data)
	return rec, nil
}

func (r *Reader) advance() (Record, error) {
	if r.f == nil {
		return Record{}, ErrClosed
	}
	for {
		at := r.seg.off
		rec, _, err := r.seg.next()
		var bad *badRecord
		switch {
		case err == io.EOF:
			if err := r.more(); err != nil {
				return Record{}, err
			}
			continue
		case errors.As(err, &bad):
			return Record{}, &CorruptError{r.seg.path, at, bad.Error()}
		case err != nil:
			return Record{}, fmt.Errorf("%s: %w", r.seg.path, err)
		case rec.First != r.next:
			return Record{}, &CorruptError{r.seg.path, at, fmt.Sprintf("record %d where %d is next", rec.First, r.next)}
		}
		if r.next = rec.end(); r.next > r.from {
			return rec, nil
		}
	}
}

// more extends the reader by what was appended to its segment, or moves it to
// the next one. It returns io.EOF when there is neither.
func (r *Reader) more() error {
	var grown int64  // the present size of the reader's own segment
	var then segment // the first segment behind it
	r.log.mu.Lock()
	for _, s := range slices.Backward(r.log.segments) {
		if s.first > r.seg.header.first {
			then = s
			continue
		}
		if s.first == r.seg.header.first {
			grown = s.size
		}
		break
	}
	r.log.mu.Unlock()
	switch {
	case grown > r.seg.limit:
		r.seg.limit = grown
		return nil
	case then.first == 0:
		return io.EOF
	case then.first != r.next:
		return truncated(r.next, then.first)
	}
	return r.open(then)
}

// Close ends the reader.
func (r *Reader) Close() error {
	if r.f == nil {
		return nil
	}
	err := r.f.Close()
	r.f = nil
	return err
}
