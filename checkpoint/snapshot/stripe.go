package snapshot

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"dsss/internal/limits"
	"dsss/internal/vfs"
)

const (
	stripeSize = 1 << 20  // the unit of writing and of reading
	blockSize  = 64 << 10 // the unit of the digest; a stripe has whole blocks, but for the last
)

// appendSums appends the checksum of each block of a stripe.
func appendSums(sums []uint32, stripe []byte) []uint32 {
	for b := range slices.Chunk(stripe, blockSize) {
		sums = append(sums, crc32.Checksum(b, castagnoli))
	}
	return sums
}

// digestOf returns the digest of pages from the checksums of their blocks.
func digestOf(sums []uint32) uint32 {
	b := make([]byte, 0, 4*len(sums))
	for _, s := range sums {
		b = binary.LittleEndian.AppendUint32(b, s)
	}
	return crc32.Checksum(b, castagnoli)
}

// stripeWriter writes a file once, from its beginning to its end, except for
// its first bytes, which come last. It is for one goroutine. On a file of the
// operating system a second goroutine, which lives until finish or stop, hashes
// and writes while the first goes on.
type stripeWriter struct {
	f      vfs.File
	stripe []byte // being filled
	index  int    // of stripe
	first  []byte // stripe 0, held back; nil while it is being filled

	full chan filled // to the second goroutine; nil where there is none
	free chan []byte // back from it
	done sync.WaitGroup

	mu   sync.Mutex
	sums []uint32 // of the blocks written; the second goroutine's until done
	err  error    // of a write; guarded by mu
}

type filled struct {
	index int
	data  []byte
}

func newStripeWriter(f vfs.File) *stripeWriter {
	w := &stripeWriter{f: f, stripe: make([]byte, 0, stripeSize)}
	if _, ok := f.(vfs.Host); ok {
		w.full, w.free = make(chan filled, limits.CheckpointStripes), make(chan []byte, limits.CheckpointStripes)
		for range limits.CheckpointStripes {
			w.free <- nil // allocated when first used
		}
		w.done.Go(func() {
			for s := range w.full {
				w.put(s)
				w.free <- s.data
			}
		})
	}
	return w
}

// write appends p, of which it keeps nothing.
func (w *stripeWriter) write(p []byte) error {
	for len(p) > 0 {
		if len(w.stripe) == stripeSize {
			if err := w.flush(); err != nil {
				return err
			}
		}
		n := min(len(p), stripeSize-len(w.stripe))
		w.stripe = append(w.stripe, p[:n]...)
		p = p[n:]
	}
	return nil
}

// flush hands the stripe on and begins the next.
func (w *stripeWriter) flush() error {
	s := filled{w.index, w.stripe}
	w.index++
	w.stripe = nil
	switch {
	case s.index == 0:
		w.first = s.data
		w.sums = appendSums(nil, s.data) // finish corrects what the head changes
	case w.full != nil:
		w.stripe = <-w.free
		w.full <- s
	default:
		w.put(s)
		w.stripe = s.data
	}
	if w.stripe == nil {
		w.stripe = make([]byte, 0, stripeSize)
	}
	w.stripe = w.stripe[:0]
	return w.failed()
}

// put hashes and writes one stripe.
func (w *stripeWriter) put(s filled) {
	if w.failed() != nil {
		return
	}
	w.sums = appendSums(w.sums, s.data)
	off := int64(s.index) * stripeSize
	if _, err := w.f.WriteAt(s.data, off); err != nil {
		w.mu.Lock()
		w.err = err
		w.mu.Unlock()
		return
	}
	vfs.Writeback(w.f, off, int64(len(s.data)))
}

func (w *stripeWriter) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// finish puts head at the beginning of the file, whose first block must be
// longer, writes what is left and returns the file's length and digest.
func (w *stripeWriter) finish(head []byte) (length int64, digest uint32, err error) {
	length = int64(w.index)*stripeSize + int64(len(w.stripe))
	if len(w.stripe) > 0 {
		err = w.flush()
	}
	w.stop()
	if err == nil {
		err = w.failed()
	}
	if err != nil {
		return 0, 0, err
	}
	copy(w.first, head)
	appendSums(w.sums[:0], w.first[:min(blockSize, len(w.first))])
	if _, err := w.f.WriteAt(w.first, 0); err != nil {
		return 0, 0, err
	}
	return length, digestOf(w.sums), nil
}

// stop ends the second goroutine. After the first time it does nothing.
func (w *stripeWriter) stop() {
	if w.full != nil {
		close(w.full)
		w.done.Wait()
		w.full = nil
	}
}

// sumsOf returns the checksums of the blocks of the first length bytes of f.
func sumsOf(f io.ReaderAt, length int64) ([]uint32, error) {
	sums := make([]uint32, (length+blockSize-1)/blockSize)
	errs := make([]error, limits.CheckpointReaders)
	var wg sync.WaitGroup
	for reader := range int64(limits.CheckpointReaders) {
		wg.Go(func() {
			buf := make([]byte, min(stripeSize, length))
			for off := reader * stripeSize; off < length; off += limits.CheckpointReaders * stripeSize {
				b := buf[:min(stripeSize, length-off)]
				if n, err := f.ReadAt(b, off); n < len(b) {
					errs[reader] = err
					return
				}
				at := off / blockSize
				appendSums(sums[at:at], b)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return sums, nil
}
