// Package coder lets tests reach the generated codecs of the packages beside it.
package coder

import (
	"bytes"

	"dsss/flat"
)

// A Coder is the codec of one root table.
type Coder struct {
	Table  string
	New    func() any // a pointer to a zero value
	Append func(pointer any) ([]byte, error)
	Decode func(buf []byte) (pointer any, err error)
	// General decodes the way that takes every valid buffer, also where there is a shorter one.
	General func(buf []byte) (pointer any, err error)

	// Of a state: Save returns its buffers, of about so many bytes, and Load reads such. Both are nil for arguments.
	Save func(pointer any, bytes int) ([][]byte, error)
	Load func(next func() ([]byte, error)) (pointer any, err error)
}

// Encode is Append for what can be encoded.
func (c Coder) Encode(pointer any) []byte {
	buf, err := c.Append(pointer)
	if err != nil {
		panic(err)
	}
	return buf
}

// Args returns the Coder of a mutator's arguments from its generated functions.
func Args[T any](table string, encode func([]byte, T) ([]byte, error), decode func([]byte) (T, error), read func(flat.Table) T) Coder {
	return Coder{
		Table:  table,
		New:    func() any { return new(T) },
		Append: func(p any) ([]byte, error) { return encode(nil, *p.(*T)) },
		Decode: func(buf []byte) (any, error) {
			v, err := decode(buf)
			return &v, err
		},
		General: general(read),
	}
}

// State returns the Coder of a state from its generated functions.
func State[T any](table string, build func(*flat.Builder, T) flat.Offset, read func(flat.Table) T) Coder {
	return Coder{
		Table:   table,
		New:     func() any { return new(T) },
		Append:  func(p any) ([]byte, error) { return flat.Append(nil, *p.(*T), build) },
		Decode:  general(read),
		General: general(read),
		Save: func(p any, size int) (list [][]byte, err error) {
			err = flat.SaveParts(func(buf []byte) error {
				list = append(list, bytes.Clone(buf))
				return nil
			}, size, *p.(*T), build)
			return list, err
		},
		Load: func(next func() ([]byte, error)) (any, error) {
			v, err := flat.Load(next, read)
			return &v, err
		},
	}
}

func general[T any](read func(flat.Table) T) func([]byte) (any, error) {
	return func(buf []byte) (any, error) {
		check := flat.New(buf)
		v := read(check.Root())
		if check.Err() != nil {
			return new(T), check.Err()
		}
		return &v, nil
	}
}
