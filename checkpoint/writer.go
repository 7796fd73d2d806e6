package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"dsss/internal/limits"
)

const checkpointSuffix = ".db"

var (
	bucketMeta    = []byte("meta")
	bucketObjects = []byte("objects")
	bucketChunks  = []byte("chunks")
	keyMeta       = []byte("meta")
)

func checkpointPath(dir string, seq uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", seq, checkpointSuffix))
}

// Writer makes one checkpoint file. It is for one goroutine, and there must be
// one at a time for a directory. Its first error is what every later call
// returns.
type Writer struct {
	dir  string
	meta Meta

	// bbolt works on a duplicate of f. f is the file tmp, or on a network
	// file system an unnamed one of this node, copied to tmp when finished.
	f       *os.File
	unnamed bool
	tmp     string

	db      *bbolt.DB
	tx      *bbolt.Tx
	pending int // bytes of chunks in tx, which holds them until it commits
	objects []object
	ids     map[uint32]bool
	err     error // the first, or ErrClosed: returned by every further call
	done    bool  // nothing is left to release
}

// Create starts the checkpoint of m.Seq in dir, which it creates when missing,
// and removes what a crash left there of an earlier one. The checkpoint exists
// once Commit has returned nil; the caller must call Commit or Abort. m stays
// the caller's. A zero m.Time means now.
func Create(dir string, m Meta) (*Writer, error) {
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("create checkpoint: %w", err)
	}
	m.Sessions = maps.Clone(m.Sessions)
	if m.Time.IsZero() {
		m.Time = time.Now()
	}
	w := &Writer{dir: dir, meta: m, tmp: checkpointPath(dir, m.Seq) + tmpSuffix, ids: make(map[uint32]bool)}
	if err := w.start(); err != nil {
		w.Abort()
		return nil, w.fail(err)
	}
	return w, nil
}

func (w *Writer) start() error {
	if err := makeDir(w.dir); err != nil {
		return err
	}
	if err := removeTemporaries(w.dir); err != nil {
		return err
	}
	network, err := onNetwork(w.dir)
	if err != nil {
		return err
	}
	w.unnamed = network
	if network {
		w.f, err = unnamedFile()
	} else {
		w.f, err = os.OpenFile(w.tmp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	}
	if err != nil {
		return err
	}
	// Nothing counts before the end, so nothing is synced before the end.
	// Growing by writing, not by truncation, keeps the file as small as its pages.
	w.db, err = bbolt.Open(w.f.Name(), 0, &bbolt.Options{
		Timeout:        lockTimeout,
		NoSync:         true,
		NoGrowSync:     true,
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
		NoStatistics:   true,
		PageSize:       pageSize,
		OpenFile:       duplicate(w.f),
	})
	if err != nil {
		return err
	}
	if w.tx, err = w.db.Begin(true); err != nil {
		return err
	}
	for _, name := range [][]byte{bucketMeta, bucketObjects, bucketChunks} {
		if _, err := w.tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return nil
}

// fail keeps the first error, naming the file and, for a full disk, the next
// step, and returns it.
func (w *Writer) fail(err error) error {
	next := ""
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		next = ": free some space there"
	}
	w.err = fmt.Errorf("write checkpoint %s: %w%s", checkpointPath(w.dir, w.meta.Seq), err, next)
	return w.err
}

// BeginObject ends the object before it and starts o. The chunks that follow
// are its state. Files are smallest when ids ascend.
func (w *Writer) BeginObject(o Object) error {
	switch err := o.validate(); {
	case w.err != nil:
		return w.err
	case err != nil:
		return w.fail(err)
	case w.ids[o.ID]:
		return w.fail(fmt.Errorf("object %d %q: its id is already in the checkpoint", o.ID, o.Name))
	}
	w.ids[o.ID] = true
	w.objects = append(w.objects, object{Object: o})
	return nil
}

// Chunk appends b, at most limits.Chunk bytes, to the state of the present
// object. A Reader gives back the same chunks. The caller keeps b.
func (w *Writer) Chunk(b []byte) error {
	switch {
	case w.err != nil:
		return w.err
	case len(w.objects) == 0:
		return w.fail(errors.New("Chunk before BeginObject"))
	case len(b) > limits.Chunk:
		return w.fail(fmt.Errorf("chunk of %d bytes is %w of %d", len(b), ErrTooLarge, limits.Chunk))
	}
	o := &w.objects[len(w.objects)-1]
	if err := w.put(bucketChunks, chunkKey(o.ID, o.chunks), encodeChunk(o.ID, o.chunks, b)); err != nil {
		return w.fail(err)
	}
	o.chunks++
	o.bytes += uint64(len(b))
	return nil
}

func chunkKey(id, index uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(make([]byte, 0, 8), id), index)
}

func chunkCRC(id, index uint32, data []byte) uint32 {
	return crc32.Update(crc32.Checksum(chunkKey(id, index), castagnoli), castagnoli, data)
}

