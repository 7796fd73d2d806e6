package snapshot

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
)

// A checkpoint is written once, from its first page to its last, with keys that
// ascend. A transaction of bbolt would copy each value twice, keep a free list
// and map the file; so what bbolt would have made of one such transaction is
// laid out here directly (pages.go has the format), and read by bbolt.

// noFreelist in the meta pages says that the free pages are not listed; a
// checkpoint has none.
const noFreelist = ^uint64(0)

// metaPages is how many pages come before the first tree.
const metaPages = 2

// pageWriter numbers pages and hands them on in their order.
type pageWriter struct {
	out  *stripeWriter
	next uint64
}

func newPageWriter(out *stripeWriter) (*pageWriter, error) {
	// What stands in the meta pages is known at the end.
	return &pageWriter{out: out, next: metaPages}, out.write(make([]byte, metaPages*pageSize))
}

// page writes one page with its overflow: the elements, and behind them their
// keys and values in parts. It returns the page's number.
func (p *pageWriter) page(flags uint16, count int, elements []byte, parts ...[]byte) (uint64, error) {
	size := pageHeaderSize + len(elements)
	for _, part := range parts {
		size += len(part)
	}
	extent := max(1, (size+pageSize-1)/pageSize)
	id := p.next
	p.next += uint64(extent)
	head := appendPageHeader(make([]byte, 0, pageHeaderSize), id, flags, count, extent-1)
	for _, part := range append([][]byte{head, elements}, parts...) {
		if err := p.out.write(part); err != nil {
			return 0, err
		}
	}
	return id, p.out.write(zeros[:extent*pageSize-size])
}

var zeros [pageSize]byte

func appendPageHeader(b []byte, id uint64, flags uint16, count, overflow int) []byte {
	b = binary.LittleEndian.AppendUint64(b, id)
	b = binary.LittleEndian.AppendUint16(b, flags)
	b = binary.LittleEndian.AppendUint16(b, uint16(count))
	return binary.LittleEndian.AppendUint32(b, uint32(overflow))
}

// metas returns the two meta pages of a finished database.
func (p *pageWriter) metas(root uint64) []byte {
	var b []byte
	for i := range metaPages {
		b = appendPageHeader(b, uint64(i), pageMeta, 0, 0)
		meta := len(b)
		b = binary.LittleEndian.AppendUint32(b, boltMagic)
		b = binary.LittleEndian.AppendUint32(b, boltVersion)
		b = binary.LittleEndian.AppendUint32(b, pageSize)
		b = binary.LittleEndian.AppendUint32(b, 0)
		b = binary.LittleEndian.AppendUint64(b, root)
		b = binary.LittleEndian.AppendUint64(b, 0)
		b = binary.LittleEndian.AppendUint64(b, noFreelist)
		b = binary.LittleEndian.AppendUint64(b, p.next)
		b = binary.LittleEndian.AppendUint64(b, uint64(i)) // transaction: the second page counts
		sum := fnv.New64a()
		sum.Write(b[meta:])
		b = binary.LittleEndian.AppendUint64(b, sum.Sum64())
		b = append(b, make([]byte, (i+1)*pageSize-len(b))...)
	}
	return b
}

// treeWriter writes the tree of one bucket from its leaves up. Keys must ascend.
// It holds one unfinished page of each level.
type treeWriter struct {
	pages *pageWriter
	flags uint32 // of the elements: bucketFlag where values are buckets

	sizes  [][2]uint32 // of key and value of each element of the unfinished leaf
	body   []byte      // those keys and values
	levels []branch    // the parents of the leaves, their parents, and so on
}

// branch is an unfinished branch page.
type branch struct {
	children []child
	size     int
}

// child is an element of a branch page: a page and its first key.
type child struct {
	key  []byte
	page uint64
}

// put adds an element. It keeps neither key nor value.
func (t *treeWriter) put(key, value []byte) error {
	size := elementSize + len(key) + len(value)
	if len(t.sizes) > 0 && pageHeaderSize+len(t.sizes)*elementSize+len(t.body)+size > pageSize {
		if err := t.flushLeaf(); err != nil {
			return err
		}
	}
	if pageHeaderSize+size > pageSize { // a leaf of its own, and not copied
		elements := t.appendElement(nil, elementSize, uint32(len(key)), uint32(len(value)))
		id, err := t.pages.page(pageLeaf, 1, elements, key, value)
		if err != nil {
			return err
		}
		return t.add(0, child{bytes.Clone(key), id})
	}
	t.sizes = append(t.sizes, [2]uint32{uint32(len(key)), uint32(len(value))})
	t.body = append(append(t.body, key...), value...)
	return nil
}

func (t *treeWriter) appendElement(b []byte, pos, ksize, vsize uint32) []byte {
	b = binary.LittleEndian.AppendUint32(b, t.flags)
	b = binary.LittleEndian.AppendUint32(b, pos)
	b = binary.LittleEndian.AppendUint32(b, ksize)
	return binary.LittleEndian.AppendUint32(b, vsize)
}

func (t *treeWriter) flushLeaf() error {
	elements := make([]byte, 0, len(t.sizes)*elementSize)
	body := uint32(0)
	for i, s := range t.sizes {
		elements = t.appendElement(elements, uint32(len(t.sizes)-i)*elementSize+body, s[0], s[1])
		body += s[0] + s[1]
	}
	id, err := t.pages.page(pageLeaf, len(t.sizes), elements, t.body)
	if err != nil {
		return err
	}
	var first []byte
	if len(t.sizes) > 0 {
		first = bytes.Clone(t.body[:t.sizes[0][0]])
	}
	t.sizes, t.body = t.sizes[:0], t.body[:0]
	return t.add(0, child{first, id})
}

// add makes a page the child of the unfinished branch of a level, after writing
// that branch if it is full.
func (t *treeWriter) add(level int, c child) error {
	if level == len(t.levels) {
		t.levels = append(t.levels, branch{size: pageHeaderSize})
	}
	size := elementSize + len(c.key)
	if b := t.levels[level]; len(b.children) > 0 && b.size+size > pageSize {
		if err := t.flushBranch(level); err != nil {
			return err
		}
	}
	b := &t.levels[level]
	b.children = append(b.children, c)
	b.size += size
	return nil
}

func (t *treeWriter) flushBranch(level int) error {
	children := t.levels[level].children
	elements := make([]byte, 0, len(children)*elementSize)
	var keys []byte
	for i, c := range children {
		elements = binary.LittleEndian.AppendUint32(elements, uint32((len(children)-i)*elementSize+len(keys)))
		elements = binary.LittleEndian.AppendUint32(elements, uint32(len(c.key)))
		elements = binary.LittleEndian.AppendUint64(elements, c.page)
		keys = append(keys, c.key...)
	}
	id, err := t.pages.page(pageBranch, len(children), elements, keys)
	if err != nil {
		return err
	}
	t.levels[level] = branch{size: pageHeaderSize}
	return t.add(level+1, child{children[0].key, id})
}

// finish writes what is unfinished and returns the number of the root page.
func (t *treeWriter) finish() (uint64, error) {
	if len(t.sizes) > 0 || len(t.levels) == 0 {
		if err := t.flushLeaf(); err != nil {
			return 0, err
		}
	}
	for level := 0; ; level++ {
		if children := t.levels[level].children; level == len(t.levels)-1 && len(children) == 1 {
			return children[0].page, nil
		}
		if err := t.flushBranch(level); err != nil {
			return 0, err
		}
	}
}
