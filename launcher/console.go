package launcher

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"dsss/internal/limits"
)

// A stream is one of the two that a console writes to.
type stream int

const (
	stdout stream = iota
	stderr
)

func (s stream) String() string { return [2]string{"stdout", "stderr"}[s] }

// A console writes whole lines of many processes to stdout and stderr, and keeps a status line below them when stderr
// is a terminal.
//
// Processes' readers call write and wait while the terminal takes nothing, as if they wrote to it themselves. The
// launcher's own lines go through a queue that a goroutine of the console empties, so notice and show never wait.
type console struct {
	streams [2]io.Writer
	clear   [2]bool    // a write to that stream disturbs the status line
	width   func() int // columns of the terminal; nil when stderr is none

	locks [2]*sync.Mutex // each held for one whole write to that stream; one for both where they are the same file, or show

	// Guarded by stderr's lock.
	drawn  bool   // the status line is on the screen
	open   bool   // the terminal's last line has no newline yet: no status line is drawn behind it
	status string // what it shows

	failed  [2]bool        // the stream takes nothing any more; guarded by its lock
	writing [2]atomic.Bool // a write has begun and not ended
	taken   atomic.Int64   // writes of processes' output that ended

	queue   chan notice
	nextMu  sync.Mutex
	next    string        // what the status line is to show
	redraw  chan struct{} // next changed
	dropped int           // notices left out; only for notice's caller
	lost    chan error    // the first failed write
	done    chan struct{} // the console's goroutine has ended
}

type notice struct {
	to   stream
	text []byte
}

func newConsole(out, errw io.Writer) *console {
	c := &console{
		streams: [2]io.Writer{out, errw},
		queue:   make(chan notice, limits.Notices),
		redraw:  make(chan struct{}, 1),
		lost:    make(chan error, 1),
		done:    make(chan struct{}),
		locks:   [2]*sync.Mutex{{}, {}},
	}
	if same(out, errw) {
		c.locks[stdout] = c.locks[stderr]
	}
	if f, ok := terminal(errw); ok {
		c.width = func() int {
			w, _, err := term.GetSize(int(f.Fd()))
			if err != nil || w < 2 {
				return 80
			}
			return w
		}
		_, outToo := terminal(out)
		c.clear = [2]bool{outToo, true}
		if outToo {
			c.locks[stdout] = c.locks[stderr]
		}
	}
	go c.run()
	return c
}

// same tells whether what is written to one of the two comes out where the other's does.
func same(out, errw io.Writer) bool {
	if f, ok := out.(*os.File); ok {
		if g, ok := errw.(*os.File); ok {
			a, errA := f.Stat()
			b, errB := g.Stat()
			return errA == nil && errB == nil && os.SameFile(a, b)
		}
	}
	return reflect.TypeOf(out).Comparable() && out == errw
}

func terminal(w io.Writer) (*os.File, bool) {
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

func (c *console) run() {
	defer close(c.done)
	for {
		select {
		case n, ok := <-c.queue:
			if !ok {
				c.draw("")
				return
			}
			c.locks[stderr].Lock()
			if c.open {
				n.text = append([]byte("\n"), n.text...)
			}
			c.locks[stderr].Unlock()
			c.write(n.to, n.text)
		case <-c.redraw:
			c.nextMu.Lock()
			text := c.next
			c.nextMu.Unlock()
			c.draw(text)
		}
	}
}

// write writes lines as one piece, each with its newline; the last may have none.
func (c *console) write(to stream, lines []byte) {
	c.locks[to].Lock()
	defer c.locks[to].Unlock()
	if c.failed[to] || len(lines) == 0 {
		return
	}
	if !c.clear[to] {
		c.put(to, lines)
		return
	}
	if c.drawn {
		c.put(stderr, []byte(eraseLine))
	}
	c.put(to, lines)
	c.open = lines[len(lines)-1] != '\n'
	if c.drawn && !c.open {
		c.put(stderr, []byte(c.status))
	}
}

// put writes b; the stream's lock is held. A stream that fails is given up: its processes must not wait for it.
func (c *console) put(to stream, b []byte) {
	if c.failed[to] || len(b) == 0 {
		return
	}
	c.writing[to].Store(true)
	_, err := c.streams[to].Write(b)
	c.writing[to].Store(false)
	if err != nil {
		c.failed[to] = true
		c.lose(fmt.Errorf("writing %v: %w", to, err))
	}
}

// lose reports that output cannot be written. The first report counts.
func (c *console) lose(err error) {
	select {
	case c.lost <- err:
	default:
	}
}

const eraseLine = "\r\x1b[K"

func (c *console) draw(text string) {
	if c.width == nil {
		return
	}
	text = fit(printable(text), c.width()-1) // the last column would wrap
	c.locks[stderr].Lock()
	defer c.locks[stderr].Unlock()
	if text == c.status && c.drawn == (text != "") || c.open {
		return
	}
	c.status = text
	b := eraseLine + text
	if !c.drawn && text == "" {
		b = ""
	}
	c.drawn = text != ""
	c.put(stderr, []byte(b))
}

// fit cuts s to width characters.
func fit(s string, width int) string {
	n := 0
	for i := range s {
		if n == width {
			return s[:i]
		}
		n++
	}
	return s
}

// hasStatus tells whether there is a terminal for show.
func (c *console) hasStatus() bool { return c.width != nil }

// show makes text the status line. It does not wait; of several texts in quick succession the last one counts.
func (c *console) show(text string) {
	c.nextMu.Lock()
	c.next = text
	c.nextMu.Unlock()
	select {
	case c.redraw <- struct{}{}:
	default:
	}
}

// notice writes lines of the launcher's own to stderr. It does not wait: beyond limits.Notices they are left out and
// counted. Only the job's goroutine calls it, and not after close.
func (c *console) notice(lines ...string) {
	if c.dropped > 0 {
		lines = append([]string{fmt.Sprintf("dsss: %d lines left out, because nothing was taken here", c.dropped)}, lines...)
	}
	text := []byte(strings.Join(lines, "\n") + "\n")
	select {
	case c.queue <- notice{stderr, text}:
		c.dropped = 0
	default:
		c.dropped++
	}
}

// close writes what is queued, removes the status line and waits for both, or until a moment after abandon is closed.
func (c *console) close(abandon <-chan struct{}) {
	close(c.queue)
	select {
	case <-c.done:
		return
	case <-abandon:
	}
	select {
	case <-c.done:
	case <-time.After(limits.Unread):
	}
}

// unread names a stream that is being written to and does not take it; empty when there is none.
func (c *console) unread() string {
	for _, s := range []stream{stdout, stderr} {
		if c.writing[s].Load() {
			return s.String()
		}
	}
	return ""
}

// tagged puts tag in front of every line of lines.
func tagged(tag string, lines []byte) []byte {
	if tag == "" {
		return lines
	}
	out := make([]byte, 0, len(lines)+len(tag)*(1+bytes.Count(lines, []byte("\n"))))
	for line := range bytes.Lines(lines) {
		out = append(append(out, tag...), line...)
	}
	return out
}
