package wal

import (
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
		if err := l.start(segmentHeader{segmentID: segmentID{first: l.cfg.First}}); err != nil {
			return Recovery{}, err
		}
	} else if l.active, err = l.fs.OpenFile(l.tail().path(l.dir), os.O_RDWR); err != nil {
		return Recovery{}, err
	} else if v.torn > 0 {
		if err := l.active.Truncate(l.tail().size); err != nil {
			return Recovery{}, err
		}
	}
	if err := l.secure(v.known); err != nil {
		return Recovery{}, err
	}
	l.synced, l.durable = l.tail().size, l.tail().next
	return Recovery{Segment: l.tail().path(l.dir), TornBytes: v.torn, Last: l.tail().next - 1}, nil
}

// A survey is what the files of a log hold.
type survey struct {
	segments []segment     // contiguous, oldest first
	header   segmentHeader // of the last
	torn     int64         // bytes at its end that belong to no record
	known    int64         // how much of it was known to be on disk by the record that knows most
	void     []segmentID   // what a segment that begins the log anew has left over
}

// survey reads the log in dir, which may be in use, and changes nothing.
func (c *Config) survey(dir string) (survey, error) {
	var v survey
	ids, err := segmentsIn(c.FS, dir)
	if err != nil {
		return v, err
	}
	if ids, v.void, err = c.sinceAnew(dir, ids); err != nil {
		return v, err
	}
	for i, id := range ids {
		if i > 0 {
			if last := v.segments[i-1]; last.then(last.next) != id {
				return v, &CorruptError{id.path(dir), -1,
					fmt.Sprintf("the segment before it ends at sequence number %d: a segment is missing", last.next)}
			}
		}
		before := v.header.log
		if last := i == len(ids)-1; c.Trust && !last {
			err = v.trust(c.FS, dir, id, ids[i+1])
		} else {
			err = v.load(c.FS, dir, id, last)
		}
		if err != nil {
			return v, err
		}
		if known := max(before, c.Bound.ID); known != 0 && v.header.log != known {
			return v, &BoundError{fmt.Sprintf("segment %s is of another job's log", id.path(dir))}
		}
	}
	if c.Bound.ID == 0 {
		return v, nil
	}
	if len(ids) == 0 {
		return v, &BoundError{fmt.Sprintf("its log, which goes on at sequence number %d or later, is not there", c.Bound.Next)}
	}
	if next := v.segments[len(ids)-1].next; next < c.Bound.Next {
		return v, &BoundError{fmt.Sprintf("its log goes on at sequence number %d, it was at %d or later", next, c.Bound.Next)}
	}
	return v, nil
}

// sinceAnew parts the segments into those from where the log began anew last, and the void ones before.
func (c *Config) sinceAnew(dir string, ids []segmentID) (kept, void []segmentID, err error) {
	for i := len(ids) - 1; i > 0; i-- {
		h, err := readSegmentHeader(c.FS, ids[i].path(dir))
		if err != nil {
			return nil, nil, err
		}
		if h.anew {
			return ids[i:], ids[:i], nil
		}
	}
	return ids, nil, nil
}

func readSegmentHeader(fsys vfs.FS, path string) (segmentHeader, error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY)
	if err != nil {
		return segmentHeader{}, err
	}
	defer f.Close()
	var b [segmentHeaderSize]byte
	n, err := f.ReadAt(b[:], 0)
	if err != nil && err != io.EOF {
		return segmentHeader{}, err
	}
	h, err := decodeSegmentHeader(b[:n])
	return h, badHeader(path, err)
}

// badHeader is the error for a segment whose header says nothing, or that it has another format.
func badHeader(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, format.ErrOther):
		return fmt.Errorf("%s: %w", path, err)
	}
	return &CorruptError{path, 0, err.Error()}
}

// load scans one segment and adds it to the survey.
func (v *survey) load(fsys vfs.FS, dir string, id segmentID, last bool) error {
	path := id.path(dir)
	f, err := fsys.OpenFile(path, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close() // it was only read
	size, err := f.Size()
	if err != nil {
		return err
	}
	var seg segment
	if seg, v.header, v.known, err = scan(f, size, path, id, last); err != nil {
		return err
	}
	v.segments, v.torn = append(v.segments, seg), size-seg.size
	return nil
}

// trust adds a segment to the survey that the one named next follows. Whether it
// ends with a control record is not known; that it does is the careful answer.
func (v *survey) trust(fsys vfs.FS, dir string, id, next segmentID) (err error) {
	if v.header, err = readSegmentHeader(fsys, id.path(dir)); err != nil {
		return err
	}
	st, err := fsys.Stat(id.path(dir))
	if err != nil {
		return err
	}
	seg := newSegment(id)
	seg.next, seg.trailing, seg.size = next.first, true, st.Size()
	v.segments = append(v.segments, seg)
	return nil
}

// secure makes the active segment, of which known bytes are on disk, and the
// names of all segments durable. What a killed process appended may never have
// reached the disk; and if that process met a failing sync, the kernel may hold
// for clean what it could not write, so that only writing it again helps.
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

// scan checks the segment of size bytes in f and returns what is sound of it,
// and how much was known to be on disk by the record that knows most. Only the
// last segment may end in a torn write.
func scan(f io.ReaderAt, size int64, path string, id segmentID, last bool) (segment, segmentHeader, int64, error) {
	var none segmentHeader
	seg := newSegment(id)
	known := int64(segmentHeaderSize)
	corrupt := func(off int64, reason string) error {
		return &CorruptError{path, off, reason}
	}
	r, err := openSegment(f, size)
	var bad *badRecord
	if errors.As(err, &bad) {
		return seg, none, 0, badHeader(path, bad.cause)
	} else if err != nil {
		return seg, none, 0, fmt.Errorf("%s: %w", path, err)
	}
	if r.header.segmentID != id || id.first == 0 {
		return seg, none, 0, corrupt(0, fmt.Sprintf("segment header says it is part %d from sequence number %d on", r.header.part, r.header.first))
	}
	for {
		at := r.off
		rec, h, err := r.next()
		switch {
		case err == io.EOF:
			return seg, r.header, known, nil
		case errors.As(err, &bad) && last:
			reason, err := r.torn()
			if err != nil {
				return seg, none, 0, fmt.Errorf("%s: %w", path, err)
			}
			if reason != "" {
				return seg, none, 0, corrupt(at, fmt.Sprintf("%v, and %s", bad, reason))
			}
			return seg, r.header, known, nil
		case errors.As(err, &bad):
			return seg, none, 0, corrupt(at, bad.Error())
		case err != nil:
			return seg, none, 0, fmt.Errorf("%s: %w", path, err)
		case rec.First != seg.next || rec.end() < rec.First:
			return seg, none, 0, corrupt(at, fmt.Sprintf("record %d+%d where %d is next", rec.First, rec.Count, seg.next))
		}
		seg.add(rec)
		known = max(known, int64(h.synced))
	}
}

// segmentsIn lists a log's segments in their order. What looks like a segment of
// another format is an error: it is part of the log, and would be left out.
func segmentsIn(fsys vfs.FS, dir string) ([]segmentID, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var ids []segmentID
	for _, name := range names {
		if id, ok := segmentName(name); ok {
			ids = append(ids, id)
		} else if IsName(name) {
			return nil, fmt.Errorf("%w: %s is not named as segments are: put it back, or use the DSSS version that wrote it", format.ErrOther, filepath.Join(dir, name))
		}
	}
	slices.SortFunc(ids, segmentID.compare)
	return ids, nil
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
