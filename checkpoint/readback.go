package checkpoint

import (
	"fmt"
	"hash/crc32"
	"sync"

	"dsss/internal/limits"
	"dsss/internal/vfs"
)

// readBack reads stripes back from the disk, while later ones are still being
// written, and compares their checksums with those of what was written. That
// the disk is read and not this machine's memory is advice to the kernel: where
// it is not taken, less is verified. Its methods are for one goroutine at a time.
type readBack struct {
	f       vfs.File
	written chan stripeSum
	done    sync.WaitGroup
	ended   bool
	err     error // read after done
}

// stripeSum is a stripe that was written.
type stripeSum struct {
	index, size int
	sum         uint32
}

// newReadBack starts reading back what is written to f.
func newReadBack(f vfs.File) *readBack {
	r := &readBack{f: f, written: make(chan stripeSum, limits.CheckpointBehind)}
	r.done.Go(r.run)
	return r
}

// run keeps behind the writer, so that the disk has time to take a stripe
// before it is asked for it.
func (r *readBack) run() {
	var behind []stripeSum
	buf := make([]byte, stripeSize)
	for s := range r.written {
		if behind = append(behind, s); len(behind) > limits.CheckpointBehind {
			r.check(behind[0], buf)
			behind = behind[1:]
		}
	}
	for _, s := range behind {
		r.check(s, buf)
	}
}

func (r *readBack) check(s stripeSum, buf []byte) {
	if r.err != nil {
		return
	}
	off, b := int64(s.index)*stripeSize, buf[:s.size]
	vfs.Forget(r.f, off, int64(s.size))
	if n, err := r.f.ReadAt(b, off); n < len(b) {
		r.err = err
	} else if crc32.Checksum(b, castagnoli) != s.sum {
		r.err = fmt.Errorf("the disk holds other bytes than were written at offset %d", off)
	}
}

// finish checks what is left, and ends the goroutine. It returns what is wrong
// with what was written.
func (r *readBack) finish() error {
	if !r.ended {
		r.ended = true
		close(r.written)
		r.done.Wait()
	}
	return r.err
}
