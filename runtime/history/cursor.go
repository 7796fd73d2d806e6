package history

import (
	"errors"
	"io"
	"sync/atomic"
)

// ErrGone is wrapped when what a cursor wants next is neither in memory nor on disk.
var ErrGone = errors.New("neither in memory nor on disk")

// A Cursor is a place in a log, and what one write of its reader needs. Gather and Done are called by one goroutine at a
// time; Next by any.
type Cursor struct {
	log  *Log
	all  bool // it reads every domain, not only domain 0
	next atomic.Uint64

	entries []Entry // held until Done
	upto    uint64  // what Done moves to
	behind  Reader  // of a cursor that is behind the memory; nil: none is open
	reached uint64  // sequence number that behind comes to next, behind ahead
	ahead   Entry   // read from behind, and not to be seen yet; no Frame: none
}

// NewCursor returns a cursor that wants next: of all domains, or of domain 0.
func (l *Log) NewCursor(next uint64, all bool) *Cursor {
	c := &Cursor{log: l, all: all, upto: next}
	c.next.Store(next)
	return c
}

// Next returns the sequence number that is wanted next.
func (c *Cursor) Next() uint64 { return c.next.Load() }

// Seek has the cursor want next. It is called between Done and Gather.
func (c *Cursor) Seek(next uint64) {
	c.upto = next
	c.next.Store(next)
}

// Entries returns the next entries in memory up to the sequence number upto, as much as one write takes; none when they are
// not in memory, or not there yet. They are valid until Done.
func (c *Cursor) Entries(upto uint64) []Entry {
	c.entries, c.upto, _ = c.log.read(c.next.Load(), upto, c.all, c.entries[:0])
	return c.entries
}

// Gather appends the next frames up to the sequence number upto to bufs, as much as one write takes: none when what came next was of
// other domains. They are valid until Done. The error wraps ErrGone, or is the disk's.
func (c *Cursor) Gather(upto uint64, bufs [][]byte) ([][]byte, error) {
	next := c.next.Load()
	var inMemory bool
	if c.entries, c.upto, inMemory = c.log.read(next, upto, c.all, c.entries[:0]); !inMemory {
		return c.fromDisk(bufs, next, upto)
	}
	for i := range c.entries {
		bufs = append(bufs, c.entries[i].Frame)
	}
	return bufs, nil
}

// Done says that what Gather or Entries returned is not needed any more. If it has been used the cursor wants what follows.
func (c *Cursor) Done(used bool) {
	if len(c.entries) > 0 {
		c.log.unpin(c.entries)
		clear(c.entries)
		c.entries = c.entries[:0]
	}
	if used {
		c.next.Store(c.upto)
	}
	c.upto = c.next.Load()
}

// fromDisk gathers from the log on disk. Everything that memory has lost is on disk, so the disk's end reaches into memory.
// The reader stays open behind a cursor that is in memory again, because to find a place in the log again is to read a segment
// from its beginning.
//
// What is on disk already may not be committed yet: it is not to be seen beyond upto.
func (c *Cursor) fromDisk(bufs [][]byte, next, upto uint64) ([][]byte, error) {
	b := &c.log.bounds
	if c.behind != nil && next-c.reached > uint64(b.Reread) {
		c.Close()
	}
	kept := c.behind != nil
	bytes := 0
	for bytes < b.WriteGather && len(bufs) < b.WriteEntries {
		if c.behind == nil {
			r, err := c.log.disk.Read(next)
			if err != nil {
				return bufs, errors.Join(ErrGone, err)
			}
			c.behind, c.reached = r, next
		}
		e, err := c.fromReader()
		if err != nil && bytes == 0 && kept {
			kept = false
			c.Close() // the log may have begun again behind a checkpoint since it was opened
			continue
		}
		if err == io.EOF && bytes > 0 {
			break
		}
		if err == io.EOF {
			return bufs, ErrGone
		}
		if err != nil {
			return bufs, errors.Join(ErrGone, err)
		}
		if e.Last() < next {
			continue // it was read from memory
		}
		if e.Last() > upto {
			c.ahead = e
			break
		}
		bytes += len(e.Frame)
		next = e.Last() + 1
		if e.Domain == 0 || c.all {
			bufs = append(bufs, e.Frame)
		}
	}
	c.upto = next
	return bufs, nil
}

// fromReader returns the next entry on disk, in storage of its own.
func (c *Cursor) fromReader() (Entry, error) {
	if e := c.ahead; e.Frame != nil {
		c.ahead = Entry{}
		return e, nil
	}
	e, err := c.behind.Next()
	if err != nil {
		return Entry{}, err
	}
	c.reached = e.Last() + 1
	e.Frame = append([]byte(nil), e.Frame...)
	return e, nil
}

// Close closes what is open of the disk. The cursor may be used on.
func (c *Cursor) Close() {
	if c.behind != nil {
		_ = c.behind.Close() // it was only read
		c.behind, c.ahead = nil, Entry{}
	}
}
