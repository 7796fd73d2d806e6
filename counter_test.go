package dsss_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss"
	"dsss/class"
	"dsss/flat"
)

// Counter is shared by a class configuration written by hand: what dsss-gen spares people.
type Counter struct {
	n int64
}

var errNegative = errors.New("the counter would be negative")

// Add changes the counter unless it would become negative.
func (c *Counter) Add(d int64) (int64, error) {
	if c.n+d < 0 {
		return c.n, errNegative
	}
	c.n += d
	return c.n, nil
}

// int64Codec carries one number: table { v:long (id: 0); }.
var int64Codec = class.Codec[int64]{
	Schema: "table Int64 { v:long (id: 0); }",
	Build: func(b *flatbuffers.Builder, v int64) flatbuffers.UOffsetT {
		b.StartObject(1)
		b.PrependInt64Slot(0, v, 0)
		return b.EndObject()
	},
	Read: readInt64,
}

func readInt64(buf []byte) (int64, error) {
	v := flat.New(buf)
	v.Root().Scalar(0, 8)
	if err := v.Err(); err != nil {
		return 0, err
	}
	t := flatbuffers.Table{Bytes: buf, Pos: flatbuffers.UOffsetT(binary.LittleEndian.Uint32(buf))}
	return t.GetInt64Slot(4, 0), nil
}

var counterClass = class.New("dsss_test.Counter", class.StateCodec[Counter]{
	Schema: int64Codec.Schema,
	Save: func(c *Counter, emit func([]byte) error) error {
		b := flatbuffers.NewBuilder(32)
		b.Finish(int64Codec.Build(b, c.n))
		return emit(b.FinishedBytes())
	},
	Load: func(c *Counter, next func() ([]byte, error)) error {
		chunk, err := next()
		if err == io.EOF {
			return fmt.Errorf("no state")
		}
		if err != nil {
			return err
		}
		c.n, err = readInt64(chunk)
		return err
	},
})

var counterAdd = class.NewMutator(counterClass, 1, "Add", int64Codec,
	func(_ class.Order, c *Counter, d int64) (int64, error) { return c.Add(d) })

var counterExplode = class.NewMutator(counterClass, 2, "Explode", class.Codec[struct{}]{},
	func(_ class.Order, c *Counter, _ struct{}) (struct{}, error) { panic("kaboom") })

// counterCheat breaks the contract: it returns an error and changes the state.
var counterCheat = class.NewMutator(counterClass, 3, "Cheat", class.Codec[struct{}]{},
	func(_ class.Order, c *Counter, _ struct{}) (struct{}, error) { c.n++; return struct{}{}, errNegative })

func value(o *dsss.Object[Counter]) int64 {
	return dsss.Read(o, func(c *Counter) int64 { return c.n })
}
