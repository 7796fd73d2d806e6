package replica

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// An ObjectDigest condenses what a window of a state holds of one object.
type ObjectDigest struct {
	Object uint32
	Digest uint64
}

// A Digester digests a window of a state's pieces on their way to another sink. Equal states give equal digests, because
// equal states give equal pieces. It finds accidents, not forgeries.
type Digester struct {
	// First is how many pieces are passed over, Pieces how many are digested at most.
	First, Pieces int
	// Hosted: hosted objects count, too; else a keeper digests what a worker does.
	Hosted bool
	// To takes the state on. nil: nobody does, and the state ends with the window.
	To Sink

	// Found is what the window holds, by ascending ids; objects without a piece in it are left out.
	Found []ObjectDigest

	at     int
	object uint32
	passes bool // the object does not count
}

// ErrEnough is what Replica.Save returns when a Digester without a sink behind it has seen its window.
var ErrEnough = errors.New("the window ends here")

// Begin implements Sink.
func (d *Digester) Begin(end ItemEnd) error {
	if d.To != nil {
		return d.To.Begin(end)
	}
	return nil
}

// Object implements Sink.
func (d *Digester) Object(o *Object) error {
	d.object, d.passes = o.ID, o.Hosted && !d.Hosted
	if d.To != nil {
		return d.To.Object(o)
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Piece implements Sink.
func (d *Digester) Piece(data []byte) error {
	if d.passes && d.To != nil {
		return d.To.Piece(data)
	}
	if d.at >= d.First && d.at < d.First+d.Pieces {
		n := len(d.Found)
		if n == 0 || d.Found[n-1].Object != d.object {
			d.Found = append(d.Found, ObjectDigest{Object: d.object, Digest: fnvOffset})
			n++
		}
		var b [8]byte
		binary.LittleEndian.PutUint32(b[:], crc32.Checksum(data, castagnoli))
		binary.LittleEndian.PutUint32(b[4:], uint32(len(data)))
		d.Found[n-1].Digest = fnv(d.Found[n-1].Digest, b[:])
	}
	d.at++
	switch {
	case d.To != nil:
		return d.To.Piece(data)
	case d.at >= d.First+d.Pieces:
		return ErrEnough
	}
	return nil
}

// FNV-1a of 64 bits, continued (Fowler, Noll, Vo; RFC 9923).
const (
	fnvOffset = 0xcbf29ce484222325
	fnvPrime  = 0x100000001b3
)

func fnv(h uint64, b []byte) uint64 {
	for _, c := range b {
		h = (h ^ uint64(c)) * fnvPrime
	}
	return h
}
