package kinds

import (
	"bytes"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/comm/flat"
)

// A Coder lets tests reach the generated codec of one root table.
type Coder struct {
	Table  string
	New    func() any // a pointer to a zero value
	Encode func(pointer any) []byte
	Decode func(buf []byte) (pointer any, err error)
	// General decodes the way that takes every valid buffer, also where there is a shorter one.
	General func(buf []byte) (pointer any, err error)
}

// Coders are those of the state and of all arguments.
var Coders = []Coder{
	coder("Everything", built(buildEverything), decodeEverything, verifyEverything, readEverything),
	coder("EverythingSetArgs", built(buildEverythingSetArgs), decodeEverythingSetArgs, verifyEverythingSetArgs, readEverythingSetArgs),
	coder("EverythingReplaceArgs", built(buildEverythingReplaceArgs), decodeEverythingReplaceArgs, verifyEverythingReplaceArgs, readEverythingReplaceArgs),
	coder("EverythingPushArgs", appendEverythingPushArgs, decodeEverythingPushArgs, verifyEverythingPushArgs, readEverythingPushArgs),
	coder("EverythingWalkArgs", built(buildEverythingWalkArgs), decodeEverythingWalkArgs, verifyEverythingWalkArgs, readEverythingWalkArgs),
	coder("EverythingMarkArgs", appendEverythingMarkArgs, decodeEverythingMarkArgs, verifyEverythingMarkArgs, readEverythingMarkArgs),
	coder("EverythingNoteArgs", appendEverythingNoteArgs, decodeEverythingNoteArgs, verifyEverythingNoteArgs, readEverythingNoteArgs),
}

func coder[T any](table string, encode func([]byte, T) []byte, decode func([]byte) (T, error), verify func(flat.Table), read func(flatbuffers.Table) T) Coder {
	return Coder{
		Table:  table,
		New:    func() any { return new(T) },
		Encode: func(p any) []byte { return encode(nil, *p.(*T)) },
		Decode: func(buf []byte) (any, error) {
			v, err := decode(buf)
			return &v, err
		},
		General: func(buf []byte) (any, error) {
			v := flat.New(buf)
			if verify(v.Root()); v.Err() != nil {
				return new(T), v.Err()
			}
			t := read(flat.Root(buf))
			return &t, nil
		},
	}
}

func built[T any](build func(*flatbuffers.Builder, T) flatbuffers.UOffsetT) func([]byte, T) []byte {
	return func(_ []byte, v T) []byte {
		b := flatbuffers.NewBuilder(0)
		b.Finish(build(b, v))
		return bytes.Clone(b.FinishedBytes())
	}
}
