// Package coder lets tests reach the generated codecs of the packages beside it.
package coder

import "dsss/comm/flat"

// A Coder is the codec of one root table.
type Coder struct {
	Table  string
	New    func() any // a pointer to a zero value
	Encode func(pointer any) []byte
	Decode func(buf []byte) (pointer any, err error)
	// General decodes the way that takes every valid buffer, also where there is a shorter one.
	General func(buf []byte) (pointer any, err error)
}

// Of returns the Coder of a table from its generated functions.
func Of[T any](table string, encode func([]byte, T) []byte, decode func([]byte) (T, error), read func(flat.Table) T) Coder {
	return Coder{
		Table:  table,
		New:    func() any { return new(T) },
		Encode: func(p any) []byte { return encode(nil, *p.(*T)) },
		Decode: func(buf []byte) (any, error) {
			v, err := decode(buf)
			return &v, err
		},
		General: func(buf []byte) (any, error) {
			check := flat.New(buf)
			v := read(check.Root())
			if check.Err() != nil {
				return new(T), check.Err()
			}
			return &v, nil
		},
	}
}

// Built returns the function that encodes by build.
func Built[T any](build func(*flat.Builder, T) flat.Offset) func([]byte, T) []byte {
	return func(dst []byte, v T) []byte { return flat.Append(dst, v, build) }
}
