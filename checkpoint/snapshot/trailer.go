package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"dsss/checkpoint/internal/format"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A checkpoint file is a bbolt database, whole pages of it, and a trailer,
// little-endian:
//
//	 0               length          +8              +16             +24             +32
//	+---------------+---------------+---------------+---------------+---------------+
//	| bbolt pages   | magic         | length        | seq           | time          |
//	+---------------+---------------+---------------+---------------+---------------+
//	                +32             +40             +48     +52     +56     +60     +64
//	                +---------------+---------------+-------+-------+-------+-------+
//	                | run           | epoch         |objects|version|digest | crc   |
//	                +---------------+---------------+-------+-------+-------+-------+
//
//	length   bytes before the trailer
//	seq      last sequence number in the checkpoint, which also names the file
//	time     when its state was current, nanoseconds since 1970 UTC
//	run      launch that wrote it
//	epoch    coordinator incarnation that it was written under
//	objects  objects in it
//	digest   CRC-32C of the CRC-32Cs of each 64 KiB of the pages (4 bytes each)
//	crc      CRC-32C of the 60 bytes before it
//
// The digest is the only checksum of what the pages hold: each byte is hashed once when it is written and once when it
// is verified. The CRC-32Cs below the digest are not stored. A Reader retains those it computed, and compares with them
// what it yields.
//
// bbolt takes its pages on trust and panics on bad ones, so nothing is handed
// to it before the digest has been checked. The digest is a trailer, and neither
// a second file nor a part of the name, because one file appears, is copied and
// is deleted in one step; bbolt ignores what lies behind its last page.
//
// The database has three buckets, all numbers in keys big-endian:
//
//	meta     "meta"               a Meta, see checkpoint.fbs
//	objects  id (4)               an Object, see checkpoint.fbs
//	chunks   id (4), index (4)    data
const (
	Format      = 5 // of checkpoint files; one of another is refused
	trailerSize = 64
	pageSize    = 4096 // of every checkpoint, whatever the machine's own
)

var trailerMagic = [8]byte{'D', 'S', 'S', 'S', 'c', 'k', 'p', 't'}

type trailer struct {
	length  int64
	seq     uint64
	time    time.Time
	run     uint64
	epoch   uint64
	objects uint32
	digest  uint32
	sum     uint32 // the trailer's crc, which covers all of the file
}

// encode returns the trailer as stored, and notes its sum.
func (t *trailer) encode() []byte {
	b := make([]byte, 0, trailerSize)
	b = append(b, trailerMagic[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(t.length))
	b = binary.LittleEndian.AppendUint64(b, t.seq)
	b = binary.LittleEndian.AppendUint64(b, uint64(t.time.UnixNano()))
	b = binary.LittleEndian.AppendUint64(b, t.run)
	b = binary.LittleEndian.AppendUint64(b, t.epoch)
	b = binary.LittleEndian.AppendUint32(b, t.objects)
	b = binary.LittleEndian.AppendUint32(b, Format)
	b = binary.LittleEndian.AppendUint32(b, t.digest)
	t.sum = crc32.Checksum(b, castagnoli)
	return binary.LittleEndian.AppendUint32(b, t.sum)
}

// readTrailer reads the trailer of a file of size bytes. An error that is no
// I/O error says what is wrong with the file.
func readTrailer(f io.ReaderAt, size int64) (trailer, error) {
	var t trailer
	if size < trailerSize {
		return t, fmt.Errorf("file of %d bytes is cut off", size)
	}
	var b [trailerSize]byte
	if _, err := f.ReadAt(b[:], size-trailerSize); err != nil && err != io.EOF {
		return t, &ioError{err}
	}
	switch {
	case [8]byte(b[:8]) != trailerMagic:
		return t, errors.New("trailer is missing: the file is cut off or no checkpoint")
	case binary.LittleEndian.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli):
		return t, errors.New("trailer fails its checksum")
	}
	if v := binary.LittleEndian.Uint32(b[52:]); v != Format {
		return t, format.Other("checkpoint", int(v), Format)
	}
	t.length = int64(binary.LittleEndian.Uint64(b[8:]))
	t.seq = binary.LittleEndian.Uint64(b[16:])
	t.time = time.Unix(0, int64(binary.LittleEndian.Uint64(b[24:]))).UTC()
	t.run = binary.LittleEndian.Uint64(b[32:])
	t.epoch = binary.LittleEndian.Uint64(b[40:])
	t.objects = binary.LittleEndian.Uint32(b[48:])
	t.digest = binary.LittleEndian.Uint32(b[56:])
	t.sum = binary.LittleEndian.Uint32(b[60:])
	if t.length != size-trailerSize {
		return t, fmt.Errorf("file has %d bytes before its trailer, which says %d", size-trailerSize, t.length)
	}
	return t, nil
}

// ioError is a failure to read, which says nothing about what is stored.
type ioError struct{ err error }

func (e *ioError) Error() string { return e.err.Error() }
func (e *ioError) Unwrap() error { return e.err }
