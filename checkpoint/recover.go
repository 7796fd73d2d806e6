package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"dsss/internal/limits"
	"dsss/internal/vfs"
)

// Recovery says what OpenLog found.
type Recovery struct {
	Segment   string // path of the last segment
	TornBytes int64  // cut off its end: an append that a crash interrupted
	Last      uint64 // last sequence number in the log; LogConfig.First-1 for a new one
	Tag       uint64 // LogConfig.Tag of the last segment that was read and holds a record; 0: none does
	Foreign   string // a file in the directory that is none of a log's; empty: there is none
}

// OpenLog opens the log in dir, which it creates when missing, reads all of it
// (see [LogConfig.Trust]), cuts off a torn tail and makes the rest durable. Damage that is no torn tail
// is a *CorruptError ([ErrCorruptLog]): a bad record with others after it, a
// missing segment, a gap in the sequence numbers. Then nothing is changed.
//
// The caller must own the state directory and closes the Log.
func OpenLog(dir string, cfg LogConfig) (*Log, Recovery, error) {
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
	ids, err := segmentsIn(l.fs, l.dir)
	if err != nil {
		return Recovery{}, err
	}
	foreign, err := foreignIn(l.fs, l.dir)
	if err != nil {
		return Recovery{}, err
	}
	var torn, known int64
	for i, id := range ids {
		if i > 0 {
			if last := l.tail(); last.then(last.next) != id {
				return Recovery{}, &CorruptError{ErrCorruptLog, id.path(l.dir), -1,
					fmt.Sprintf("the segment before it ends at sequence number %d: a segment is missing", last.next)}
			}
		}
		if last := i == len(ids)-1; l.cfg.Trust && !last {
			err = l.trust(id, ids[i+1])
		} else {
			torn, known, err = l.load(id, last)
		}
		if err != nil {
			return Recovery{}, err
		}
	}
	// From here on the log is known to be sound, and only now anything changes.
	if err := removeTemporaries(l.fs, l.dir); err != nil {
		return Recovery{}, err
	}
	if len(ids) == 0 {
		if err := l.start(segmentID{first: l.cfg.First}); err != nil {
			return Recovery{}, err
		}
	} else if torn > 0 {
		if err := l.active.Truncate(l.tail().size); err != nil {
			return Recovery{}, err
		}
	}
	if err := l.secure(known); err != nil {
		return Recovery{}, err
	}
	l.synced = l.tail().size
	return Recovery{Segment: l.tail().path(l.dir), TornBytes: torn, Last: l.tail().next - 1, Tag: l.tag, Foreign: foreign}, nil
}

// load scans one segment, adds it to the log, and keeps the last one open as
// the active one. It returns the length of its torn tail, and how much of it was
// known to be on disk by the record that knows most.
func (l *Log) load(id segmentID, last bool) (torn, known int64, err error) {
	path := id.path(l.dir)
	f, err := l.fs.OpenFile(path, os.O_RDWR)
	if err != nil {
		return 0, 0, err
	}
	var seg segment
	var header segmentHeader
	size, err := f.Size()
	if err == nil {
		seg, header, known, err = scan(f, size, path, id, last)
	}
	if err != nil || !last {
		if err := errors.Join(err, f.Close()); err != nil {
			return 0, 0, err
		}
	} else {
		l.active, l.header = f, header
	}
	if seg.size > segmentHeaderSize {
		l.tag = header.tag
	}
	l.segments = append(l.segments, seg)
	return size - seg.size, known, nil
}

// trust adds a segment to the log that the one named next follows. Whether it
// ends with a control record is not known; that it does is the careful answer.
func (l *Log) trust(id, next segmentID) error {
	f, err := l.fs.OpenFile(id.path(l.dir), os.O_RDONLY)
	if err != nil {
		return err
	}
	seg := newSegment(id)
	seg.next, seg.trailing = next.first, true
	seg.size, err = f.Size()
	l.segments = append(l.segments, seg)
	return errors.Join(err, f.Close())
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
		return &CorruptError{ErrCorruptLog, path, off, reason}
	}
	r, err := openSegment(f, size)
	var bad *badRecord
	if errors.As(err, &bad) {
		return seg, none, 0, corrupt(0, bad.Error())
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

// segmentsIn lists a log's segments in their order.
func segmentsIn(fsys vfs.FS, dir string) ([]segmentID, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var ids []segmentID
	for _, name := range names {
		if id, ok := segmentName(name); ok {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, segmentID.compare)
	return ids, nil
}

// foreignIn names a file in a log's directory that is no part of a log.
func foreignIn(fsys vfs.FS, dir string) (string, error) {
	names, err := fsys.ReadDir(dir)
	for _, name := range names {
		if _, ok := segmentName(name); !ok && !strings.HasSuffix(name, tmpSuffix) {
			return name, err
		}
	}
	return "", err
}

// logHolds tells whether the log in dir, if there is one, holds a record, or a
// file that is none of a log's.
func logHolds(fsys vfs.FS, dir string) (bool, error) {
	ids, err := segmentsIn(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || len(ids) != 1 {
		return len(ids) > 1, err
	}
	f, err := fsys.OpenFile(ids[0].path(dir), os.O_RDONLY)
	if err != nil {
		return false, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return false, err
	}
	r, err := openSegment(f, size)
	if err == nil {
		_, _, err = r.next()
	}
	var bad *badRecord
	if err == io.EOF || errors.As(err, &bad) && size <= segmentHeaderSize {
		return false, nil
	}
	if errors.As(err, &bad) {
		return r != nil && ids[0].first > 1, nil // a first append that was torn: nothing was acknowledged
	}
	return err == nil, err
}

// numbered lists the numbers in the names of a directory's files, ascending.
func numbered(fsys vfs.FS, dir, suffix string) ([]uint64, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var ns []uint64
	for _, name := range names {
		if n, ok := numberedName(name, suffix); ok {
			ns = append(ns, n)
		}
	}
	slices.Sort(ns)
	return ns, nil
}
