package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"

	"dsss/checkpoint/internal/format"
	"dsss/internal/limits"
)

// A segment is a header and records, little-endian, each record padded with
// zeros to a multiple of 8 bytes:
//
//	 0               8               16              24              32
//	+---------------+---------------+---------------+---------------+
//	| magic         | first         | tag           | salt          |   segment header
//	+---------------+-------+-------+-------+-------+---------------+
//	| log           | ver   | flags |   0   | crc   |
//	+---------------+-------+-------+-------+-------+
//	 32              40      44      48      52      56
//
//	 0       4       8              16      20      24      28      32
//	+-------+-------+---------------+-------+-------+-------+-------+----------------
//	|length | count | first         |synced | head  |datacrc|headcrc| data … 0…0       record
//	+-------+-------+---------------+-------+-------+-------+-------+----------------
//
// Segment header:
//
//	first    first sequence number of the segment, which also names the file
//	tag      Config.Tag of the process that started the segment
//	log      random, the same in all segments of a log: Bound.ID
//	flags    1: the log begins again here, and segments before this one are void
//	salt     random; every headcrc of the segment starts from it, so that bytes
//	         of another file, or of a segment inside data, never look like a record
//	crc      CRC-32C of the 52 bytes before it
//
// Record:
//
//	length   bytes of data, without padding
//	first    sequence number of the first of count mutations in data
//	synced   how much of this segment was known to be on disk when the record was
//	         written: damage below that offset cannot be a torn write
//	head     how many of the first bytes of data are not in Record.Sum
//	datacrc  CRC-32C of those bytes and of Record.Sum, which is the CRC-32C of the others: so what has been hashed
//	         before it came here is not hashed again
//	headcrc  CRC-32C of the salt and the 28 bytes before it
//
// A segment gets its name only once its header is on disk, so that a bad header
// is damage and never a torn write.
const (
	Format            = 3 // of segments; a log of another is refused
	segmentHeaderSize = 56
	recordHeaderSize  = 32
	recordAlign       = 8
	segmentSuffix     = ".seg"
)

var (
	segmentMagic = [8]byte{'D', 'S', 'S', 'S', 'l', 'o', 'g', '\n'}
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
)

// Record is one entry of the log.
type Record struct {
	First uint64 // sequence number of the first mutation in Data
	Count uint32 // mutations in Data, one at least
	Data  []byte // opaque

	// Sum is the CRC-32C of Data[Head:]. Append computes it where Head is 0, and takes the caller's word for it else: a wrong
	// one makes a record that does not verify. In a record that was read it is right.
	Head uint32
	Sum  uint32
}

// end returns the sequence number after the record's last.
func (r Record) end() uint64 { return r.First + uint64(r.Count) }

// recordSize returns the bytes a record with n bytes of data takes.
func recordSize(n int) int64 {
	return (recordHeaderSize + int64(n) + recordAlign - 1) &^ (recordAlign - 1)
}

// segmentPath returns the path of the segment in dir whose first sequence number that is.
func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, segmentSuffix))
}

// segmentName returns the first sequence number in names such as 00000000000000000017.seg.
func segmentName(name string) (first uint64, ok bool) {
	_, err := fmt.Sscanf(name, "%020d"+segmentSuffix, &first)
	return first, err == nil && segmentPath("", first) == name
}

// IsName reports whether a file's name ends as those of segments do, of any format.
func IsName(name string) bool { return filepath.Ext(name) == segmentSuffix }

// segment describes one segment file.
type segment struct {
	first, next uint64 // sequence numbers in it are first..next-1
	size        int64  // bytes of complete records and the header
}

// newSegment returns a segment that holds nothing yet.
func newSegment(first uint64) segment {
	return segment{first: first, next: first, size: segmentHeaderSize}
}

// add accounts for a record appended to the segment.
func (s *segment) add(r Record) {
	s.size += recordSize(len(r.Data))
	s.next = r.end()
}

type segmentHeader struct {
	first uint64
	tag   uint64
	salt  [8]byte
	log   uint64
	anew  bool
}

