package memfs

import (
	"io"
	"os"
	"slices"
	"syscall"
)

// file is an open file of a Disk.
type file struct {
	disk   *Disk
	number int
	path   string
	write  bool
	closed bool
}

// do runs an operation on the open file.
func (f *file) do(op Op, st step) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	op.Path, st.node = f.path, f.number
	switch {
	case f.closed:
		return failed(op.Kind.String(), f.path, os.ErrClosed)
	case !f.write && op.Kind != Sync:
		return failed(op.Kind.String(), f.path, syscall.EBADF)
	}
	return failed(op.Kind.String(), f.path, f.disk.do(op, st))
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	if err := f.do(Op{Kind: Write, Off: off, Len: len(p)}, step{off: off, data: slices.Clone(p)}); err != nil {
		return 0, err // whoever asks how much arrived cuts the file back, as after any failure
	}
	return len(p), nil
}

func (f *file) Truncate(size int64) error {
	return f.do(Op{Kind: Truncate, Off: size}, step{off: size})
}

func (f *file) Sync() error { return f.do(Op{Kind: Sync}, step{}) }

func (f *file) Allocate(size int64) error {
	return f.do(Op{Kind: Allocate, Off: size}, step{off: size})
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.closed {
		return 0, failed("read", f.path, os.ErrClosed)
	}
	if inject := f.disk.inject; inject != nil {
		if fault := inject(Op{N: f.disk.ops, Kind: Read, Path: f.path, Off: off, Len: len(p)}); fault.Err != nil {
			return 0, failed("read", f.path, fault.Err)
		}
	}
	data := f.disk.state.nodes[f.number].data
	if off >= int64(len(data)) {
		return 0, io.EOF
	}
	n := copy(p, data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.closed {
		return 0, failed("stat", f.path, os.ErrClosed)
	}
	return int64(len(f.disk.state.nodes[f.number].data)), nil
}

func (f *file) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.closed {
		return failed("close", f.path, os.ErrClosed)
	}
	f.closed = true
	return nil
}
