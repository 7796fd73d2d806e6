package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// What a record tells of.
const (
	joined   = "joined"   // the worker has its replica
	asked    = "asked"    // Count numbers from First on are about to be appended
	told     = "told"     // what came of them
	calling  = "calling"  // an operation on a register is about to begin
	returned = "returned" // what came of it
	quiet    = "quiet"    // nothing is in flight, and nothing will be
	stated   = "stated"   // the worker's state, as of everything that had returned, is in its file
	broken   = "broken"   // a promise that shows in the worker itself: Text
	leaving  = "leaving"  // the worker was told to end, and has done so in peace
)

// The operations on registers.
const (
	opRead  = "read"
	opWrite = "write"
	opSwap  = "swap"
)

// The outcomes of a mutation.
const (
	applied     = ""            // it was acknowledged
	resultLost  = "result lost" // it was applied once
	notApplied  = "not applied" // it never will be
	unconfirmed = "unconfirmed" // nobody knows
)

// A Record is one line of a journal.
type Record struct {
	At     int64  `json:"t"` // CLOCK_MONOTONIC in nanoseconds: the same clock in all processes of the machine
	What   string `json:"w"`
	Client int64  `json:"c,omitempty"`

	// of asked and told
	First  int64    `json:"n,omitempty"`
	Count  int      `json:"k,omitempty"`
	Seqs   []uint64 `json:"s,omitempty"` // of each that was acknowledged, else 0
	Fates  []string `json:"f,omitempty"` // outcome of each; nil: all were acknowledged
	Errors string   `json:"e,omitempty"` // the first error

	// of calling and returned
	Op    string `json:"o,omitempty"`
	Key   int64  `json:"r,omitempty"`
	Value int64  `json:"v,omitempty"` // written, or read
	Old   int64  `json:"x,omitempty"` // expected by a swap, or what a write found
	Done  bool   `json:"d,omitempty"` // a swap's result
	Fate  string `json:"z,omitempty"`

	Text string `json:"m,omitempty"`
}

// now reads the clock that all processes share.
func now() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // it is always there
	}
	return t.Nano()
}

// A Journal is written by one worker process; its methods may be called concurrently. Every record is given to the kernel
// at once, so that it outlives the process.
type Journal struct {
	mu   sync.Mutex // held over a write, so that lines stay whole
	file *os.File
}

// CreateJournal begins the journal at path, which must not exist.
func CreateJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	return &Journal{file: f}, nil
}

// Put writes r down, with the time. A worker that cannot write is of no use and ends.
func (j *Journal) Put(r Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r.At = now()
	line, err := json.Marshal(r)
	if err == nil {
		_, err = j.file.Write(append(line, '\n'))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos: journal:", err)
		os.Exit(3)
	}
}

// parseJournal returns the records in b and how many bytes they take. What follows the last line break was not written
// whole, or is being written.
func parseJournal(b []byte) (records []Record, used int, err error) {
	for {
		end := bytes.IndexByte(b[used:], '\n')
		if end < 0 {
			return records, used, nil
		}
		var r Record
		if err := json.Unmarshal(b[used:used+end], &r); err != nil {
			return records, used, fmt.Errorf("journal: %q: %w", b[used:used+end], err)
		}
		records = append(records, r)
		used += end + 1
	}
}
