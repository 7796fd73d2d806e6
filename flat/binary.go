package flat

import (
	"encoding"
	"fmt"
)

// A type with MarshalBinary and UnmarshalBinary is a vector of the bytes that they agree on. They must be deterministic:
// equal values give equal bytes, on every machine.

// CreateBinary writes what m's MarshalBinary returns; its error or panic is the Builder's.
func CreateBinary(b *Builder, m encoding.BinaryMarshaler) Offset {
	data, err := marshal(m)
	if err != nil {
		b.Fail(fmt.Errorf("%T: %w", m, err))
		return 0
	}
	if data == nil {
		data = []byte{} // absent would not be handed to UnmarshalBinary
	}
	return CreateNumbers(b, data)
}

func marshal(m encoding.BinaryMarshaler) (data []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return m.MarshalBinary()
}

// ReadBinary hands the bytes in the slot to m's UnmarshalBinary, whose error or panic is the Verifier's: the bytes are
// untrusted. m is left alone when the slot is absent.
func ReadBinary(t Table, slot int, m encoding.BinaryUnmarshaler) {
	n, first := t.vector(slot, 1)
	if first == 0 {
		return
	}
	data := t.v.buf[first : first+n : first+n]
	if t.v.source != nil {
		data = moreNumbers(t, first-4, data)
	}
	if t.v.err != nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			t.Fail("%T: panic: %v", m, r)
		}
	}()
	if err := m.UnmarshalBinary(data); err != nil {
		t.Fail("%T: %v", m, err)
	}
}

// A Binary is a pointer to a type with MarshalBinary and UnmarshalBinary.
type Binary[T any] interface {
	*T
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// CopyBinary returns a copy of v by way of its bytes. It panics when v does not read what it has written.
func CopyBinary[T any, P Binary[T]](v T) (c T) {
	data, err := P(&v).MarshalBinary()
	if err == nil {
		err = P(&c).UnmarshalBinary(data)
	}
	if err != nil {
		panic(fmt.Errorf("dsss: copying a %T: %w", v, err))
	}
	return c
}
