package flat

import (
	"encoding/binary"
	"slices"
	"unsafe"
)

// An Integer is what a map may have as its key, beside strings. On the wire int and uint take 64 bits.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// A Number is what a vector may hold inline. On the wire int and uint take 64 bits.
type Number interface {
	Integer | ~float32 | ~float64
}

// The memory of an []int is its wire form only where int has 64 bits: a 32-bit platform fails to compile here.
const _ = uint(unsafe.Sizeof(int(0)) - 8)

// bigEndian tells that numbers in memory have their bytes in the opposite order of the wire's.
var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// memory returns the bytes that hold s. They alias s: whoever writes to one writes to the other.
func memory[E Number](s []E) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*size[E]())
}

// size is the number of bytes of an E, in memory and on the wire.
func size[E Number]() int {
	var e E
	return int(unsafe.Sizeof(e))
}

// swap turns each group of size bytes around, which is what a big-endian machine does to every vector that it has
// copied.
func swap(b []byte, size int) {
	for ; len(b) >= size; b = b[size:] {
		slices.Reverse(b[:size])
	}
}

// number reads one little-endian K.
func number[K Integer](b []byte) K {
	switch size[K]() {
	case 1:
		return K(b[0])
	case 2:
		return K(binary.LittleEndian.Uint16(b))
	case 4:
		return K(binary.LittleEndian.Uint32(b))
	}
	return K(binary.LittleEndian.Uint64(b))
}
