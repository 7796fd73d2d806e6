package comm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"dsss/internal/limits"
	"dsss/internal/protocol"
)

// Version is that of the frames and messages. Processes of different versions refuse each other.
const Version = protocol.Version

// A frame is a header and a body; integers are little-endian.
//
//	 0        4        8    9   10    12       16
//	+--------+--------+----+----+-----+--------+----------------+
//	| length | crc    |kind|  0 |"DS" | crc of | body           |
//	| of body| of body|    |    |     | 0..12  | length bytes   |
//	+--------+--------+----+----+-----+--------+----------------+
//
// The header has a checksum of its own so that a damaged length is seen before it is believed.
// The body starts 16 bytes in, which keeps the 8-byte alignment that FlatBuffers lays out for. The checksum of a batch
// covers its calls; what lies before them has one of its own (batch.go).
const HeaderSize = 16

const magic = uint16('D') | uint16('S')<<8

// A Kind says which table a frame's body is.
type Kind uint8

// The kinds. Values are on the wire: they are never reused.
const (
	KindHello Kind = iota + 1
	KindWelcome
	KindRefuse
	KindBatch
	KindStateObject
	KindStateChunk
	KindStateEnd
	KindHeartbeat
	KindSync
	KindSynced
	KindSave
	KindSaved
	KindProgress
	KindPanic
	KindLeave
	KindStop
	KindCommand
	KindEvent
	KindRecall
	KindTail // a Batch as it was ordered
	KindDigest
	KindMembers
	KindStats
	KindResult
	KindQuery
	KindAnswer
	KindHosting
	KindResend
	kinds
)

var kindNames = [kinds]string{"", "Hello", "Welcome", "Refuse", "Batch", "StateObject", "StateChunk", "StateEnd",
	"Heartbeat", "Sync", "Synced", "Save", "Saved", "Progress", "Panic", "Leave", "Stop", "Command", "Event",
	"Recall", "Tail", "Digest", "Members", "Stats", "Result", "Query", "Answer", "Hosting", "Resend"}

// String names the kind as the schema does.
func (k Kind) String() string {
	if k > 0 && k < kinds {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// ErrProtocol is wrapped by every error about bytes that a peer should not have sent.
var ErrProtocol = errors.New("protocol error")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal fills in the header of a frame whose body already stands behind its first HeaderSize bytes.
func Seal(frame []byte, kind Kind) {
	body := frame[HeaderSize:]
	sealHeader(frame, kind, len(body), sum(kind, body))
	if kind == KindBatch || kind == KindTail {
		putCheck(frame)
	}
}

// sum is the checksum of a body of that kind.
func sum(kind Kind, body []byte) uint32 {
	if (kind == KindBatch || kind == KindTail) && len(body) >= batchPrefix {
		body = body[batchCalls:]
	}
	return crc32.Checksum(body, castagnoli)
}

// BodySum returns the checksum in the header of a sealed frame: of its body, or, of a batch, of what lies behind BatchHead.
func BodySum(frame []byte) uint32 { return binary.LittleEndian.Uint32(frame[4:]) }

// sealHeader fills in the header at the beginning of frame for a body of that length and checksum.
func sealHeader(frame []byte, kind Kind, length int, crc uint32) {
	binary.LittleEndian.PutUint32(frame[0:], uint32(length))
	binary.LittleEndian.PutUint32(frame[4:], crc)
	frame[8], frame[9] = byte(kind), 0
	binary.LittleEndian.PutUint16(frame[10:], magic)
	binary.LittleEndian.PutUint32(frame[12:], crc32.Checksum(frame[:12], castagnoli))
}

// header is a verified frame header.
type header struct {
	kind   Kind
	length int
	crc    uint32
}

// parseHeader verifies the first HeaderSize bytes of h against the largest body allowed.
func parseHeader(h []byte, largest int) (header, error) {
	if binary.LittleEndian.Uint16(h[10:]) != magic {
		return header{}, fmt.Errorf("%w: not a DSSS frame (starts with %q)", ErrProtocol, h[:8])
	}
	if binary.LittleEndian.Uint32(h[12:]) != crc32.Checksum(h[:12], castagnoli) {
		return header{}, fmt.Errorf("%w: wrong checksum of a frame header", ErrProtocol)
	}
	length := binary.LittleEndian.Uint32(h)
	kind := Kind(h[8])
	if kind == 0 || kind >= kinds {
		return header{}, fmt.Errorf("%w: frame of unknown %v", ErrProtocol, kind)
	}
	if int64(length) > int64(largest) {
		return header{}, fmt.Errorf("%w: %v frame of %d bytes, at most %d are allowed here", ErrProtocol, kind, length, largest)
	}
	return header{kind: kind, length: int(length), crc: binary.LittleEndian.Uint32(h[4:])}, nil
}

// check verifies a body against its header.
func (h header) check(body []byte) error {
	if batch := h.kind == KindBatch || h.kind == KindTail; sum(h.kind, body) != h.crc || batch && !checked(body, h.crc) {
		return fmt.Errorf("%w: wrong checksum of a %v frame of %d bytes", ErrProtocol, h.kind, h.length)
	}
	return nil
}

// A full batch fits a frame: this does not compile otherwise.
const _ = uint(limits.Frame - limits.Batch - batchPrefix)
