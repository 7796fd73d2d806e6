package class

import (
	"encoding/json"
	"fmt"
	"sync"

	flatbuffers "github.com/google/flatbuffers/go"
)

// A Codec says how values of A travel: as one FlatBuffers buffer each.
//
// dsss-gen writes codecs; a person may too. The functions are called by many goroutines at once.
type Codec[A any] struct {
	// Schema is the wire form as text, by convention the .fbs table. Two processes whose schemas differ do not
	// join the same job.
	Schema string
	// Build writes a into b and returns the root offset; the caller finishes and resets b. Build may not keep b.
	// It must be deterministic: equal values give equal bytes. nil, with Append nil too, means that there is nothing
	// to write.
	Build func(b *flatbuffers.Builder, a A) flatbuffers.UOffsetT
	// Append, when set, is used in place of Build: it appends the finished buffer to dst, whose length is a
	// multiple of 8, and returns the extended slice. It must not change what dst holds. It is how tables of fixed size
	// are written without a Builder, and how a value that cannot be written is told: the error, which should say which
	// argument it is about, is the call's, and nothing is sent.
	Append func(dst []byte, a A) ([]byte, error)
	// Read verifies buf and returns the value. buf is untrusted: a malformed one is an error (see package
	// dsss/flat), never a panic. The value may not alias buf. nil means that there is nothing to read.
	Read func(buf []byte) (A, error)
}

// A StateCodec says how the state of a class is written to checkpoints and sent to processes that join.
type StateCodec[T any] struct {
	// Schema is the wire form as text, as in Codec.
	Schema string
	// Save writes t's canonical encoding in chunks of at most a few MiB: equal states give equal chunks. emit does
	// not keep chunk. An error, which should say which field it is about, is the checkpoint's.
	Save func(t *T, emit func(chunk []byte) error) error
	// Load fills t, a zero state, from what Save wrote; next returns io.EOF after the last chunk. Chunks are
	// untrusted and may not be kept.
	Load func(t *T, next func() ([]byte, error)) error
}

// encoder returns how arguments are appended to a batch: by Append, or else by Build and a copy.
func (c Codec[A]) encoder() func(dst []byte, a A) ([]byte, error) {
	switch {
	case c.Append != nil:
		return c.Append
	case c.Build == nil:
		return func(dst []byte, _ A) ([]byte, error) { return dst, nil }
	}
	return func(dst []byte, a A) ([]byte, error) {
		b := builders.Get().(*flatbuffers.Builder)
		defer builders.Put(b)
		b.Reset()
		b.Finish(c.Build(b, a))
		return append(dst, b.FinishedBytes()...), nil
	}
}

var builders = sync.Pool{New: func() any { return flatbuffers.NewBuilder(256) }}

// argsJSON renders encoded arguments for people.
func argsJSON[A any](args Codec[A], buf []byte) string {
	if args.Read == nil {
		return "{}"
	}
	a, err := args.Read(buf)
	if err != nil {
		return err.Error()
	}
	text, err := json.Marshal(a)
	if err != nil {
		return fmt.Sprintf("%+v", a)
	}
	return string(text)
}
