package calls

import "dsss/comm/flat"

// AppendTwo writes arguments of Two.
func AppendTwo(dst []byte, x, y int64) []byte { return appendTTwoArgs(dst, tTwoArgs{A: x, B: y}) }

// VerifyTwo verifies them.
func VerifyTwo(buf []byte) error {
	v := flat.New(buf)
	verifyTTwoArgs(v.Root())
	return v.Err()
}

// ReadTwo verifies and reads them the general way.
func ReadTwo(buf []byte) (x, y int64, err error) {
	if err := VerifyTwo(buf); err != nil {
		return 0, 0, err
	}
	a := readTTwoArgs(flat.Root(buf))
	return a.A, a.B, nil
}

// DecodeTwo verifies and reads them.
func DecodeTwo(buf []byte) (x, y int64, err error) {
	a, err := decodeTTwoArgs(buf)
	return a.A, a.B, err
}

// AppendBytes writes arguments of Bytes.
func AppendBytes(dst []byte, data []byte) []byte {
	return appendTBytesArgs(dst, tBytesArgs{Data: data})
}

// VerifyBytes verifies them.
func VerifyBytes(buf []byte) error {
	v := flat.New(buf)
	verifyTBytesArgs(v.Root())
	return v.Err()
}

// ReadBytes verifies and reads them the general way.
func ReadBytes(buf []byte) ([]byte, error) {
	if err := VerifyBytes(buf); err != nil {
		return nil, err
	}
	return readTBytesArgs(flat.Root(buf)).Data, nil
}

// DecodeBytes verifies and reads them.
func DecodeBytes(buf []byte) ([]byte, error) {
	a, err := decodeTBytesArgs(buf)
	return a.Data, err
}
