package comm

import (
	"encoding/binary"
	"fmt"

	"dsss/comm/wire"
	"dsss/flat"
)

// The batch as this package writes it: the one FlatBuffers layout that puts BatchHead at a fixed place and the calls
// last, so that calls are appended without a Builder. Any other valid layout is read as well.
//
//	 0 u32  root = 12
//	 4 u16  vtable: 8 bytes, table 56 bytes, head at +4, calls at +52
//	12 i32  table: vtable is 8 bytes back
//	16      BatchHead, 48 bytes
//	64 u32  offset of the vector of calls = 4
//	68 u32  bytes of calls
//	72      calls: CallHead (16 bytes), arguments, padding to 8; and again
const (
	batchPrefix  = 72
	batchHead    = 16
	batchLength  = 68
	callHeadSize = 16
)

// CallOverhead is the most that one call adds to a batch beyond its arguments, in bytes.
const CallOverhead = callHeadSize + 7

var batchTemplate = func() (t [HeaderSize + batchPrefix]byte) {
	b := t[HeaderSize:]
	le := binary.LittleEndian
	le.PutUint32(b[0:], 12)
	le.PutUint16(b[4:], 8)
	le.PutUint16(b[6:], 56)
	le.PutUint16(b[8:], 4)
	le.PutUint16(b[10:], 52)
	le.PutUint32(b[12:], 8)
	le.PutUint32(b[64:], 4)
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
func FinishBatch(frame []byte, session, request uint64, count uint32) {
	b := frame[HeaderSize:]
	le := binary.LittleEndian
	le.PutUint64(b[batchHead:], session)
	le.PutUint64(b[batchHead+8:], request)
	le.PutUint32(b[batchHead+40:], count)
	le.PutUint32(b[batchLength:], uint32(len(b)-batchPrefix))
	Seal(frame, KindBatch)
}

// A Batch is a verified view of a Batch body; it aliases the body.
type Batch struct {
	Session  uint64
	Request  uint64
	Sequence uint64
	Epoch    uint64
	Nanos    int64
	Count    uint32
	Calls    Calls
}

// ParseBatch verifies a Batch body. The calls inside are checked as they are walked; there is room for as many as the
// head counts.
func ParseBatch(body []byte) (Batch, error) {
	v := flat.New(body)
	t := v.Root()
	t.Scalar(0, 48)
	t.Vector(1, 1)
	if err := v.Err(); err != nil {
		return Batch{}, fmt.Errorf("%w: batch: %w", ErrProtocol, err)
	}
	if !t.Has(0) {
		return Batch{}, fmt.Errorf("%w: batch without its head", ErrProtocol)
	}
	var fb wire.Batch
	var head wire.BatchHead
	root(&fb, body)
	fb.Head(&head)
	if n := fb.CallsLength(); int64(head.Count()) > int64(n/callHeadSize) {
		// Replicas walk count calls: a claim is not enough to make them.
		return Batch{}, fmt.Errorf("%w: batch of %d calls in %d bytes", ErrProtocol, head.Count(), n)
	}
	return Batch{
		Session: head.Session(), Request: head.Request(), Sequence: head.Sequence(), Epoch: head.Epoch(),
		Nanos: head.Time(), Count: head.Count(), Calls: Calls{fb.CallsBytes()},
	}, nil
}

// Order writes the coordinator's decision into a verified batch frame, in place, and seals it again.
func Order(frame []byte, sequence, epoch uint64, nanos int64) {
	var fb wire.Batch
	var head wire.BatchHead
	root(&fb, frame[HeaderSize:])
	fb.Head(&head)
	head.MutateSequence(sequence)
	head.MutateEpoch(epoch)
	head.MutateTime(nanos)
	Seal(frame, KindBatch)
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
