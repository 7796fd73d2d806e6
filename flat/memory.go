package flat

import (
	"encoding/binary"
	"reflect"
	"slices"
	"unsafe"
)

// A Number is what stands inline. On the wire int and uint take 64 bits, and a complex number is a struct of two floats.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64 | ~complex64 | ~complex128
}

// The memory of an []int is its wire form only where int has 64 bits: a 32-bit platform fails to compile here.
const _ = uint(unsafe.Sizeof(int(0)) - 8)

// bigEndian tells that numbers in memory have their bytes in the opposite order of the wire's.
var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// memory returns the bytes that hold s. They alias s.
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

// word is the number of bytes that stand in the machine's order: those of an E, or of one part of a complex number.
func word[E Number]() int {
	switch reflect.TypeFor[E]().Kind() {
	case reflect.Complex64, reflect.Complex128:
		return size[E]() / 2
	}
	return size[E]()
}

// swap turns each group of size bytes around, which is what a big-endian machine does to every number that it has
// copied.
func swap(b []byte, size int) {
	for ; len(b) >= size; b = b[size:] {
		slices.Reverse(b[:size])
	}
}

// number reads one E.
func number[E Number](b []byte) (e E) {
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&e)), size[E]())
	copy(raw, b[:size[E]()])
	if bigEndian {
		swap(raw, word[E]())
	}
	return e
}

// numbersOf returns the numbers that stand on the wire as raw, in memory of their own.
func numbersOf[S ~[]E, E Number](raw []byte) S {
	if len(raw) == 0 {
		return S{}
	}
	// append does not clear the memory that it is about to fill, as make would; that is half of the time for a large vector.
	// What it allocates is aligned for numbers, whose sizes divide its length.
	raw = append([]byte(nil), raw...)
	if bigEndian {
		swap(raw, word[E]())
	}
	return unsafe.Slice((*E)(unsafe.Pointer(unsafe.SliceData(raw))), len(raw)/size[E]())
}
