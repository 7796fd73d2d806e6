package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"

	"dsss/internal/limits"
)

// bbolt's file format (go.etcd.io/bbolt/internal/common: Meta, Page, InBucket),
// of the host's byte order, which is little-endian wherever DSSS runs:
//
//	page     id 8, flags 2, count 2, overflow 4, then count elements of 16 bytes, then keys and values
//	leaf     element: flags 4, pos 4, ksize 4, vsize 4; the key lies pos after the element, the value after the key
//	branch   element: pos 4, ksize 4, child 8
//	bucket   value of a leaf element with flag 1: root page 8, sequence 8
//	meta     page header, then magic 4, version 4, page size 4, flags 4, root bucket 16, freelist 8, pages 8, txid 8, FNV-1a 8
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageBranch     = 1
	pageLeaf       = 2
	pageMeta       = 4
	pageHeaderSize = 16
	elementSize    = 16
	bucketFlag     = 1
	bucketSize     = 16
	metaSize       = 64
)

// checkPages verifies that bbolt can read the first length bytes of f without
// leaving them, looping or panicking: that the pages reachable from the root
// form a tree of branches and leaves whose elements lie inside their pages. The
// file's checksum vouches for what was written; this vouches for whoever wrote
// it. Values of chunks are not read.
func checkPages(f io.ReaderAt, length int64) error {
	if length < 3*pageSize || length%pageSize != 0 {
		return fmt.Errorf("%d bytes are not a whole number of pages", length)
	}
	c := pageChecker{f: f, pages: uint64(length / pageSize), seen: make([]uint64, (length/pageSize+63)/64)}
	root, err := c.root()
	if err != nil {
		return err
	}
	return c.page(root, 0, true)
}

type pageChecker struct {
	f     io.ReaderAt
	pages uint64
	seen  []uint64 // a bit for each page
}

func (c *pageChecker) read(b []byte, off int64) error {
	if _, err := c.f.ReadAt(b, off); err != nil {
		return &ioError{err}
	}
	return nil
}

// root checks both meta pages and returns the root page of the later one, which
// is the one that bbolt takes.
func (c *pageChecker) root() (uint64, error) {
	var later [metaSize]byte
	txid := func(b [metaSize]byte) uint64 { return binary.LittleEndian.Uint64(b[48:]) }
	for i := range int64(2) {
		var b [metaSize]byte
		if err := c.read(b[:], i*pageSize+pageHeaderSize); err != nil {
			return 0, err
		}
		sum := fnv.New64a()
		sum.Write(b[:56])
		if binary.LittleEndian.Uint32(b[0:]) != boltMagic ||
			binary.LittleEndian.Uint32(b[4:]) != boltVersion ||
			binary.LittleEndian.Uint32(b[8:]) != pageSize ||
			binary.LittleEndian.Uint64(b[56:]) != sum.Sum64() {
			return 0, fmt.Errorf("meta page %d is not one of a checkpoint", i)
		}
		if i == 0 || txid(b) > txid(later) {
			later = b
		}
	}
	if pages := binary.LittleEndian.Uint64(later[40:]); pages != c.pages {
		return 0, fmt.Errorf("meta page counts %d pages, the file has %d", pages, c.pages)
	}
	return binary.LittleEndian.Uint64(later[16:]), nil
}

// mark enters a page and its overflow pages as seen.
func (c *pageChecker) mark(id, overflow uint64) error {
	if id < 2 || id >= c.pages || overflow >= c.pages-id {
		return fmt.Errorf("page %d+%d lies outside the file", id, overflow)
	}
	for p := id; p <= id+overflow; p++ {
		if c.seen[p/64]&(1<<(p%64)) != 0 {
			return fmt.Errorf("page %d is used twice", p)
		}
		c.seen[p/64] |= 1 << (p % 64)
	}
	return nil
}

// page checks a page and all below it. The pages of the top bucket hold the
// other buckets, and those hold none.
func (c *pageChecker) page(id uint64, depth int, top bool) error {
	if depth > limits.CheckpointDepth {
		return errors.New("page tree is too deep")
	}
	if id >= c.pages {
		return fmt.Errorf("page %d lies outside the file", id)
	}
	off := int64(id) * pageSize
	head := make([]byte, pageSize)
	if err := c.read(head, off); err != nil {
		return err
	}
	flags, count := binary.LittleEndian.Uint16(head[8:]), int64(binary.LittleEndian.Uint16(head[10:]))
	overflow := uint64(binary.LittleEndian.Uint32(head[12:]))
	if self := binary.LittleEndian.Uint64(head); self != id {
		return fmt.Errorf("page %d calls itself %d", id, self)
	}
	if err := c.mark(id, overflow); err != nil {
		return err
	}
	extent := int64(overflow+1) * pageSize
	size := pageHeaderSize + count*elementSize
	if size > extent {
		return fmt.Errorf("page %d has no room for its %d elements", id, count)
	}
	if size > pageSize {
		head = make([]byte, size)
		if err := c.read(head, off); err != nil {
			return err
		}
	}
	elements := head[pageHeaderSize:size]
	switch {
	case flags == pageLeaf:
		return c.leaf(elements, off+pageHeaderSize, off+extent, depth, top)
	case flags == pageBranch && count > 0:
		return c.branch(id, elements, extent-pageHeaderSize, depth, top)
	}
	return fmt.Errorf("page %d is neither branch nor leaf", id)
}

func (c *pageChecker) branch(id uint64, elements []byte, room int64, depth int, top bool) error {
	for at := 0; at < len(elements); at += elementSize {
		e := elements[at:]
		pos, ksize := int64(binary.LittleEndian.Uint32(e)), int64(binary.LittleEndian.Uint32(e[4:]))
		if ksize == 0 || int64(at)+pos+ksize > room {
			return fmt.Errorf("key in page %d lies outside it", id)
		}
		if err := c.page(binary.LittleEndian.Uint64(e[8:]), depth+1, top); err != nil {
			return err
		}
	}
	return nil
}

// leaf checks elements that are stored at off in a page that ends at end.
func (c *pageChecker) leaf(elements []byte, off, end int64, depth int, top bool) error {
	for at := int64(0); at < int64(len(elements)); at += elementSize {
		e := elements[at:]
		flags, pos := binary.LittleEndian.Uint32(e), int64(binary.LittleEndian.Uint32(e[4:]))
		ksize, vsize := int64(binary.LittleEndian.Uint32(e[8:])), int64(binary.LittleEndian.Uint32(e[12:]))
		value := off + at + pos + ksize
		if ksize == 0 || value+vsize > end {
			return fmt.Errorf("element at offset %d lies outside its page", off+at)
		}
		if top != (flags == bucketFlag) || !top && flags != 0 {
			return fmt.Errorf("element at offset %d has flags %#x", off+at, flags)
		}
		if top {
			if err := c.bucket(value, vsize, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// bucket checks the bucket whose size bytes are stored at off. Small ones, which bbolt could hold inline, have a page as
// well.
func (c *pageChecker) bucket(off, size int64, depth int) error {
	var b [bucketSize]byte
	if size != bucketSize {
		return fmt.Errorf("bucket at offset %d has %d bytes", off, size)
	}
	if err := c.read(b[:], off); err != nil {
		return err
	}
	return c.page(binary.LittleEndian.Uint64(b[:]), depth+1, false)
}
