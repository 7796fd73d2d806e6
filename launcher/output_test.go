package launcher

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"dsss/internal/limits"
)

// TestPlainIsAsItComes: with --output plain what a worker writes arrives byte by byte: long lines, binary, a last line
// without its end.
func TestPlainIsAsItComes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	binary := make([]byte, 1<<20)
	for i := range binary {
		binary[i] = byte(random.Uint32())
	}
	for name, want := range map[string][]byte{
		"a long line":     append(bytes.Repeat([]byte("x"), 3*limits.OutputLine+1), '\n'),
		"binary":          binary,
		"no end":          []byte("a\nb"),
		"no lines at all": bytes.Repeat([]byte{0}, 2*limits.OutputLine),
		"nothing":         nil,
	} {
		var out, errw bytes.Buffer
		c := newConsole(&out, &errw)
		f := &feed{console: c, to: stdout, raw: true, last: &ring{}, lines: splitter{max: limits.OutputLine}, done: make(chan struct{})}
		for chunk := range slices.Chunk(want, 32<<10) {
			f.Take(chunk, len(chunk) == 32<<10)
		}
		f.End()
		<-f.done
		c.close(nil)
		if !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s: %d bytes came of %d, or others", name, out.Len(), len(want))
		}
	}
}

// TestPlainShowsWhatWaits: a prompt, which has no newline, is shown though nothing follows it.
func TestPlainShowsWhatWaits(t *testing.T) {
	shown := make(chan string, 1)
	c := newConsole(writerFunc(func(b []byte) (int, error) { shown <- string(b); return len(b), nil }), io.Discard)
	defer c.close(nil)
	f := &feed{console: c, to: stdout, raw: true, lines: splitter{max: limits.OutputLine}, done: make(chan struct{})}
	f.Take([]byte("name? "), false)
	if got := <-shown; got != "name? " {
		t.Errorf("shown is %q", got)
	}
	f.End()
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestOutputModes(t *testing.T) {
	const worker = "join out=a part=b err=c out=d part=e exit=0"
	lines := func(s string) []string {
		l := strings.SplitAfter(s, "\n")
		slices.Sort(l)
		return l[1:] // what is behind the last newline
	}
	t.Run("tag", func(t *testing.T) {
		t.Parallel()
		l := start(t, config("ok", 11, "err=held join err=kept out=lost follow", worker), nil)
		if code := l.wait(t); code != 0 {
			t.Fatalf("exit code %d, stderr: %s", code, &l.err)
		}
		var want []string
		for rank := range 11 {
			for _, line := range []string{"a", "bd", "e"} {
				want = append(want, fmt.Sprintf("[%2d] %s\n", rank, line))
			}
			if !strings.Contains(l.err.String(), fmt.Sprintf("[%2d] c\n", rank)) {
				t.Errorf("stderr of rank %d is missing in %s", rank, &l.err)
			}
		}
		slices.Sort(want)
		if got := lines(l.out.String()); !slices.Equal(got, want) {
			t.Errorf("stdout: got %q, want %q", got, want)
		}
		// Workers are started between the two, and may come first.
		_, after, held := strings.Cut(l.err.String(), "[keeper] held\n")
		if !held || !strings.Contains(after, "[keeper] kept\n") || strings.Contains(l.out.String()+l.err.String(), "lost") {
			t.Errorf("keeper: %q %q", &l.out, &l.err)
		}
	})
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		cfg := config("ok", 1, keeperOK, worker)
		cfg.Output = "plain"
		l := start(t, cfg, nil)
		if code := l.wait(t); code != 0 {
			t.Fatalf("exit code %d, stderr: %s", code, &l.err)
		}
		if got, want := l.out.String(), "a\nbd\ne"; got != want {
			t.Errorf("stdout: got %q, want %q", got, want)
		}
	})
	t.Run("dir", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "new", "out")
		cfg := config("ok", 2, "err=early join err=late follow", worker)
		cfg.Output = "dir=" + dir
		for run := 1; run <= 2; run++ { // the second appends
			l := start(t, cfg, nil)
			if code := l.wait(t); code != 0 || l.out.Len() > 0 || strings.Count(l.err.String(), "\n") != 1 {
				t.Fatalf("exit code %d, stdout %q, stderr: %s", code, &l.out, &l.err)
			}
			for name, want := range map[string]string{
				"rank-0000.out": "a\nbd\ne", "rank-0001.out": "a\nbd\ne", "rank-0000.err": "c\n", "rank-0001.err": "c\n",
				"keeper.err": "early\nlate\n", "coordinator.err": "",
			} {
				got, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil || string(got) != strings.Repeat(want, run) {
					t.Errorf("run %d, %s: %q, %v; want %q", run, name, got, err, want)
				}
			}
		}
	})
}

