package comm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"iter"

	"dsss/internal/stream"
)

// The batch has one FlatBuffers layout, which puts BatchHead at a fixed place and the calls last, so that calls are appended
// without a Builder, and the coordinator fills in its part in place.
//
//	 0 u32  root = 12
//	 4 u16  vtable: 8 bytes, table 64 bytes, head at +4, calls at +60
//	12 i32  table: vtable is 8 bytes back
//	16      BatchHead, 56 bytes: stream and request, 32 of the coordinator, count, and check
//	72 u32  offset of the vector of calls = 4
//	76 u32  bytes of calls
//	80      calls: CallHead (16 bytes), arguments, padding to 8; and again
const (
	batchPrefix  = 80
	batchHead    = 16
	batchOrder   = batchHead + 16
	batchCount   = batchOrder + 32
	batchCheck   = batchCount + 4
	batchCalls   = batchHead + 56
	batchLength  = batchCalls + 4
	callHeadSize = 16
)

// CallOverhead is the most that one call adds to a batch beyond its arguments, in bytes.
const CallOverhead = callHeadSize + 7

var batchTemplate = func() (t [HeaderSize + batchPrefix]byte) {
	b := t[HeaderSize:]
	le := binary.LittleEndian
	le.PutUint32(b[0:], 12)
	le.PutUint16(b[4:], 8)
	le.PutUint16(b[6:], 64)
	le.PutUint16(b[8:], 4)
	le.PutUint16(b[10:], 60)
	le.PutUint32(b[12:], 8)
	le.PutUint32(b[batchCalls:], 4)
	return t
}()

// BeginBatch starts a batch frame in buf[:0], whose storage it takes over when large enough.
func BeginBatch(buf []byte) []byte { return append(buf[:0], batchTemplate[:]...) }

// BeginCall opens a call at the end of a frame from BeginBatch; the arguments are appended behind it, and EndCall
// follows.
func BeginCall(frame []byte, object, method uint32) []byte {
	var h [callHeadSize]byte
	binary.LittleEndian.PutUint32(h[0:], object)
	binary.LittleEndian.PutUint32(h[4:], method)
	return append(frame, h[:]...)
}

// EndCall closes the call that was opened when the frame was start bytes long.
func EndCall(frame []byte, start int) []byte {
	size := len(frame) - start - callHeadSize
	binary.LittleEndian.PutUint32(frame[start+8:], uint32(size))
	var padding [7]byte
	return append(frame, padding[:-size&7]...)
}

// AppendCall adds a whole call to a frame from BeginBatch. args is copied.
func AppendCall(frame []byte, object, method uint32, args []byte) []byte {
	start := len(frame)
	return EndCall(append(BeginCall(frame, object, method), args...), start)
}

// FinishBatch fills in the worker's part of the head and seals the frame.
func FinishBatch(frame []byte, stream, request uint64, count uint32) {
	b := frame[HeaderSize:]
	le := binary.LittleEndian
	le.PutUint64(b[batchHead:], stream)
	le.PutUint64(b[batchHead+8:], request)
	le.PutUint32(b[batchCount:], count)
	le.PutUint32(b[batchLength:], uint32(len(b)-batchPrefix))
	Seal(frame, KindBatch)
}

// A Batch is a verified view of a Batch body; it aliases the body.
type Batch struct {
	Stream   uint64 // see package stream
	Request  uint64
	Sequence uint64
	Epoch    uint64
	Nanos    int64
	Previous uint64 // last sequence number of domain 0 before it; 0: not known
	Count    uint32
	Calls    Calls
}

// Domain returns the domain that the batch belongs to.
func (b *Batch) Domain() uint64 { return stream.Domain(b.Stream) }

// VoidBatch returns the frame of a batch that stands for count hosted calls from sequence number first on that nobody has any
// more, as the given request of its stream.
func VoidBatch(request, first uint64, count uint32, epoch uint64, nanos int64) []byte {
	frame := BeginBatch(nil)
	FinishBatch(frame, stream.Void, request, count)
	Order(frame, first, epoch, nanos, 0)
	return frame
}

// DomainOf returns the domain of a sealed frame, which all batches of a group share; of what is no batch, 0.
func DomainOf(frame []byte) uint64 {
	if len(frame) < HeaderSize+batchPrefix {
		return 0
	}
	return stream.Domain(binary.LittleEndian.Uint64(frame[HeaderSize+batchHead:]))
}

