package launcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"dsss/internal/limits"
	"dsss/internal/machine"
)

// dumps are what Go programs wrote as they ended for want of something.
func readDump(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "dumps", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// All of a dump is kept apart, and nothing else that the processes of a rank write meanwhile. A panic is none.
func TestDumps(t *testing.T) {
	for name, want := range map[string]resource{"cgo": threads, "threads": threads, "files": files} {
		r := &ring{}
		text := readDump(t, name)
		for line := range strings.Lines("before\n" + text) {
			dumped := r.add([]byte(strings.TrimSuffix(line, "\n")))
			if dumped == (line == "before\n") {
				t.Errorf("%s: line %q: dumped is %v", name, line, dumped)
			}
		}
		for _, line := range []string{"program: cannot go on", "time=2026-11-27 level=ERROR msg=x", "[1] done", "main.go:12: bad"} {
			if r.add([]byte(line)) {
				t.Errorf("%s: %q counts as part of the dump", name, line)
			}
		}
		d := r.dumped()
		if d.short != want || string(d.text) != text || !r.crashed() {
			t.Errorf("%s: short of %v, kept %d bytes of %d", name, d.short, len(d.text), len(text))
		}
	}
	for _, text := range []string{
		"panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:12 +0x1d\nexit status 2\n",
		"fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\nmain.main()\n",
		"fatal error: concurrent map writes\n\ngoroutine 19 [running]:\nmain.f(0x1)\n",
		"panic: open /x: too many open files\n\ngoroutine 1 [running]:\nmain.main()\n",
		"runtime: goroutine stack exceeds 1000000000-byte limit\nfatal error: stack overflow\n\nruntime stack:\n",
	} {
		r := &ring{}
		for line := range strings.Lines(text) {
			if r.add([]byte(strings.TrimSuffix(line, "\n"))) {
				t.Errorf("%q is taken for a dump that nobody needs", line)
			}
		}
		if d := r.dumped(); d.short != noResource {
			t.Errorf("%q: short of %v", text, d.short)
		}
	}
}

// A dump for want of memory is one where memory is limited. Elsewhere the program asked for more than there is, and its
// stack says where.
func TestMemoryDump(t *testing.T) {
	for _, name := range []string{"memory", "start"} {
		first, _, _ := strings.Cut(readDump(t, name), "\n")
		if shortageIn(first) != memory {
			t.Errorf("%q is not recognised", first)
		}
		d := &dump{}
		_, space := machine.LimitsOf(0)[unix.RLIMIT_AS]
		_, data := machine.LimitsOf(0)[unix.RLIMIT_DATA]
		if d.take(first) != (space || data) {
			t.Errorf("%q is hidden: %v", first, !(space || data))
		}
	}
}

func TestShortageNames(t *testing.T) {
	few := machine.Limits{unix.RLIMIT_NOFILE: 40, unix.RLIMIT_NPROC: 60, unix.RLIMIT_AS: 2 << 30}
	for _, c := range []struct {
		r    resource
		l    machine.Limits
		want string
	}{
		{files, few, "the limit on open files (ulimit -n 40) is reached: raise it, or start fewer workers"},
		{threads, few, "the limit on processes and threads (ulimit -u 60, ulimit -v 2097152) is reached: raise it, or start fewer workers"},
		{memory, few, "the limit on memory (ulimit -v 2097152) is reached: raise it, or start fewer workers"},
		{threads, nil, "the limit on processes and threads (of the machine or a control group) is reached: raise it, or start fewer workers"},
	} {
		if got := c.r.reached(c.l); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	for _, c := range []struct {
		err  error
		want resource
	}{
		{&os.PathError{Op: "fork/exec", Path: "/x", Err: syscall.EAGAIN}, threads},
		{&os.PathError{Op: "fork/exec", Path: "/x", Err: syscall.ENOMEM}, memory},
		{fmt.Errorf("starting: %w", &os.PathError{Op: "open", Path: "/dev/null", Err: syscall.EMFILE}), files},
		{&os.PathError{Op: "fork/exec", Path: "/x", Err: syscall.ENOENT}, noResource},
		{&os.PathError{Op: "read", Path: "/x", Err: syscall.EAGAIN}, noResource},
	} {
		got := named(c.err)
		if shortageIn(c.err.Error()) != c.want || !errors.Is(got, c.err) || (got.Error() != c.err.Error()) != (c.want != noResource) {
			t.Errorf("%v: %v", c.err, got)
		}
	}
	if err := affordableWith(4, machine.Limits{unix.RLIMIT_AS: limits.LauncherSpace}, 0); !errors.Is(err, ErrUsage) || err.Error() != "the limit on memory (ulimit -v 2097152) is too low: a job of 4 workers needs 2138112: raise it, or start fewer workers" {
		t.Errorf("memory: %v", err)
	}
	if err := affordableWith(4, machine.Limits{unix.RLIMIT_NPROC: 100}, 60); !errors.Is(err, ErrUsage) || !strings.HasPrefix(err.Error(), "the limit on processes and threads (ulimit -u 100) is too low: a job of 4 workers needs ") {
		t.Errorf("threads: %v", err)
	}
	if err := affordableWith(4, machine.Limits{unix.RLIMIT_NPROC: 200, unix.RLIMIT_AS: 4 << 30, unix.RLIMIT_NOFILE: 100}, 60); err != nil {
		t.Error(err)
	}
}

// A process that ends for want of something is reported in one line, with the limit and what to do; its dump is in a file.
func TestShortage(t *testing.T) {
	dir, err := filepath.Abs(filepath.Join("testdata", "dumps"))
	if err != nil {
		t.Fatal(err)
	}
	dies := "sh=cat_" + dir + "/cgo.txt_>&2 exit=2"
	const reached = `the limit on processes and threads \(.+\) is reached: raise it, or start fewer workers`
	for name, c := range map[string]struct {
		change  func(*Config)
		keeper  string
		workers []string
		code    int
		last    string
		lines   int // on stderr
	}{
		"worker": {nil, keeperOK, []string{waits, "join err=before " + dies}, 2,
			`^dsss: job test failed: rank 1 \(pid \d+\) exited with code 2: ` + reached + ` \(its dump is in ./test.dsss/dump\)$`, 3},
		"worker before Join": {nil, keeperOK, []string{waits, dies}, 2,
			`^dsss: job test failed: rank 1 \(pid \d+\) exited with code 2 before dsss.Join: ` + reached + ` \(its dump is in ./test.dsss/dump\)$`, 2},
		"respawned": {func(c *Config) { c.OnFailure = Respawn }, keeperOK, []string{"join exit=0", "join once=f " + "sh=cat_" + dir + "/cgo.txt_>&2;kill_$PPID out=x exit=0"}, 0,
			`^dsss: job test finished`, 2},
		"keeper": {nil, dies, []string{waits}, 2,
			`^dsss: .+ \(pid \d+\) exited with code 2 before dsss.Join: ` + reached + ` \(--verbose shows the whole dump\)$`, 1},
		"verbose": {func(c *Config) { c.Verbose = true }, keeperOK, []string{"join " + dies}, 2,
			`^dsss: job test failed: rank 0 \(pid \d+\) exited with code 2: ` + reached + `$`, 2 + strings.Count(readDump(t, "cgo"), "\n")},
		"in words": {nil, keeperOK, []string{"join err=program:_open_x:_too_many_open_files exit=1"}, 1,
			`^dsss: job test failed: rank 0 \(pid \d+\) exited with code 1: the limit on open files \(ulimit -n \d+\) is reached: raise it, or start fewer workers; last lines of its stderr: program: open x: too many open files$`, 3},
		"a panic": {nil, keeperOK, []string{"join err=panic:_no err=goroutine_1_[running]: err=main.main() exit=2"}, 2,
			`^dsss: job test failed: rank 0 \(pid \d+\) exited with code 2; last lines of its stderr: panic: no$`, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config("ok", len(c.workers), c.keeper, c.workers...)
			if c.change != nil {
				c.change(&cfg)
			}
			l := start(t, cfg, nil)
			code := l.wait(t)
			if code != c.code || !regexp.MustCompile(c.last).MatchString(l.lastLine()) || strings.Count(l.err.String(), "\n") != c.lines {
				t.Errorf("exit code %d, %d lines on stderr: %s", code, strings.Count(l.err.String(), "\n"), &l.err)
			}
			if strings.Contains(l.err.String(), "its arguments") {
				t.Errorf("advice about arguments: %s", &l.err)
			}
			b, err := os.ReadFile(filepath.Join(l.Dir, "test.dsss", dumpFile))
			if strings.Contains(c.last, "its dump is") && string(b) != readDump(t, "cgo") {
				t.Errorf("the dump's file has %d bytes, %v", len(b), err)
			}
		})
	}
}
