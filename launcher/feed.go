package launcher

import (
	"bytes"
	"os"
	"sync"

	"dsss/internal/limits"
)

// A feed carries one stream of one process to where it belongs: lines to the console, bytes to a file.
type feed struct {
	console *console // shows the lines and learns of failures
	to      stream
	tag     string
	raw     bool          // bytes pass as they are: lines stay whole where they can, and no newline is added
	file    *os.File      // gets the bytes as they are; nil: none
	last    *ring         // gets the lines; nil: none
	dumps   bool          // dumps of Go's runtime for want of something are shown, too
	hold    *hold         // lines wait here until released; nil: none
	done    chan struct{} // closed by End

	lines splitter
	batch []byte // lines of one read, each with its newline; raw: what is to be shown
}

// Take implements fleet.Sink. A console that takes nothing makes it wait, and so the process.
func (f *feed) Take(chunk []byte, more bool) {
	if f.file != nil {
		if _, err := f.file.Write(chunk); err != nil {
			f.console.lose(err)
		}
	}
	f.lines.push(chunk, f.line)
	if !f.raw {
		f.flush(len(f.batch))
		return
	}
	f.batch = append(f.batch, chunk...)
	if end := bytes.LastIndexByte(f.batch, '\n') + 1; more && len(f.batch)-end < limits.OutputLine {
		f.flush(end) // the rest of the line comes at once
	} else {
		f.flush(len(f.batch))
	}
}

// End implements fleet.Sink.
func (f *feed) End() {
	f.lines.end(f.line)
	f.flush(len(f.batch))
	if f.file != nil {
		if err := f.file.Close(); err != nil {
			f.console.lose(err)
		}
	}
	close(f.done)
}

func (f *feed) line(line []byte) {
	if f.last != nil && f.last.add(line) && !f.dumps {
		return
	}
	if !f.raw && (f.file == nil || f.hold != nil) {
		f.batch = append(append(f.batch, line...), '\n')
	}
}

// flush shows the first n bytes of the batch.
func (f *feed) flush(n int) {
	if n == 0 {
		return
	}
	if f.hold == nil {
		f.show(f.batch[:n])
	} else {
		f.hold.write(f.batch[:n], f.show)
	}
	f.batch = append(f.batch[:0], f.batch[n:]...)
}

// show passes lines on to the console, unless they are in a file already.
func (f *feed) show(lines []byte) {
	if f.file == nil {
		f.console.write(f.to, tagged(f.tag, lines))
		f.console.taken.Add(1)
	}
}

// A hold keeps the first lines of a process's stderr back until it is known whether the job starts: the words of a
// program that refuses its arguments are shown as they are, later ones with their tag.
type hold struct {
	mu    sync.Mutex
	open  bool // lines pass
	lines []byte
}

// write keeps lines or shows them. When they become too many to keep, all are shown.
func (h *hold) write(lines []byte, show func([]byte)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open {
		show(lines)
		return
	}
	h.lines = append(h.lines, lines...)
	if len(h.lines) > limits.HeldOutput {
		h.passLocked(show)
	}
}

// release shows what was kept and lets pass what follows. It waits for the console.
func (h *hold) release(show func([]byte)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.passLocked(show)
}

func (h *hold) passLocked(show func([]byte)) {
	if len(h.lines) > 0 {
		show(h.lines)
	}
	h.open, h.lines = true, nil
}

// last takes the last line out of what was kept.
func (h *hold) last() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	lines := bytes.TrimSuffix(h.lines, []byte("\n"))
	i := bytes.LastIndexByte(lines, '\n') + 1
	line := string(lines[i:])
	h.lines = h.lines[:i]
	return line
}

// take returns what was kept, for another to show.
func (h *hold) take() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	lines := h.lines
	h.lines = nil
	return lines
}
