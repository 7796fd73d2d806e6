package comm

import (
	"bytes"
	"io"
	"net"
	"testing"

	"dsss/comm/wire"
)

// TestSendChunk: a chunk that is written from where it lies is read as what a Builder writes, whatever its size.
func TestSendChunk(t *testing.T) {
	for _, size := range []int{0, 1, 7, 8, 1 << 20, 3<<20 + 5} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i * 7)
		}
		a, b := net.Pipe()
		from, to := NewConn(a), NewConn(b)
		to.Raise()
		sent := make(chan error, 1)
		go func() { sent <- from.SendChunk(data) }()
		kind, body, err := to.Next()
		if err != nil || kind != KindStateChunk {
			t.Fatalf("%d bytes: %v, %v", size, kind, err)
		}
		if got, err := StateChunkData(body); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: %d came, %v", size, len(got), err)
		}
		if m := wire.GetRootAsStateChunk(body, 0).UnPack(); !bytes.Equal(m.Data, data) {
			t.Errorf("%d bytes: the generated reader reads %d", size, len(m.Data))
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		from.Close()
		to.Close()
	}
}

// TestFramesShareNothing: a frame is its caller's, also when the next one is made.
func TestFramesShareNothing(t *testing.T) {
	first := Frame(KindProgress, &wire.ProgressT{Text: "first"})
	kept := bytes.Clone(first)
	for range 10 {
		Frame(KindProgress, &wire.ProgressT{Text: "other"})
	}
	if !bytes.Equal(first, kept) {
		t.Error("a frame changed when another was made")
	}
}

// BenchmarkChunk sends pieces of a state to nobody.
func BenchmarkChunk(b *testing.B) {
	r, w := net.Pipe()
	go io.Copy(io.Discard, r)
	c := NewConn(w)
	data := make([]byte, 1<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := c.SendChunk(data); err != nil {
			b.Fatal(err)
		}
	}
}