func TestProgressLines(t *testing.T) {
	t.Parallel()
	// What a rank said last is printed when it fails, and not after the result of one that finished.
	said := "join progress=one progress=two progress=three until=user_defined_signal_2 exit="
	l := start(t, config("ok", 2, keeperOK, said+"0", said+"1"), nil)
	eventually(t, "both were heard", func() bool {
		return strings.Count(l.err.String(), "] one\n")+strings.Count(l.err.String(), ": one\n") == 2
	})
	if err := syscall.Kill(l.Process.Pid, syscall.SIGUSR2); err != nil { // passed on
		t.Fatal(err)
	}
	l.wait(t)
	for want, is := range map[string]bool{"progress: one\n": true, "progress: three\n": false, "progress: [1] one\n": true, "progress: [1] three\n": true, "two": false} {
		if strings.Contains(l.err.String(), want) != is {
			t.Errorf("%q: want %v, in %q", want, is, &l.err)
		}
	}
}

// A screen plays a terminal of one line: what is on it after the last carriage return and clear.
type screen struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(b)
}

func (s *screen) Len() int { return len(s.String()) }

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

func TestStatusLine(t *testing.T) {
	s := &screen{}
	c := newConsole(s, s)
	c.width, c.clear = func() int { return 10 }, [2]bool{true, true}
	wrote := func(want string) {
		t.Helper()
		eventually(t, fmt.Sprintf("%q on the screen", want), func() bool { return s.String() == want })
	}
	c.show("12345\x1b67890")
	wrote("\r\x1b[K12345 678")
	c.write(stdout, []byte("line\n"))
	wrote("\r\x1b[K12345 678\r\x1b[Kline\n12345 678")
	c.notice("dsss: x")
	wrote("\r\x1b[K12345 678\r\x1b[Kline\n12345 678\r\x1b[Kdsss: x\n12345 678")
	c.close(nil)
	wrote("\r\x1b[K12345 678\r\x1b[Kline\n12345 678\r\x1b[Kdsss: x\n12345 678\r\x1b[K")
}

func TestNoStatusLineInAFile(t *testing.T) {
	s := &screen{}
	c := newConsole(s, s)
	c.show("x")
	c.notice("y")
	c.close(nil)
	if s.String() != "y\n" {
		t.Errorf("got %q", s)
	}
}

// stuck takes nothing until it is opened.
type stuck struct {
	screen
	open    chan struct{}
	entered chan struct{}
	once    sync.Once
}

func (s *stuck) Write(b []byte) (int, error) {
	s.once.Do(func() { close(s.entered) })
	<-s.open
	return s.screen.Write(b)
}

// notice never waits; what does not fit is counted.
func TestNoticesAreBounded(t *testing.T) {
	s := &stuck{open: make(chan struct{}), entered: make(chan struct{})}
	c := newConsole(s, s)
	c.notice("first")
	<-s.entered
	for range limits.Notices + 7 {
		c.notice("x")
	}
	close(s.open)
	eventually(t, "the queue is empty", func() bool { return strings.Count(s.String(), "x\n") == limits.Notices })
	c.notice("last")
	c.close(nil)
	if got := s.String(); !strings.HasSuffix(got, "x\ndsss: 7 lines left out, because nothing was taken here\nlast\n") {
		t.Errorf("got …%q", got[max(0, len(got)-100):])
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// A stream that fails is reported once, and nobody waits for it.
func TestFailingStream(t *testing.T) {
	s := &screen{}
	c := newConsole(broken{}, s)
	c.write(stdout, []byte("a\n"))
	c.write(stdout, []byte("b\n"))
	c.write(stderr, []byte("c\n"))
	if err := <-c.lost; !errors.Is(err, syscall.ENOSPC) || err.Error() != "writing stdout: no space left on device" {
		t.Errorf("got %v", err)
	}
	c.close(nil)
	if s.String() != "c\n" {
		t.Errorf("stderr: %q", s)
	}
}

// Lines of many processes do not mix.
func TestLinesAreWhole(t *testing.T) {
	s := &screen{}
	c := newConsole(s, s)
	var wg sync.WaitGroup
	for rank := range 8 {
		wg.Go(func() {
			var text []byte
			for i := range 500 {
				text = fmt.Appendf(text, "%d:%d:%s\n", rank, i, strings.Repeat("x", i%100))
			}
			f := &feed{console: c, tag: fmt.Sprintf("[%d] ", rank), lines: splitter{max: limits.OutputLine}, done: make(chan struct{})}
			for chunk := range slices.Chunk(text, 37+rank) {
				f.Take(chunk, false)
			}
			f.End()
		})
	}
	wg.Wait()
	c.close(nil)
	next := map[int]int{}
	for line := range strings.Lines(s.String()) {
		var tag, rank, i int
		if _, err := fmt.Sscanf(line, "[%d] %d:%d:", &tag, &rank, &i); err != nil || tag != rank || i != next[rank] {
			t.Fatalf("line %q: %v, want number %d", line, err, next[rank])
		}
		next[rank]++
	}
	if len(next) != 8 || next[7] != 500 {
		t.Errorf("got %v", next)
	}
}