// ParseBatch verifies a Batch body. The calls inside are checked as they are walked; there is room for as many as the
// head counts.
func ParseBatch(body []byte) (Batch, error) {
	le := binary.LittleEndian
	if len(body) < batchPrefix || !bytes.Equal(body[:batchHead], batchTemplate[HeaderSize:HeaderSize+batchHead]) || le.Uint32(body[batchCalls:]) != 4 {
		return Batch{}, fmt.Errorf("%w: a batch of another layout", ErrProtocol)
	}
	h, calls := body[batchHead:], body[batchPrefix:]
	b := Batch{
		Stream: le.Uint64(h), Request: le.Uint64(h[8:]), Sequence: le.Uint64(h[16:]), Epoch: le.Uint64(h[24:]),
		Nanos: int64(le.Uint64(h[32:])), Previous: le.Uint64(h[40:]), Count: le.Uint32(h[48:]), Calls: Calls{calls},
	}
	switch n := le.Uint32(body[batchLength:]); {
	case int64(n) != int64(len(calls)):
		return Batch{}, fmt.Errorf("%w: a batch that says %d bytes of calls and has %d", ErrProtocol, n, len(calls))
	case b.Stream == stream.Void && n == 0: // nobody walks its calls
	case int64(b.Count) > int64(n/callHeadSize): // replicas walk as many calls: a claim is not enough to make them
		return Batch{}, fmt.Errorf("%w: batch of %d calls in %d bytes", ErrProtocol, b.Count, n)
	}
	return b, nil
}

// Order writes the coordinator's decision into a sealed batch frame, in place. The calls are not touched, nor hashed again.
func Order(frame []byte, sequence, epoch uint64, nanos int64, previous uint64) {
	le := binary.LittleEndian
	o := frame[HeaderSize+batchOrder:]
	le.PutUint64(o, sequence)
	le.PutUint64(o[8:], epoch)
	le.PutUint64(o[16:], uint64(nanos))
	le.PutUint64(o[24:], previous)
	putCheck(frame)
}

// BatchHead is how many bytes of a batch's frame lie before the calls: what the frame's checksum does not cover, and check does.
const BatchHead = HeaderSize + batchCalls

// Batches reads the batches of a group: sealed frames one behind the other, as an entry of the log has them.
func Batches(frames []byte) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		for len(frames) > 0 {
			end := single(frames)
			if end == 0 {
				yield(Batch{}, fmt.Errorf("%w: %d bytes that are no frame", ErrProtocol, len(frames)))
				return
			}
			b, err := ParseBatch(frames[HeaderSize:end])
			if !yield(b, err) || err != nil {
				return
			}
			frames = frames[end:]
		}
	}
}

// single returns where the first frame ends, 0 when it is cut off.
func single(frames []byte) int {
	if len(frames) < HeaderSize {
		return 0
	}
	end := HeaderSize + int64(binary.LittleEndian.Uint32(frames))
	if end > int64(len(frames)) {
		return 0
	}
	return int(end)
}

// GroupSum returns what is known of the checksum of a group of sealed batches: that of what lies behind its first head bytes. Of
// several batches nothing is known, and head is 0.
func GroupSum(frames []byte) (head, sum uint32) {
	if single(frames) != len(frames) {
		return 0, 0
	}
	return BatchHead, BodySum(frames)
}

// putCheck has check cover all that lies before the calls of a sealed frame, and bind it to them.
func putCheck(frame []byte) {
	if body := frame[HeaderSize:]; len(body) >= batchPrefix {
		binary.LittleEndian.PutUint32(body[batchCheck:], crc32.Update(BodySum(frame), castagnoli, body[:batchCheck]))
	}
}

// checked tells whether check is right in a batch's body, whose calls have that checksum.
func checked(body []byte, sum uint32) bool {
	le := binary.LittleEndian
	return len(body) < batchPrefix || // the parser refuses it
		le.Uint32(body[batchCheck:]) == crc32.Update(sum, castagnoli, body[:batchCheck])
}

// Calls walks the calls of a batch. The zero value is empty.
type Calls struct{ rest []byte }

// Next returns the next call; args aliases the batch. ok is false at the end and at the first malformed record: how
// many calls are readable is the same on every replica, so the ones behind it fail alike everywhere.
func (c *Calls) Next() (object, method uint32, args []byte, ok bool) {
	if len(c.rest) < callHeadSize {
		return 0, 0, nil, false
	}
	le := binary.LittleEndian
	size := int(le.Uint32(c.rest[8:]))
	if size > len(c.rest)-callHeadSize {
		return 0, 0, nil, false
	}
	object, method = le.Uint32(c.rest), le.Uint32(c.rest[4:])
	args = c.rest[callHeadSize : callHeadSize+size : callHeadSize+size]
	end := callHeadSize + (size+7)&^7
	c.rest = c.rest[min(end, len(c.rest)):]
	return object, method, args, true
}

// EmptyBatch is the length of a batch frame without calls.
const EmptyBatch = HeaderSize + batchPrefix
