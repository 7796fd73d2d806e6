// Package history is the log as its readers see it: first in memory, then on disk, then not any more, so that a checkpoint
// has to help. Whoever reads it is a Cursor, a sequence number that it wants next: each connection, and the disk.
//
// # Memory
//
// Frames lie in slabs, which are taken once and used again while they are hot: under load a process would else spend a
// third of its time on the first touch of fresh memory. A slab is used again when all its frames have been trimmed and no
// cursor is writing one of them.
//
// A frame is sealed before it is appended and never changes: all who read it share it.
//
// # Domains
//
// An entry belongs to a domain of the order. A cursor reads all of them, or domain 0 alone, and passes by the others without
// looking at their frames.
package history

import (
	"sort"
	"sync"

	"dsss/internal/limits"
)

// An Entry is what was ordered at once: one batch, or several one behind the other in one frame group, sealed.
type Entry struct {
	First  uint64 // sequence number of its first mutation
	Count  uint32 // mutations in it
	Domain uint8
	Frame  []byte
	slab   *slab
}

// Last returns the sequence number of the entry's last mutation.
func (e Entry) Last() uint64 { return e.First + uint64(e.Count) - 1 }

// A slab holds frames one behind the other. The Log's mu guards it.
type slab struct {
	bytes []byte
	used  int
	live  int // frames that are in the log, or on their way, and cursors that are writing from it
}

// A Space is storage for one frame on its way into a Log.
type Space struct {
	Frame []byte
	slab  *slab
}

// Disk is the log on disk, as far as readers need it. It is safe for concurrent use.
type Disk interface {
	// First returns the sequence number of the oldest mutation that it holds, Next that behind the newest.
	First() uint64
	Next() uint64
	// Read returns a reader of what follows from on; an error when that is not there (any more).
	Read(from uint64) (Reader, error)
}

// A Reader reads a log on disk. The entry's frame is valid until the next call; io.EOF says that there is no more yet.
type Reader interface {
	Next() (Entry, error)
	Close() error
}

// A Log is consecutive entries up to the head: those in memory, and before them those on disk. All methods are safe for
// concurrent use; entries are appended by one at a time.
type Log struct {
	bounds limits.Bounds

	// mu guards what follows, for moments. Nothing else is taken while it is held.
	mu      sync.Mutex
	disk    Disk
	entries []Entry // entries[start:] are live; their sequence numbers follow one another
	start   int
	bytes   int    // of the live frames
	next    uint64 // sequence number behind the last entry
	lost    uint64 // the last of domain 0, or less than that, that lay before the oldest entry
	current *slab  // where the next frame goes; nil: nowhere yet
	free    []*slab
}

// New returns a log whose first entry will begin at next.
func New(bounds limits.Bounds, next uint64) *Log {
	return &Log{bounds: bounds, next: next, lost: next - 1}
}

// Begin has the log go on at next, with disk behind it. It is called while the log is empty.
func (l *Log) Begin(disk Disk, next uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.disk, l.next, l.lost = disk, next, next-1
}

// Space returns storage for a frame of size bytes. The caller fills it and hands it to Append, or to Return.
func (l *Log) Space(size int) Space {
	l.mu.Lock()
	defer l.mu.Unlock()
	if size > limits.LogSlab/4 {
		return Space{Frame: make([]byte, size)} // large ones pay for themselves
	}
	s := l.current
	if s == nil || len(s.bytes)-s.used < size {
		s = l.slab()
		l.current = s
	}
	s.live++
	frame := s.bytes[s.used : s.used+size : s.used+size]
	s.used += size
	return Space{Frame: frame, slab: s}
}

func (l *Log) slab() *slab {
	if n := len(l.free); n > 0 {
		s := l.free[n-1]
		l.free = l.free[:n-1]
		return s
	}
	return &slab{bytes: make([]byte, limits.LogSlab)}
}

// Return gives a frame's storage back that was not appended.
func (l *Log) Return(s Space) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.release(s.slab)
}

// release ends one use of a slab.
func (l *Log) release(s *slab) {
	if s == nil {
		return
	}
	switch s.live--; {
	case s.live > 0:
	case s == l.current:
		s.used = 0
	default:
		l.recycle(s)
	}
}

