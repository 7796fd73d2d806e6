package wal

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"dsss/checkpoint/internal/format"
	"dsss/internal/limits"
	"dsss/internal/vfs"
)

// Recovery says what Open found.
type Recovery struct {
	Segment   string // path of the last segment
	TornBytes int64  // cut off its end: an append that a crash interrupted
	Last      uint64 // last sequence number in the log; Config.First-1 for a new one
}

// Bound is a lower bound of a log on disk.
type Bound struct {
	ID   uint64 `json:"id,string"` // which log it is; 0: nothing is known of it
	Next uint64 `json:"next"`      // the log goes on there, or later
}

// Open opens the log in dir, which it creates when missing, reads all of it
// (see [Config.Trust]), cuts off a torn tail and makes the rest durable. Damage that is no torn tail
// is a *CorruptError ([ErrCorrupt]): a bad record with others after it, a
// missing segment, a gap in the sequence numbers. A log that is less than
// Config.Bound is a *BoundError. Then nothing is changed.
//
// The caller must own the state directory and closes the Log.
func Open(dir string, cfg Config) (*Log, Recovery, error) {
	if err := cfg.validate(); err != nil {
		return nil, Recovery{}, err
	}
	l := &Log{dir: dir, cfg: cfg, fs: cfg.FS}
	rec, err := l.recover()
	if err != nil {
		if l.active != nil {
			err = errors.Join(err, l.active.Close())
		}
		return nil, Recovery{}, l.wrap("open", err)
	}
	return l, rec, nil
}

func (l *Log) recover() (Recovery, error) {
	if err := vfs.MakeDir(l.fs, l.dir); err != nil {
		return Recovery{}, err
	}
	v, err := l.cfg.survey(l.dir)
	if err != nil {
		return Recovery{}, err
	}
	// From here on the log is known to be sound, and only now anything changes.
	if err := vfs.RemoveTemporaries(l.fs, l.dir); err != nil {
		return Recovery{}, err
	}
	if err := l.removeVoid(v.void); err != nil {
		return Recovery{}, err
	}
	l.segments, l.header, l.id = v.segments, v.header, v.header.log
	if len(v.segments) == 0 {
		var id [8]byte
		if _, err := io.ReadFull(l.cfg.Rand, id[:]); err != nil {
			return Recovery{}, err
		}
		l.id = max(1, binary.LittleEndian.Uint64(id[:]))
		if err := l.start(l.cfg.First, false); err != nil {
			return Recovery{}, err
		}
	} else if l.active, err = l.fs.OpenFile(segmentPath(l.dir, l.tail().first), os.O_RDWR); err != nil {
		return Recovery{}, err
	} else if err := l.active.Truncate(l.tail().size); err != nil { // see secure: also what was cut off before
		return Recovery{}, err
	}
	if err := l.secure(v.known); err != nil {
		return Recovery{}, err
	}
	l.synced, l.durable = l.tail().size, l.tail().next
	return Recovery{Segment: segmentPath(l.dir, l.tail().first), TornBytes: v.torn, Last: l.tail().next - 1}, nil
}

// A survey is what the files of a log hold.
type survey struct {
	segments []segment // contiguous, oldest first
	scanned            // the last
	void     []uint64  // what a segment that begins the log again has left over
}

// survey reads the log in dir, which may be in use, and changes nothing. It goes
// from the last segment back to the first, or to one that begins the log again.
func (c *Config) survey(dir string) (survey, error) {
	var v survey
	firsts, err := segmentsIn(c.FS, dir)
	if err != nil {
		return v, err
	}
	var then uint64 // where the segment behind begins
	for i, first := range slices.Backward(firsts) {
		path, last := segmentPath(dir, first), i == len(firsts)-1
		var end uint64
		if c.Trust {
			end = then
		}
		s, err := load(c.FS, path, first, last, end)
		if err != nil {
			return v, err
		}
		if last {
			v.scanned = s
		} else if s.next != then {
			return v, &CorruptError{segmentPath(dir, then), -1,
				fmt.Sprintf("the segment before it ends at sequence number %d: a segment is missing", s.next)}
		}
		if known := cmp.Or(c.Bound.ID, v.header.log); s.header.log != known {
			return v, &BoundError{fmt.Sprintf("segment %s is of another job's log", path)}
		}
		v.segments, then = append(v.segments, s.segment), first
		if s.header.anew {
			v.void = firsts[:i]
			break
		}
	}
	slices.Reverse(v.segments)
	switch {
	case c.Bound.ID == 0:
	case len(firsts) == 0:
		return v, &BoundError{fmt.Sprintf("its log, which goes on at sequence number %d or later, is not there", c.Bound.Next)}
	case v.next < c.Bound.Next:
		return v, &BoundError{fmt.Sprintf("its log goes on at sequence number %d, it was at %d or later", v.next, c.Bound.Next)}
	}
	return v, nil
}

