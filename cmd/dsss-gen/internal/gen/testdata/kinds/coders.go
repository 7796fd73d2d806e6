package kinds

import flatbuffers "github.com/google/flatbuffers/go"

// A Coder lets tests reach the generated codec of one root table.
type Coder struct {
	Table  string
	New    func() any // a pointer to a zero value
	Encode func(b *flatbuffers.Builder, pointer any) []byte
	Decode func(buf []byte) (pointer any, err error)
}

// Coders are those of the state and of all arguments.
var Coders = []Coder{
	coder("Everything", buildEverything, decodeEverything),
	coder("EverythingSetArgs", buildEverythingSetArgs, decodeEverythingSetArgs),
	coder("EverythingReplaceArgs", buildEverythingReplaceArgs, decodeEverythingReplaceArgs),
	coder("EverythingPushArgs", buildEverythingPushArgs, decodeEverythingPushArgs),
	coder("EverythingWalkArgs", buildEverythingWalkArgs, decodeEverythingWalkArgs),
}

func coder[T any](table string, build func(*flatbuffers.Builder, T) flatbuffers.UOffsetT, decode func([]byte) (T, error)) Coder {
	return Coder{
		Table: table,
		New:   func() any { return new(T) },
		Encode: func(b *flatbuffers.Builder, p any) []byte {
			b.Reset()
			b.Finish(build(b, *p.(*T)))
			return b.FinishedBytes()
		},
		Decode: func(buf []byte) (any, error) {
			v, err := decode(buf)
			return &v, err
		},
	}
}
