package calls

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/comm/flat"
)

// BuildTwo writes arguments of Two.
func BuildTwo(b *flatbuffers.Builder, x, y int64) []byte {
	b.Reset()
	b.Finish(buildTTwoArgs(b, tTwoArgs{A: x, B: y}))
	return b.FinishedBytes()
}

// VerifyTwo verifies them.
func VerifyTwo(buf []byte) error {
	v := flat.New(buf)
	verifyTTwoArgs(v.Root())
	return v.Err()
}

// DecodeTwo verifies and reads them.
func DecodeTwo(buf []byte) (x, y int64, err error) {
	a, err := decodeTTwoArgs(buf)
	return a.A, a.B, err
}

// BuildBytes writes arguments of Bytes.
func BuildBytes(b *flatbuffers.Builder, data []byte) []byte {
	b.Reset()
	b.Finish(buildTBytesArgs(b, tBytesArgs{Data: data}))
	return b.FinishedBytes()
}

// VerifyBytes verifies them.
func VerifyBytes(buf []byte) error {
	v := flat.New(buf)
	verifyTBytesArgs(v.Root())
	return v.Err()
}

// DecodeBytes verifies and reads them.
func DecodeBytes(buf []byte) ([]byte, error) {
	a, err := decodeTBytesArgs(buf)
	return a.Data, err
}
