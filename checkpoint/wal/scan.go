package wal

import (
	"errors"
	"fmt"
	"io"

	"dsss/checkpoint/internal/format"
	"dsss/internal/limits"
)

// segmentReader decodes the records of one segment up to a limit, reading
// ahead in pieces of limits.LogBuffer.
type segmentReader struct {
	f      io.ReaderAt
	path   string
	header segmentHeader
	off    int64 // of the next record
	limit  int64 // bytes of the segment that may be read

	buf   []byte // holds the bytes from start on
	start int64
}

// badRecord is a record that cannot be read: torn or damaged, which only the
// rest of the segment can tell. I/O errors are no badRecord.
type badRecord struct{ cause error }

func (e *badRecord) Error() string { return e.cause.Error() }

// openSegment reads the header of the segment of limit bytes in f, which begins
// at the sequence number first.
func openSegment(f io.ReaderAt, limit int64, path string, first uint64) (*segmentReader, error) {
	r := &segmentReader{f: f, path: path, limit: limit}
	b, err := r.peek(min(limit, segmentHeaderSize))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.header, err = decodeSegmentHeader(b); errors.Is(err, format.ErrOther) {
		return nil, fmt.Errorf("%s: %w", path, err)
	} else if err != nil {
		return nil, &CorruptError{path, 0, err.Error()}
	}
	if r.header.first != first || first == 0 {
		return nil, &CorruptError{path, 0, fmt.Sprintf("segment header says it begins at sequence number %d", r.header.first)}
	}
	r.off = segmentHeaderSize
	return r, nil
}

// peek returns n bytes from off on, which must be below limit. They are valid
// until the next call.
func (r *segmentReader) peek(n int64) ([]byte, error) {
	if r.off < r.start || r.off+n > r.start+int64(len(r.buf)) {
		want := min(max(n, limits.LogBuffer), r.limit-r.off)
		if int64(cap(r.buf)) < want {
			r.buf = make([]byte, want)
		}
		r.buf, r.start = r.buf[:want], r.off
		if got, err := r.f.ReadAt(r.buf, r.off); int64(got) < want {
			r.buf = r.buf[:0]
			return nil, fmt.Errorf("read at offset %d: %w", r.off, err)
		}
	}
	return r.buf[r.off-r.start:][:n], nil
}

// next decodes the record at off and moves behind it. It returns io.EOF at the
// limit and a *badRecord, without moving, for what is no record. Data is valid
// until the next call.
func (r *segmentReader) next() (Record, recordHeader, error) {
	if r.off == r.limit {
		return Record{}, recordHeader{}, io.EOF
	}
	bad := func(err error) (Record, recordHeader, error) {
		return Record{}, recordHeader{}, &badRecord{err}
	}
	if r.limit-r.off < recordHeaderSize {
		return bad(errors.New("record header is cut off"))
	}
	b, err := r.peek(recordHeaderSize)
	if err != nil {
		return Record{}, recordHeader{}, err
	}
	h, err := decodeRecordHeader(b, r.header.salt)
	if err != nil {
		return bad(err)
	}
	size := recordSize(int(h.length))
	if r.limit-r.off < size {
		return bad(errors.New("record is cut off"))
	}
	if b, err = r.peek(size); err != nil {
		return Record{}, recordHeader{}, err
	}
	rec, err := h.record(b[recordHeaderSize:])
	if err != nil {
		return bad(err)
	}
	r.off += size
	return rec, h, nil
}

// torn decides about the bad record at off in the last segment: it returns ""
// when that is the torn end of a write that nobody was told had reached the
// disk, else the reason why it is damage.
//
// It is torn when no record header follows. When one does, the disk may still
// have taken the pages of one unsynced write in another order: then a whole
// sector of the bad record reads as zeros, and no later record knows of a sync
// that covered it.
func (r *segmentReader) torn() (string, error) {
	bad := r.off
	next := int64(-1) // offset of the first header that follows
	synced := int64(0)
	defer func() { r.off = bad }()
	for r.off = bad + recordAlign; r.limit-r.off >= recordHeaderSize; r.off += recordAlign {
		b, err := r.peek(recordHeaderSize)
		if err != nil {
			return "", err
		}
		h, err := decodeRecordHeader(b, r.header.salt)
		if err != nil {
			continue
		}
		if next < 0 {
			next = r.off
		}
		synced = max(synced, int64(h.synced))
	}
	if next < 0 {
		return "", nil
	}
	if synced > bad {
		return fmt.Sprintf("a record at offset %d follows, written after a sync that covered the damage", next), nil
	}
	r.off = bad
	hole, err := r.hasZeroSector(next)
	if err != nil {
		return "", err
	}
	if !hole {
		return fmt.Sprintf("a record at offset %d follows", next), nil
	}
	return "", nil
}

// hasZeroSector reports whether a sector that lies in [off, end), or the rest
// of the sector that off lies in, is all zeros.
func (r *segmentReader) hasZeroSector(end int64) (bool, error) {
	const sector = 512
	for r.off < end {
		n := sector - r.off%sector
		if r.off+n > end {
			return false, nil
		}
		b, err := r.peek(n)
		if err != nil {
			return false, err
		}
		if allZero(b) {
			return true, nil
		}
		r.off += n
	}
	return false, nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
