// Package class has the part of the real one's surface that the cases need.
package class

type Order struct {
	Seq   uint64
	Nanos int64
}

type Codec[A any] struct {
	Append func(dst []byte, a A) []byte
	Read   func(buf []byte) (A, error)
}

type StateCodec[T any] struct {
	Save func(t *T, emit func([]byte) error) error
	Load func(t *T, next func() ([]byte, error)) error
}

type Of[T any] struct{}

func New[T any](name string, state StateCodec[T]) *Of[T] { return nil }

type Mutator[T, A, R any] struct{}

func NewMutator[T, A, R any](c *Of[T], id uint32, name string, args Codec[A], apply func(Order, *T, A) (R, error)) *Mutator[T, A, R] {
	return nil
}