// scanned is what the file of a segment holds.
type scanned struct {
	segment
	header segmentHeader
	known  int64 // how much of it was known to be on disk by the record that knows most
	torn   int64 // bytes at its end that belong to no record
}

// load reads the segment that begins at the sequence number first. Of one that is
// known to end before the sequence number end, it reads the header only; 0: of none.
func load(fsys vfs.FS, path string, first uint64, last bool, end uint64) (scanned, error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY)
	if err != nil {
		return scanned{}, err
	}
	defer f.Close() // it was only read
	size, err := f.Size()
	if err != nil {
		return scanned{}, err
	}
	if end == 0 {
		return scan(f, size, path, first, last)
	}
	r, err := openSegment(f, min(size, segmentHeaderSize), path, first)
	if err != nil {
		return scanned{}, err
	}
	return scanned{segment: segment{first, end, size}, header: r.header}, nil
}

// secure makes the active segment, of which known bytes are on disk, and the
// names of all segments durable. What a killed process appended, or cut off, may
// never have reached the disk; and if that process met a failing sync, the kernel
// may hold for clean what it could not write, so that only writing it again helps,
// and cutting it off again.
func (l *Log) secure(known int64) error {
	size := l.tail().size
	buf := make([]byte, min(limits.LogBuffer, max(0, size-known)))
	for off := known; off < size; off += int64(len(buf)) {
		b := buf[:min(int64(len(buf)), size-off)]
		if n, err := l.active.ReadAt(b, off); n < len(b) {
			return err
		}
		if _, err := l.active.WriteAt(b, off); err != nil {
			return err
		}
	}
	if err := l.active.Sync(); err != nil {
		return err
	}
	return l.fs.SyncDir(l.dir)
}

// scan checks the segment of size bytes in f and returns what is sound of it.
// Only the last segment may end in a torn write.
func scan(f io.ReaderAt, size int64, path string, first uint64, last bool) (scanned, error) {
	r, err := openSegment(f, size, path, first)
	if err != nil {
		return scanned{}, err
	}
	s := scanned{segment: newSegment(first), header: r.header, known: segmentHeaderSize}
	for {
		at := r.off
		rec, h, err := r.next()
		var bad *badRecord
		reason := ""
		switch {
		case err == io.EOF:
			s.torn = size - s.size
			return s, nil
		case errors.As(err, &bad) && last:
			follows, err := r.torn()
			if err != nil {
				return scanned{}, fmt.Errorf("%s: %w", path, err)
			}
			if follows == "" {
				s.torn = size - s.size
				return s, nil
			}
			reason = fmt.Sprintf("%v, and %s", bad, follows)
		case errors.As(err, &bad):
			reason = bad.Error()
		case err != nil:
			return scanned{}, fmt.Errorf("%s: %w", path, err)
		case rec.First != s.next || rec.end() <= rec.First:
			reason = fmt.Sprintf("record %d+%d where %d is next", rec.First, rec.Count, s.next)
		}
		if reason != "" {
			return scanned{}, &CorruptError{path, at, reason}
		}
		s.add(rec)
		s.known = max(s.known, int64(h.synced))
	}
}

// segmentsIn lists where a log's segments begin, ascending. What looks like a segment of
// another format is an error: it is part of the log, and would be left out.
func segmentsIn(fsys vfs.FS, dir string) ([]uint64, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var firsts []uint64
	for _, name := range names {
		if first, ok := segmentName(name); ok {
			firsts = append(firsts, first)
		} else if IsName(name) {
			return nil, fmt.Errorf("%w: %s is not named as segments are: put it back, or use the DSSS version that wrote it", format.ErrOther, filepath.Join(dir, name))
		}
	}
	slices.Sort(firsts)
	return firsts, nil
}

// Holds tells whether there is anything in the log in dir. One with its first segment only, and nothing in that, holds
// nothing; one of another format may hold something.
func Holds(fsys vfs.FS, dir string) (bool, error) {
	names, err := fsys.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	for _, name := range names {
		if !IsName(name) {
			continue
		}
		st, err := fsys.Stat(filepath.Join(dir, name))
		if err != nil {
			return false, err
		}
		if st.Size() > segmentHeaderSize {
			return true, nil
		}
	}
	return false, err
}