func encodeChunk(id, index uint32, data []byte) []byte {
	b := make([]byte, 4, 4+len(data))
	binary.LittleEndian.PutUint32(b, chunkCRC(id, index, data))
	return append(b, data...)
}

// put stores a value, which bbolt keeps until the transaction ends, and ends
// the transaction when enough has gathered.
func (w *Writer) put(bucket, key, value []byte) error {
	b := w.tx.Bucket(bucket)
	b.FillPercent = 1 // keys ascend: a page that is full never gets another
	if err := b.Put(key, value); err != nil {
		return err
	}
	if w.pending += len(value); w.pending < limits.CheckpointTx {
		return nil
	}
	w.pending = 0
	if err := w.tx.Commit(); err != nil {
		return err
	}
	var err error
	w.tx, err = w.db.Begin(true)
	return err
}

// Commit finishes the file: it syncs it, reads it back from the disk, verifies
// it, and only then gives it its name, replacing a checkpoint of the same
// sequence number. On an error nothing is left of it.
func (w *Writer) Commit() (Info, error) {
	if w.err != nil {
		return Info{}, w.err
	}
	defer w.Abort()
	t, err := w.finish()
	if err != nil {
		return Info{}, w.fail(err)
	}
	if err := w.verify(); err != nil {
		return Info{}, w.fail(fmt.Errorf("read back: %w", err))
	}
	path := checkpointPath(w.dir, w.meta.Seq)
	if err := errors.Join(os.Rename(w.tmp, path), syncDir(w.dir)); err != nil {
		return Info{}, w.fail(err)
	}
	return infoOf(path, t), nil
}

// finish completes the file tmp and syncs it.
func (w *Writer) finish() (trailer, error) {
	for _, o := range w.objects {
		if err := w.put(bucketObjects, binary.BigEndian.AppendUint32(nil, o.ID), encodeObject(o)); err != nil {
			return trailer{}, err
		}
	}
	if err := w.put(bucketMeta, keyMeta, encodeMeta(w.meta, len(w.objects))); err != nil {
		return trailer{}, err
	}
	if err := w.tx.Commit(); err != nil {
		return trailer{}, err
	}
	t := trailer{seq: w.meta.Seq, time: w.meta.Time, run: w.meta.Run, epoch: w.meta.Epoch, objects: uint32(len(w.objects))}
	if err := w.db.View(func(tx *bbolt.Tx) error { t.length = tx.Size(); return nil }); err != nil {
		return trailer{}, err
	}
	if err := w.db.Close(); err != nil {
		return trailer{}, err
	}
	if err := seal(w.f, t); err != nil {
		return trailer{}, err
	}
	out := w.f
	if w.unnamed {
		var err error
		if out, err = os.OpenFile(w.tmp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666); err != nil {
			return trailer{}, err
		}
		defer out.Close() // what it could report, Sync has reported
		if _, err := io.Copy(out, io.NewSectionReader(w.f, 0, t.length+trailerSize)); err != nil {
			return trailer{}, err
		}
	}
	if err := out.Sync(); err != nil {
		return trailer{}, err
	}
	// So that verify reads the disk and not this machine's memory. It is
	// advice: where it is not taken, less is verified.
	_ = unix.Fadvise(int(out.Fd()), 0, 0, unix.FADV_DONTNEED)
	return t, nil
}

// verify opens the file tmp as OpenFile would and compares what it holds.
func (w *Writer) verify() error {
	r, err := openFile(w.tmp, w.meta.Seq)
	if err != nil {
		return err
	}
	defer r.Close()
	slices.SortFunc(w.objects, byID)
	if !slices.Equal(r.objects, w.objects) {
		return errors.New("it holds other objects than were written")
	}
	return nil
}

// Abort gives the checkpoint up and removes its temporary file. After Commit,
// or a second time, it does nothing.
func (w *Writer) Abort() {
	if w.done {
		return
	}
	w.done = true
	if w.err == nil {
		w.fail(ErrClosed)
	}
	if w.tx != nil {
		w.tx.Rollback() // of a committed one: says so, does nothing
	}
	if w.db != nil {
		w.db.Close()
	}
	if w.f != nil {
		w.f.Close()
		os.Remove(w.tmp)
	}
}

// lockTimeout is how long bbolt waits for its lock on a checkpoint file, which
// nobody else has reason to take.
const lockTimeout = time.Second

// duplicate makes bbolt work on a file that is already open, so that the file
// may be unnamed and cannot be another one than was checked.
func duplicate(f *os.File) func(string, int, os.FileMode) (*os.File, error) {
	return func(string, int, os.FileMode) (*os.File, error) {
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return nil, os.NewSyscallError("fcntl", err)
		}
		return os.NewFile(uintptr(fd), f.Name()), nil
	}
}

// unnamedFile returns a file of this node that disappears with its last descriptor.
func unnamedFile() (*os.File, error) {
	tmp, err := localTemp()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(tmp, "dsss-*"+checkpointSuffix)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
