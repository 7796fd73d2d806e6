package launcher

import (
	"bytes"
	"strings"
	"sync"

	"dsss/internal/limits"
)

// A ring keeps the last few lines that a process wrote to stderr, for the report of its end. One goroutine adds, any
// may ask.
type ring struct {
	mu     sync.Mutex
	lines  [limits.LastLines]string
	n      int // lines added so far
	dump   dump
	reason string // the last line in which a Go runtime said why it ends: a stack of any length follows it
}

// add takes a line. dumped says that it belongs to a dump, which is kept apart.
func (r *ring) add(line []byte) (dumped bool) {
	text := strings.TrimSpace(printable(string(line[:min(len(line), limits.LastLine)])))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dump.take(string(line)) {
		return true
	}
	if text == "" {
		return false
	}
	r.lines[r.n%len(r.lines)] = text
	r.n++
	if bytes.HasPrefix(line, []byte("panic: ")) || bytes.HasPrefix(line, []byte("fatal error: ")) {
		r.reason = text
	}
	return false
}

// dumped returns what is kept of a dump.
func (r *ring) dumped() dump {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dump
}

// last returns the lines kept, oldest first. A Go program's own reason to end stands for the stack behind it.
func (r *ring) last() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reason != "" {
		return []string{r.reason}
	}
	var out []string
	for i := max(0, r.n-len(r.lines)); i < r.n; i++ {
		out = append(out, r.lines[i%len(r.lines)])
	}
	return out
}

// crashed tells whether a Go runtime said why it ends.
func (r *ring) crashed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reason != "" || r.dump.short != noResource
}

// printable replaces what would move a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return ' '
		}
		return c
	}, s)
}