func (l *Log) recycle(s *slab) {
	s.used = 0
	if len(l.free) <= l.bounds.LogMemory/limits.LogSlab {
		l.free = append(l.free, s)
	}
}

// Append adds a frame that holds count mutations of a domain from first on, which follows the last.
func (l *Log) Append(first uint64, count uint32, domain uint8, s Space) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.start > 1024 && l.start > len(l.entries)/2 {
		n := copy(l.entries, l.entries[l.start:])
		clear(l.entries[n:])
		l.entries, l.start = l.entries[:n], 0
	}
	e := Entry{First: first, Count: count, Domain: domain, Frame: s.Frame, slab: s.slab}
	l.entries = append(l.entries, e)
	l.bytes += len(e.Frame)
	l.next = e.Last() + 1
}

// First returns the sequence number of the oldest entry in memory, or that behind the last when there is none.
func (l *Log) First() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first()
}

func (l *Log) first() uint64 {
	if l.start == len(l.entries) {
		return l.next
	}
	return l.entries[l.start].First
}

// Full tells whether nothing more should be appended, where bytes and entries more than usual are allowed.
func (l *Log) Full(bytes, entries int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes >= l.bounds.LogMemory+bytes || len(l.entries)-l.start >= l.bounds.LogEntries+entries
}

// Short tells whether memory is three quarters full.
func (l *Log) Short() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over(3, 4)
}

// Size returns the bytes of frames in memory, and how many there may be.
func (l *Log) Size() (bytes, limit int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes, l.bounds.LogMemory
}

// Between returns the bytes of the frames in memory from sequence number from on up to upto, and whether memory lacks some of
// them: they are on disk.
func (l *Log) Between(from, upto uint64) (bytes uint64, disk bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	live := l.entries[l.start:]
	for i := sort.Search(len(live), func(i int) bool { return live[i].Last() >= from }); i < len(live) && live[i].Last() <= upto; i++ {
		bytes += uint64(len(live[i].Frame))
	}
	return bytes, from < l.first()
}

// over tells whether memory has reached a fraction of what it may hold.
func (l *Log) over(part, of int) bool {
	return l.bytes >= l.bounds.LogMemory/of*part || len(l.entries)-l.start >= l.bounds.LogEntries/of*part
}

// Trim forgets the oldest entries in memory that lie wholly up to seq, until it is half full.
func (l *Log) Trim(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.start < len(l.entries) && l.over(1, 2) && l.entries[l.start].Last() <= seq {
		e := &l.entries[l.start]
		l.bytes -= len(e.Frame)
		l.release(e.slab)
		if e.Domain == 0 {
			l.lost = e.Last()
		}
		*e = Entry{}
		l.start++
	}
}

// Since returns copies of the frames in memory that begin behind seq, oldest first: for simulations and tests.
func (l *Log) Since(seq uint64) (frames [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries[l.start:] {
		if e.First > seq {
			frames = append(frames, append([]byte(nil), e.Frame...))
		}
	}
	return frames
}

// read appends to dst the entries from sequence number from on that lie wholly within upto, of all domains or of domain 0, as
// much as one write takes, and holds on to their storage until unpin. next is what to read from then. ok is false when
// some of them lie before the oldest entry.
func (l *Log) read(from, upto uint64, all bool, dst []Entry) (_ []Entry, next uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if first := l.first(); from < first {
		if all || l.lost >= from {
			return dst, from, false
		}
		from = max(from, min(first, upto+1))
	}
	live := l.entries[l.start:]
	i := sort.Search(len(live), func(i int) bool { return live[i].Last() >= from })
	var pinned *slab
	passed := 0
	for bytes := 0; i < len(live) && live[i].Last() <= upto && bytes < l.bounds.WriteGather && len(dst)+passed < l.bounds.WriteEntries; i++ {
		e := live[i]
		from = e.Last() + 1
		if e.Domain != 0 && !all {
			passed++
			continue
		}
		if e.slab == pinned {
			e.slab = nil // one hold for the frames that lie in one slab one behind the other
		} else if pinned = e.slab; pinned != nil {
			pinned.live++
		}
		dst = append(dst, e)
		bytes += len(e.Frame)
	}
	return dst, from, true
}

func (l *Log) unpin(entries []Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range entries {
		l.release(e.slab)
	}
}
