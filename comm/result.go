package comm

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"dsss/comm/wire"
)

// A Result has one FlatBuffers layout, as a batch has, so that outcomes are appended to the frame where they are made.
//
//	 0 u32  root = 12
//	 4 u16  vtable: 8 bytes, table 40 bytes, head at +4, outcomes at +36
//	12 i32  table: vtable is 8 bytes back
//	16      ResultHead, 32 bytes
//	48 u32  offset of the vector of outcomes = 4
//	52 u32  bytes of outcomes
//	56      outcomes: OutcomeHead (8 bytes), data, padding to 8; and again
const (
	resultPrefix = 56
	resultHead   = 16
	resultVector = resultHead + 32
	resultLength = resultVector + 4
	outcomeHead  = 8
)

// EmptyResult is the length of a Result's frame without outcomes.
const EmptyResult = HeaderSize + resultPrefix

var resultTemplate = func() (t [HeaderSize + resultPrefix]byte) {
	b := t[HeaderSize:]
	le := binary.LittleEndian
	le.PutUint32(b[0:], 12)
	le.PutUint16(b[4:], 8)
	le.PutUint16(b[6:], 40)
	le.PutUint16(b[8:], 4)
	le.PutUint16(b[10:], 36)
	le.PutUint32(b[12:], 8)
	le.PutUint32(b[resultVector:], 4)
	return t
}()

// A Result says what hosted calls of one stream returned: Count of them from Request on, the first of which has that sequence
// number.
type Result struct {
	Stream   uint64 // see package stream
	Request  uint64
	Sequence uint64
	Count    uint32
}

// BeginResult starts a Result's frame in buf[:0], whose storage it takes over when large enough. Records of outcomes are appended
// behind it, the first at a multiple of 8 bytes, and FinishResult follows.
func BeginResult(buf []byte) []byte { return append(buf[:0], resultTemplate[:]...) }

// FinishResult fills in the head, and seals the frame.
func FinishResult(frame []byte, r Result) {
	b := frame[HeaderSize:]
	le := binary.LittleEndian
	le.PutUint64(b[resultHead:], r.Stream)
	le.PutUint64(b[resultHead+8:], r.Request)
	le.PutUint64(b[resultHead+16:], r.Sequence)
	le.PutUint32(b[resultHead+24:], r.Count)
	le.PutUint32(b[resultLength:], uint32(len(b)-resultPrefix))
	Seal(frame, KindResult)
}

// ParseResult verifies a Result body: it has as many outcomes as it counts, and no more. The outcomes alias the body.
func ParseResult(body []byte) (Result, Outcomes, error) {
	le := binary.LittleEndian
	if len(body) < resultPrefix || !bytes.Equal(body[:resultHead], resultTemplate[HeaderSize:HeaderSize+resultHead]) ||
		le.Uint32(body[resultVector:]) != 4 || int64(le.Uint32(body[resultLength:])) != int64(len(body)-resultPrefix) {
		return Result{}, Outcomes{}, fmt.Errorf("%w: a Result of another layout", ErrProtocol)
	}
	h := body[resultHead:]
	r := Result{Stream: le.Uint64(h), Request: le.Uint64(h[8:]), Sequence: le.Uint64(h[16:]), Count: le.Uint32(h[24:])}
	all, err := OutcomesIn(body[resultPrefix:], r.Count)
	return r, all, err
}

// BeginOutcome opens a record at the end of dst; data is appended behind it, and EndOutcome follows. The data begins at
// a multiple of 8 where dst does.
func BeginOutcome(dst []byte) []byte { return append(dst, make([]byte, outcomeHead)...) }

// EndOutcome closes the record whose data begins at start.
func EndOutcome(dst []byte, start int, outcome wire.Outcome) []byte {
	size := len(dst) - start
	binary.LittleEndian.PutUint32(dst[start-outcomeHead:], uint32(size))
	binary.LittleEndian.PutUint32(dst[start-outcomeHead+4:], uint32(outcome))
	var padding [7]byte
	return append(dst, padding[:-size&7]...)
}

// AppendOutcome appends the record of one outcome to dst. data is the encoded result, or the text of the error, and is copied.
func AppendOutcome(dst []byte, outcome wire.Outcome, data []byte) []byte {
	dst = append(BeginOutcome(dst), data...)
	return EndOutcome(dst, len(dst)-len(data), outcome)
}

// Outcomes walks the records of outcomes.
type Outcomes struct{ rest []byte }

// OutcomesIn returns the count records in b; an error unless there are as many, and no more.
func OutcomesIn(b []byte, count uint32) (Outcomes, error) {
	all := Outcomes{b}
	walk := all
	for i := range count {
		if _, _, ok := walk.Next(); !ok {
			return Outcomes{}, fmt.Errorf("%w: %d outcomes where %d should be", ErrProtocol, i, count)
		}
	}
	if len(walk.rest) > 0 {
		return Outcomes{}, fmt.Errorf("%w: %d bytes behind %d outcomes", ErrProtocol, len(walk.rest), count)
	}
	return all, nil
}

// Next returns the next outcome and its data, which aliases what is walked; ok is false at the end and at a malformed record.
func (o *Outcomes) Next() (outcome wire.Outcome, data []byte, ok bool) {
	if len(o.rest) < outcomeHead {
		return 0, nil, false
	}
	size, kind := int(binary.LittleEndian.Uint32(o.rest)), binary.LittleEndian.Uint32(o.rest[4:])
	end := outcomeHead + (size+7)&^7
	if end > len(o.rest) || kind > uint32(wire.OutcomeLost) {
		return 0, nil, false
	}
	data = o.rest[outcomeHead : outcomeHead+size : outcomeHead+size]
	o.rest = o.rest[end:]
	return wire.Outcome(kind), data, true
}
