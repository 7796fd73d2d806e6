package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"dsss/internal/limits"
	"dsss/internal/vfs"
)

var (
	bucketMeta    = []byte("meta")
	bucketObjects = []byte("objects")
	bucketChunks  = []byte("chunks")
	keyMeta       = []byte("meta")
)

// Writer makes one checkpoint file. It is for one goroutine, and there must be
// one at a time for a directory. Its first error is what every later call
// returns.
type Writer struct {
	store Store
	meta  Meta
	tmp   string

	f       vfs.File // tmp
	out     *stripeWriter
	pages   *pageWriter
	chunks  *treeWriter
	objects []object // by ascending id
	err     error    // the first, or ErrClosed: returned by every further call
	done    bool     // nothing is left to release
}

// Create starts the checkpoint of m.Seq in the store, whose directory it
// creates when missing, and removes what a crash left there of an earlier one.
// The checkpoint exists once Commit has returned nil; the caller must call
// Commit or Abort. m stays the caller's. A zero m.Time means now.
func (s Store) Create(m Meta) (*Writer, error) {
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("create checkpoint: %w", err)
	}
	m.Sessions = maps.Clone(m.Sessions)
	if m.Time.IsZero() {
		m.Time = time.Now()
	}
	w := &Writer{store: s, meta: m, tmp: pathOf(s.Dir, m.Seq) + vfs.TmpSuffix}
	if err := w.start(); err != nil {
		w.Abort()
		return nil, w.fail(err)
	}
	return w, nil
}

func (w *Writer) start() error {
	fsys := w.store.fs()
	err := w.store.writable()
	if err == nil {
		err = vfs.MakeDir(fsys, w.store.Dir)
	}
	if err == nil {
		err = vfs.RemoveTemporaries(fsys, w.store.Dir)
	}
	if err == nil {
		w.f, err = fsys.OpenFile(w.tmp, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	}
	if err != nil {
		return err
	}
	w.out = newStripeWriter(w.f)
	w.pages, err = newPageWriter(w.out)
	w.chunks = &treeWriter{pages: w.pages}
	return err
}

// fail keeps the first error, naming the file and, for a full disk, the next
// step, and returns it.
func (w *Writer) fail(err error) error {
	next := ""
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		next = ": free some space there"
	}
	w.err = fmt.Errorf("write checkpoint %s: %w%s", pathOf(w.store.Dir, w.meta.Seq), err, next)
	return w.err
}

// BeginObject ends the object before it and starts o, whose id must be larger.
// The chunks that follow are its state.
func (w *Writer) BeginObject(o Object) error {
	switch err := o.validate(); {
	case w.err != nil:
		return w.err
	case err != nil:
		return w.fail(err)
	}
	if n := len(w.objects); n > 0 && o.ID <= w.objects[n-1].ID {
		return w.fail(fmt.Errorf("object %d %q after object %d: ids must ascend", o.ID, o.Name, w.objects[n-1].ID))
	}
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
	if err := w.chunks.put(chunkKey(o.ID, o.chunks), b); err != nil {
		return w.fail(err)
	}
	o.chunks++
	o.bytes += uint64(len(b))
	return nil
}

func chunkKey(id, index uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(make([]byte, 0, 8), id), index)
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
	if err := w.verify(t); err != nil {
		return Info{}, w.fail(fmt.Errorf("read back: %w", err))
	}
	path := pathOf(w.store.Dir, w.meta.Seq)
	// First, so that a crash in between leaves a refused file to be refused
	// again, and not a sound one refused.
	if err := w.store.pardon(w.meta.Seq); err != nil {
		return Info{}, w.fail(err)
	}
	fsys := w.store.fs()
	err = fsys.Rename(w.tmp, path)
	if err == nil {
		err = fsys.SyncDir(w.store.Dir)
	}
	if err != nil {
		return Info{}, w.fail(err)
	}
	return infoOf(path, t), nil
}

// finish completes the file and syncs it.
func (w *Writer) finish() (trailer, error) {
	root, err := w.trees()
	if err != nil {
		return trailer{}, err
	}
	t := trailer{seq: w.meta.Seq, time: w.meta.Time, run: w.meta.Run, epoch: w.meta.Epoch, objects: uint32(len(w.objects))}
	if t.length, t.digest, err = w.out.finish(w.pages.metas(root)); err != nil {
		return trailer{}, err
	}
	if _, err := w.f.WriteAt(t.encode(), t.length); err != nil {
		return trailer{}, err
	}
	return t, w.f.Sync()
}

// trees ends the tree of the chunks, writes those of the other buckets and the
// one that holds the buckets, and returns the root page of that.
func (w *Writer) trees() (uint64, error) {
	objects := &treeWriter{pages: w.pages}
	for _, o := range w.objects {
		if err := objects.put(binary.BigEndian.AppendUint32(nil, o.ID), encodeObject(o)); err != nil {
			return 0, err
		}
	}
	meta := &treeWriter{pages: w.pages}
	if err := meta.put(keyMeta, encodeMeta(w.meta, len(w.objects))); err != nil {
		return 0, err
	}
	top := &treeWriter{pages: w.pages, flags: bucketFlag}
	for _, b := range []struct {
		name []byte
		tree *treeWriter
	}{{bucketChunks, w.chunks}, {bucketMeta, meta}, {bucketObjects, objects}} { // by ascending name
		root, err := b.tree.finish()
		if err != nil {
			return 0, err
		}
		bucket := make([]byte, bucketSize)
		binary.LittleEndian.PutUint64(bucket, root)
		if err := top.put(b.name, bucket); err != nil {
			return 0, err
		}
	}
	return top.finish()
}

// verify opens the file tmp as Open would and compares what it holds.
// Reading it back only now is no slower than reading behind the writing was: the
// two then wait for the same disk.
func (w *Writer) verify(t trailer) error {
	// So that the disk is read and not this machine's memory. It is advice:
	// where it is not taken, less is verified.
	vfs.Forget(w.f, 0, t.length)
	r, err := w.store.openFile(w.tmp, w.meta.Seq)
	if err != nil {
		return err
	}
	defer r.Close()
	if r.trailer.length != t.length || r.trailer.digest != t.digest || !slices.Equal(r.objects, w.objects) {
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
	if w.f != nil {
		w.out.stop()
		w.f.Close()
		_ = w.store.fs().Remove(w.tmp) // gone after Commit; else the next Create removes it
	}
}
