package inspect

import (
	"encoding/binary"
	"errors"
	"io"
	"iter"

	"dsss/internal/limits"
)

// Unpack puts together the buffers of a state from the pieces in which replicas send it and checkpoints keep it. Pieces
// are cut without regard to buffers; each buffer follows its length, 32 bits. stop ends the reading of pieces, and must be
// called.
func Unpack(pieces iter.Seq2[[]byte, error]) (chunks Chunks, stop func()) {
	next, stop := iter.Pull2(pieces)
	u := &unpacker{next: next}
	return u.chunk, stop
}

type unpacker struct {
	next  func() ([]byte, error, bool)
	piece []byte
	buf   []byte
}

var errCut = errors.New("the state ends inside a part")

func (u *unpacker) chunk() ([]byte, error) {
	var length [4]byte
	for i := range length {
		if err := u.more(); err != nil {
			if err == io.EOF && i > 0 {
				err = errCut
			}
			return nil, err
		}
		length[i], u.piece = u.piece[0], u.piece[1:]
	}
	left := int64(binary.LittleEndian.Uint32(length[:]))
	if left > limits.Chunk {
		return nil, errors.New("a part of the state is larger than any may be")
	}
	u.buf = u.buf[:0]
	for left > 0 {
		if err := u.more(); err != nil {
			if err == io.EOF {
				err = errCut
			}
			return nil, err
		}
		n := min(left, int64(len(u.piece)))
		u.buf = append(u.buf, u.piece[:n]...) // grows with what is there, not with what was claimed
		u.piece, left = u.piece[n:], left-n
	}
	return u.buf, nil
}

// more makes sure that piece is not empty.
func (u *unpacker) more() error {
	for len(u.piece) == 0 {
		piece, err, ok := u.next()
		if !ok {
			return io.EOF
		}
		if err != nil {
			return err
		}
		u.piece = piece
	}
	return nil
}
