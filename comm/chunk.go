package comm

import (
	"encoding/binary"
	"hash/crc32"
	"net"

	"dsss/comm/wire"
)

// The StateChunk as this package writes it: the one FlatBuffers layout that puts the data last, so that it is written from
// where it lies. Any other valid layout is read as well.
//
//	 0 u32  root = 12
//	 4 u16  vtable: 6 bytes, table 8 bytes, data at +4
//	10 u16  0
//	12 i32  table: vtable is 8 bytes back
//	16 u32  offset of the vector = 4
//	20 u32  bytes of data
//	24      data
const (
	chunkPrefix = 24
	chunkLength = 20
)

var chunkTemplate = func() (t [HeaderSize + chunkPrefix]byte) {
	b := t[HeaderSize:]
	le := binary.LittleEndian
	le.PutUint32(b[0:], 12)
	le.PutUint16(b[4:], 6)
	le.PutUint16(b[6:], 8)
	le.PutUint16(b[8:], 4)
	le.PutUint32(b[12:], 8)
	le.PutUint32(b[16:], 4)
	return t
}()

// SendChunk writes data as a StateChunk, from where it lies.
func (c *Conn) SendChunk(data []byte) error {
	head := chunkTemplate
	body := head[HeaderSize:]
	binary.LittleEndian.PutUint32(body[chunkLength:], uint32(len(data)))
	sealHeader(head[:], KindStateChunk, len(body)+len(data), crc32.Update(crc32.Checksum(body, castagnoli), castagnoli, data))
	bufs := net.Buffers{head[:], data}
	if len(data) == 0 {
		bufs = bufs[:1]
	}
	c.Lock()
	defer c.Unlock()
	return c.GatherLocked(&bufs)
}

// StateChunkData verifies an untrusted StateChunk body and returns its data, which aliases it.
func StateChunkData(body []byte) ([]byte, error) {
	if err := verify(KindStateChunk, body); err != nil {
		return nil, err
	}
	var f wire.StateChunk
	root(&f, body)
	return f.DataBytes(), nil
}