func (h segmentHeader) encode() []byte {
	b := make([]byte, 0, segmentHeaderSize)
	b = append(b, segmentMagic[:]...)
	b = binary.LittleEndian.AppendUint64(b, h.first)
	b = binary.LittleEndian.AppendUint64(b, h.tag)
	b = append(b, h.salt[:]...)
	b = binary.LittleEndian.AppendUint64(b, h.log)
	b = binary.LittleEndian.AppendUint32(b, Format)
	var flags uint32
	if h.anew {
		flags = 1
	}
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = binary.LittleEndian.AppendUint32(b, 0)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func decodeSegmentHeader(b []byte) (segmentHeader, error) {
	var h segmentHeader
	switch {
	case len(b) < segmentHeaderSize:
		return h, fmt.Errorf("segment header has %d of %d bytes", len(b), segmentHeaderSize)
	case [8]byte(b[:8]) != segmentMagic:
		return h, errors.New("not a log segment")
	case binary.LittleEndian.Uint32(b[52:]) != crc32.Checksum(b[:52], castagnoli):
		return h, errors.New("segment header fails its checksum")
	}
	if v := binary.LittleEndian.Uint32(b[40:]); v != Format {
		return h, format.Other("log segment", int(v), Format)
	}
	h.first = binary.LittleEndian.Uint64(b[8:])
	h.tag = binary.LittleEndian.Uint64(b[16:])
	copy(h.salt[:], b[24:])
	h.log = binary.LittleEndian.Uint64(b[32:])
	h.anew = binary.LittleEndian.Uint32(b[44:])&1 != 0
	return h, nil
}

// recordHeader is a record's header as stored.
type recordHeader struct {
	length  uint32
	count   uint32
	first   uint64
	synced  uint32
	head    uint32
	dataCRC uint32
}

// appendRecord appends the stored form of r to b.
func appendRecord(b []byte, r Record, synced uint32, salt [8]byte) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Data)))
	b = binary.LittleEndian.AppendUint32(b, r.Count)
	b = binary.LittleEndian.AppendUint64(b, r.First)
	b = binary.LittleEndian.AppendUint32(b, synced)
	b = binary.LittleEndian.AppendUint32(b, r.Head)
	if r.Head == 0 {
		r.Sum = crc32.Checksum(r.Data, castagnoli)
	}
	b = binary.LittleEndian.AppendUint32(b, dataCRC(r.Data[:r.Head], r.Sum))
	b = binary.LittleEndian.AppendUint32(b, headerCRC(b[start:], salt))
	b = append(b, r.Data...)
	for (len(b)-start)%recordAlign != 0 {
		b = append(b, 0)
	}
	return b
}

func headerCRC(b []byte, salt [8]byte) uint32 {
	return crc32.Update(crc32.Checksum(salt[:], castagnoli), castagnoli, b[:28])
}

func dataCRC(head []byte, sum uint32) uint32 {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], sum)
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, b[:])
}

// decodeRecordHeader reads a header from b, which has recordHeaderSize bytes.
func decodeRecordHeader(b []byte, salt [8]byte) (recordHeader, error) {
	if binary.LittleEndian.Uint32(b[28:]) != headerCRC(b, salt) {
		return recordHeader{}, errors.New("record header fails its checksum")
	}
	h := recordHeader{
		length:  binary.LittleEndian.Uint32(b),
		count:   binary.LittleEndian.Uint32(b[4:]),
		first:   binary.LittleEndian.Uint64(b[8:]),
		synced:  binary.LittleEndian.Uint32(b[16:]),
		head:    binary.LittleEndian.Uint32(b[20:]),
		dataCRC: binary.LittleEndian.Uint32(b[24:]),
	}
	if h.length > limits.LogRecord {
		return h, fmt.Errorf("record of %d bytes is %w of %d", h.length, ErrTooLarge, limits.LogRecord)
	}
	if h.head > h.length {
		return h, fmt.Errorf("record of %d bytes says that its head has %d", h.length, h.head)
	}
	return h, nil
}

// record returns the record of data and padding, as stored, once it has compared them with the header.
func (h recordHeader) record(data []byte) (Record, error) {
	r := Record{First: h.first, Count: h.count, Data: data[:h.length:h.length], Head: h.head}
	r.Sum = crc32.Checksum(r.Data[h.head:], castagnoli)
	if dataCRC(r.Data[:h.head], r.Sum) != h.dataCRC {
		return Record{}, errors.New("record data fails its checksum")
	}
	if !allZero(data[h.length:]) {
		return Record{}, errors.New("record padding is not zero")
	}
	return r, nil
}
