package snapshot

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// Reader reads a verified checkpoint. Its methods may be called concurrently,
// except Close. The file is mapped into memory: whoever cuts it short while it
// is open ends the process with SIGBUS; deleting it, as [Store.Retain] does, is harmless.
type Reader struct {
	f       *os.File
	db      *bbolt.DB
	tx      *bbolt.Tx
	path    string
	trailer trailer
	meta    Meta
	objects []object     // by ascending id
	sums    []uint32     // of the blocks of the file's pages
	sound   atomic.Int64 // the block that was compared last, from 1 on
}

// Open is [Store.Open] of a file of the operating system's.
func Open(path string) (*Reader, error) { return Store{Dir: filepath.Dir(path)}.Open(path) }

// Open opens a checkpoint and verifies all of it: the file's digest, the structure of its pages and
// every record. What does not verify is [ErrCorrupt]. The caller closes the Reader.
func (s Store) Open(path string) (*Reader, error) {
	seq, ok := numberedName(filepath.Base(path), suffix)
	if !ok {
		return nil, fmt.Errorf("open checkpoint: %s is not named like a checkpoint (20 digits and %s)", path, suffix)
	}
	r, err := s.openFile(path, seq)
	if err != nil {
		return nil, fmt.Errorf("open checkpoint: %w", err)
	}
	return r, nil
}

// Verify opens a checkpoint as Open does, so verifies all of it, and closes
// it again. It describes the file also when it does not verify.
func Verify(path string) (Info, error) {
	s := Store{Dir: filepath.Dir(path)}
	r, err := s.Open(path)
	if err == nil {
		info := r.Info()
		reason, rerr := s.refused(info.Seq)
		info.Refused = reason
		return info, errors.Join(rerr, r.Close())
	}
	seq, ok := numberedName(filepath.Base(path), suffix)
	if !ok {
		return Info{Path: path}, err
	}
	info, serr := s.stat(path, seq)
	if serr != nil {
		return Info{Path: path, Seq: seq}, err // it says why, too
	}
	return info, err
}

// corrupt is the error for a file with something wrong in it.
func corrupt(path string, err error) error { return fmt.Errorf("%w: %s: %w", ErrCorrupt, path, err) }

