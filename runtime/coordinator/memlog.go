package coordinator

import (
	"sort"

	"dsss/internal/limits"
)

// An entry is one ordered batch: a sealed frame, never changed again, shared by all who read it.
type entry struct {
	first uint64
	count uint32
	frame []byte
}

func (e entry) last() uint64 { return e.first + uint64(e.count) - 1 }

// memLog is the part of the log that is in memory: consecutive entries up to the head. Readers are cursors: they
// remember the sequence number that they want next. The coordinator's mu guards it.
type memLog struct {
	entries []entry // entries[start:] are live; their sequence numbers follow one another
	start   int
	bytes   int    // of the live frames
	next    uint64 // sequence number behind the last entry
	limit   int    // bytes at which the log is full
}

// first returns the sequence number of the oldest entry, or next when there is none.
func (l *memLog) first() uint64 {
	if l.start == len(l.entries) {
		return l.next
	}
	return l.entries[l.start].first
}

// append adds e, which follows the last entry.
func (l *memLog) append(e entry) {
	if l.start > 1024 && l.start > len(l.entries)/2 {
		n := copy(l.entries, l.entries[l.start:])
		clear(l.entries[n:])
		l.entries, l.start = l.entries[:n], 0
	}
	l.entries = append(l.entries, e)
	l.bytes += len(e.frame)
	l.next = e.last() + 1
}

// full tells whether nothing more may be appended, where bytes and entries more than usual are allowed.
func (l *memLog) full(bytes, entries int) bool {
	return l.bytes >= l.limit+bytes || len(l.entries)-l.start >= limits.LogEntries+entries
}

// over tells whether the log has reached a fraction of what it may hold.
func (l *memLog) over(part, of int) bool {
	return l.bytes >= l.limit/of*part || len(l.entries)-l.start >= limits.LogEntries/of*part
}

// read appends to dst the entries from sequence number from on that lie wholly within gate, as much as one write takes.
// ok is false when from lies before the oldest entry.
func (l *memLog) read(from, gate uint64, dst []entry) (_ []entry, ok bool) {
	if from < l.first() {
		return dst, false
	}
	live := l.entries[l.start:]
	i := sort.Search(len(live), func(i int) bool { return live[i].last() >= from })
	bytes := 0
	for ; i < len(live) && live[i].last() <= gate && bytes < limits.WriteGather && len(dst) < limits.WriteEntries; i++ {
		dst = append(dst, live[i])
		bytes += len(live[i].frame)
	}
	return dst, true
}

// trim forgets the oldest entries that lie wholly up to seq, until the log is half full.
func (l *memLog) trim(seq uint64) {
	for l.start < len(l.entries) && l.over(1, 2) && l.entries[l.start].last() <= seq {
		l.bytes -= len(l.entries[l.start].frame)
		l.entries[l.start] = entry{}
		l.start++
	}
}
