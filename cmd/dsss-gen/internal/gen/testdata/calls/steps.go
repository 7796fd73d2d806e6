package calls

import "dsss/flat"

// AppendTwo writes arguments of Two.
func AppendTwo(dst []byte, x, y int64) ([]byte, error) {
	return appendTTwoArgs(dst, tTwoArgs{A: x, B: y})
}

// ReadTwo verifies and reads them the general way.
func ReadTwo(buf []byte) (x, y int64, err error) {
	check := flat.New(buf)
	a := readTTwoArgs(check.Root())
	return a.A, a.B, check.Err()
}

// DecodeTwo verifies and reads them.
func DecodeTwo(buf []byte) (x, y int64, err error) {
	a, err := decodeTTwoArgs(buf)
	return a.A, a.B, err
}

// AppendBytes writes arguments of Bytes.
func AppendBytes(dst []byte, data []byte) ([]byte, error) {
	return appendTBytesArgs(dst, tBytesArgs{Data: data})
}

// ReadBytes verifies and reads them the general way.
func ReadBytes(buf []byte) ([]byte, error) {
	check := flat.New(buf)
	a := readTBytesArgs(check.Root())
	return a.Data, check.Err()
}

// DecodeBytes verifies and reads them.
func DecodeBytes(buf []byte) ([]byte, error) {
	a, err := decodeTBytesArgs(buf)
	return a.Data, err
}