// openFile opens the checkpoint of seq at path, whatever its name.
func (s Store) openFile(path string, seq uint64) (*Reader, error) {
	f, err := openMappable(s.fs(), path)
	if err != nil {
		return nil, err
	}
	r := &Reader{f: f, path: path}
	if err := r.load(seq); err != nil {
		r.Close()
		var failed *ioError
		if errors.As(err, &failed) {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return nil, corrupt(path, err)
	}
	return r, nil
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

// load verifies the file from the outside in: nothing is interpreted before
// what surrounds it has been found sound.
func (r *Reader) load(seq uint64) error {
	st, err := r.f.Stat()
	if err != nil {
		return &ioError{err}
	}
	t, err := readTrailer(r.f, st.Size())
	if err != nil {
		return err
	}
	r.trailer = t
	if t.seq != seq {
		return fmt.Errorf("it is the checkpoint of sequence number %d under another name", t.seq)
	}
	_ = unix.Fadvise(int(r.f.Fd()), 0, 0, unix.FADV_SEQUENTIAL) // reads ahead further
	if r.sums, err = sumsOf(r.f, t.length); err != nil {
		return &ioError{err}
	}
	if digestOf(r.sums) != t.digest {
		return errors.New("file fails its checksum")
	}
	if err := checkPages(r.f, t.length); err != nil {
		return err
	}
	r.db, err = bbolt.Open(r.f.Name(), 0, &bbolt.Options{
		Timeout:      lockTimeout,
		ReadOnly:     true,
		NoStatistics: true,
		OpenFile:     duplicate(r.f),
	})
	if err != nil {
		return &ioError{err}
	}
	if r.tx, err = r.db.Begin(false); err != nil {
		return &ioError{err}
	}
	return r.contents(t)
}

// contents reads the metadata and verifies that the chunks are those that it
// announces, no more and no fewer.
func (r *Reader) contents(t trailer) error {
	metas, objects, chunks := r.tx.Bucket(bucketMeta), r.tx.Bucket(bucketObjects), r.tx.Bucket(bucketChunks)
	if metas == nil || objects == nil || chunks == nil {
		return errors.New("a bucket is missing")
	}
	m, n, err := decodeMeta(metas.Get(keyMeta))
	if err != nil {
		return err
	}
	r.meta = m
	err = objects.ForEach(func(k, v []byte) error {
		o, err := decodeObject(v)
		if err != nil {
			return err
		}
		if len(k) != 4 || binary.BigEndian.Uint32(k) != o.ID {
			return fmt.Errorf("object %d is stored under another id", o.ID)
		}
		r.objects = append(r.objects, o)
		return nil
	})
	if err != nil {
		return err
	}
	if len(r.objects) != n || n != int(t.objects) || m.Seq != t.seq || !m.Time.Equal(t.time) || m.Run != t.run || m.Epoch != t.epoch {
		return errors.New("metadata, trailer and contents disagree")
	}
	c, seek := chunks.Cursor(), chunks.Cursor()
	k, v := c.First()
	for _, o := range r.objects {
		if found, _ := seek.Seek(chunkKey(o.ID, 0)); o.chunks > 0 && !bytes.Equal(found, k) {
			return fmt.Errorf("chunk 0 of object %d is not where its key leads", o.ID)
		}
		left := o.bytes
		for i := range o.chunks {
			if !bytes.Equal(k, chunkKey(o.ID, i)) {
				return fmt.Errorf("chunk %d of object %d is missing", i, o.ID)
			}
			if uint64(len(v)) > left {
				return fmt.Errorf("object %d has more than its %d bytes", o.ID, o.bytes)
			}
			left -= uint64(len(v))
			k, v = c.Next()
		}
		if left != 0 {
			return fmt.Errorf("object %d lacks %d of its %d bytes", o.ID, left, o.bytes)
		}
	}
	if k != nil {
		return errors.New("chunks of no object follow the last")
	}
	return nil
}

// intact tells whether the blocks that hold data, which is mapped, are those that were verified. One that was compared
// just now is not compared again, so that objects of a few bytes cost no block each.
func (r *Reader) intact(data []byte) bool {
	if len(data) == 0 {
		return true
	}
	p := unsafe.Pointer(unsafe.SliceData(data))
	off := int64(uintptr(p) - r.db.Info().Data)
	for i := off / blockSize; i*blockSize < off+int64(len(data)); i++ {
		if r.sound.Load() == i+1 {
			continue
		}
		block := unsafe.Slice((*byte)(unsafe.Add(p, i*blockSize-off)), min(blockSize, r.trailer.length-i*blockSize))
		if crc32.Checksum(block, castagnoli) != r.sums[i] {
			return false
		}
		r.sound.Store(i + 1)
	}
	return true
}

func byID(a, b object) int { return cmp.Compare(a.ID, b.ID) }

// Meta returns the checkpoint's metadata, which is the caller's.
func (r *Reader) Meta() Meta {
	m := r.meta
	m.Sessions = maps.Clone(m.Sessions)
	return m
}

// Info describes the file as [Store.List] does.
func (r *Reader) Info() Info { return infoOf(r.path, r.trailer) }

// Content is an object of a checkpoint and how much is stored of it.
type Content struct {
	Object
	Chunks uint32 // how many chunks Chunks yields
	Bytes  uint64 // in all of them
}

// Contents returns the checkpoint's objects by ascending id, with the size of
// what is stored of each.
func (r *Reader) Contents() []Content {
	contents := make([]Content, len(r.objects))
	for i, o := range r.objects {
		contents[i] = Content{o.Object, o.chunks, o.bytes}
	}
	return contents
}

// Objects returns the checkpoint's objects by ascending id.
func (r *Reader) Objects() []Object {
	objects := make([]Object, len(r.objects))
	for i, o := range r.objects {
		objects[i] = o.Object
	}
	return objects
}

// Chunks yields the chunks of an object in the order they were written; they
// are valid until Close and must not be modified. It yields one error, and ends,
// for an id that is not in the checkpoint and for a chunk that changed since it
// was verified.
func (r *Reader) Chunks(id uint32) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		i, ok := slices.BinarySearchFunc(r.objects, object{Object: Object{ID: id}}, byID)
		if !ok {
			yield(nil, fmt.Errorf("checkpoint %s has no object %d", r.path, id))
			return
		}
		c := r.tx.Bucket(bucketChunks).Cursor()
		k, v := c.Seek(chunkKey(id, 0))
		for index := range r.objects[i].chunks {
			if !bytes.Equal(k, chunkKey(id, index)) || !r.intact(v) {
				yield(nil, corrupt(r.path, fmt.Errorf("chunk %d of object %d fails its checksum", index, id)))
				return
			}
			if !yield(v[:len(v):len(v)], nil) {
				return
			}
			k, v = c.Next()
		}
	}
}

// Close ends the Reader; what Chunks yielded is no longer valid. Further calls
// return nil.
func (r *Reader) Close() error {
	var errs []error
	if r.tx != nil {
		errs = append(errs, r.tx.Rollback())
	}
	if r.db != nil {
		errs = append(errs, r.db.Close())
	}
	if r.f != nil {
		errs = append(errs, r.f.Close())
	}
	r.tx, r.db, r.f = nil, nil, nil
	return errors.Join(errs...)
}
