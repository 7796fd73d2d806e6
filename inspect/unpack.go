package inspect

import (
	"bytes"
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
	from := &pieceReader{next: next}
	var buf bytes.Buffer
	return func() ([]byte, error) {
		var length [4]byte
		if _, err := io.ReadFull(from, length[:]); err != nil {
			return nil, cut(err)
		}
		n := int64(binary.LittleEndian.Uint32(length[:]))
		if n > limits.Chunk {
			return nil, errors.New("a part of the state is larger than any may be")
		}
		buf.Reset()
		_, err := io.CopyN(&buf, from, n) // buf grows with what is there, not with what was claimed
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return buf.Bytes(), cut(err)
	}, stop
}

// cut is the error for one that a read ended with.
func cut(err error) error {
	if err == io.ErrUnexpectedEOF {
		return errors.New("the state ends inside a part")
	}
	return err
}

// A pieceReader reads pieces one behind the other.
type pieceReader struct {
	next  func() ([]byte, error, bool)
	piece []byte // what is left of the one that was read last
}

func (r *pieceReader) Read(p []byte) (int, error) {
	for len(r.piece) == 0 {
		piece, err, ok := r.next()
		if !ok {
			return 0, io.EOF
		}
		if err != nil {
			return 0, err
		}
		r.piece = piece
	}
	n := copy(p, r.piece)
	r.piece = r.piece[n:]
	return n, nil
}
