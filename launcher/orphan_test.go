package launcher

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dsss/internal/limits"
)

// Nothing outlives the launcher, however it is killed and whatever the workers have started.
func TestNoOrphans(t *testing.T) {
	self := os.Args[0]
	kinds := map[string][]string{
		"program": {self, "program", keeperOK, "join forever"},
		// The program is a grandchild: its parent, the script, dies by the parent-death signal.
		"script": {"/bin/sh", "-c", `"$0" program "$@"; exit $?`, self, keeperOK, "watch join forever"},
		// A helper that knows nothing of us, in the worker's process group.
		"helper": {self, "program", keeperOK, "join sh=sleep_1000"},
		// Helpers of which one has gone into a session of its own, where no process below the launcher knows it.
		"daemon": {self, "program", keeperOK, "join sh=(setsid_sleep_1000_&);sleep_1000"},
		// A program that has left the process group has only the lifeline.
		"session": {"/bin/sh", "-c", `setsid "$0" program "$@" & wait`, self, keeperOK, "watch join forever"},
	}
	who := map[string]func(l *launched, sig syscall.Signal) error{
		"launcher": func(l *launched, sig syscall.Signal) error { return syscall.Kill(l.Process.Pid, sig) },
		"group":    func(l *launched, sig syscall.Signal) error { return syscall.Kill(-l.Process.Pid, sig) },
	}
	// Without the guard, the parent-death signal takes the children and the lifeline the programs below them.
	who["guard, then launcher"] = func(l *launched, sig syscall.Signal) error {
		guard := 0
		for _, pid := range l.living() {
			if b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); strings.Contains(string(b), "\x00guard\x00") {
				guard = pid
			}
		}
		if err := syscall.Kill(guard, sig); guard == 0 || err != nil {
			return fmt.Errorf("the guard (pid %d): %w", guard, err)
		}
		return syscall.Kill(l.Process.Pid, sig)
	}
	for kind, program := range kinds {
		for target, kill := range who {
			if (kind == "helper" || kind == "daemon") && strings.Contains(target, "guard") {
				continue // only the guard finds those
			}
			t.Run(kind+" "+target, func(t *testing.T) {
				t.Parallel()
				cfg := config("ok", 2, "")
				cfg.Program = program
				l := start(t, cfg, nil)
				eventually(t, "the workers are up", func() bool { return workersUp(l, kind) })
				before := l.living()
				if err := kill(l, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				_ = l.Wait() // killed, as asked
				eventually(t, fmt.Sprintf("all of %v are gone", before), func() bool { return len(l.living()) == 0 })
			})
		}
	}
}

// workersUp tells whether as many processes as the job will have are there, and have run what they are to run.
func workersUp(l *launched, kind string) bool {
	want := map[string]int{"program": 2, "script": 2, "helper": 2, "daemon": 4, "session": 2}[kind]
	n := 0
	for _, pid := range l.living() {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // it may be gone
		args := strings.Split(string(b), "\x00")
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		isWorker := strings.Contains(string(env), "DSSS_ROLE=worker\x00")
		switch kind {
		case "helper", "daemon":
			if args[0] == "sleep" && isWorker {
				n++
			}
		default:
			if len(args) > 1 && args[1] == "program" && isWorker && sleeping(pid) {
				n++
			}
		}
	}
	return n == want
}

// sleeping tells whether a process has come to rest: it has done what it does before it waits.
func sleeping(pid int) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	i := strings.LastIndexByte(string(b), ')')
	return i > 0 && i+2 < len(b) && b[i+2] == 'S'
}

// The launcher may be killed at any moment: while it starts, too.
func TestNoOrphansAtAnyMoment(t *testing.T) {
	for i := range 12 {
		l := start(t, config("ok", 4, keeperOK, "watch join forever"), nil)
		eventually(t, "some are up", func() bool { return len(l.living()) >= 1+i%8 })
		if err := l.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = l.Wait() // killed, as asked
		eventually(t, "all are gone", func() bool { return len(l.living()) == 0 })
	}
}

// What a worker started and left behind is gone when the launcher is, even if it went into a session of its own.
func TestSweepsDaemons(t *testing.T) {
	t.Parallel()
	cfg := config("ok", 1, keeperOK, "join sh=setsid_sh_-c_'echo_$$_>pid;exec_sleep_1000'_&_while_!_test_-s_pid;do_:;done exit=0")
	l := start(t, cfg, nil)
	if code := l.wait(t); code != 0 {
		t.Fatalf("exit code %d, stderr: %s", code, &l.err)
	}
	b, err := os.ReadFile(filepath.Join(l.Dir, "pid"))
	if err != nil || len(b) == 0 {
		t.Fatalf("the daemon was never there: %v", err)
	}
}

// A reader that takes nothing holds the workers up, not the launcher: told to end, it waits for the reader as long as for
// workers, and says so where somebody reads it.
func TestBlockedOutput(t *testing.T) {
	for name, c := range map[string]struct {
		worker string
		again  bool // a second signal
		status Status
	}{
		"told once":           {"join blast=x", false, Interrupted},
		"told twice":          {"join blast=x", true, Interrupted},
		"finished, then told": {"join sh=yes_0123456|head_-c_60000 exit=0", false, Finished}, // what a pipe takes, so it can end
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			cfg := config("ok", 2, keeperOK, c.worker)
			cfg.Grace = limits.Settle
			if c.again {
				cfg.Grace = time.Hour
			}
			l := start(t, cfg, w)
			w.Close()
			eventually(t, "the pipe is full", func() bool { return blocked(l.Process.Pid) })
			alone := func() bool { left := l.living(); return len(left) == 1 && left[0] == l.Process.Pid }
			if c.status == Finished {
				eventually(t, "only the launcher is left, with its output", alone)
			}
			if err := syscall.Kill(l.Process.Pid, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if c.again {
				eventually(t, "only the launcher is left, with its output", alone)
				if err := syscall.Kill(l.Process.Pid, syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			code := l.wait(t)
			b, err := os.ReadFile(filepath.Join(l.Dir, "report.json"))
			var report Report
			if err == nil {
				err = json.Unmarshal(b, &report)
			}
			if err != nil || code != 143 || report.Status != c.status || !report.Unread {
				t.Errorf("exit code %d, report %s, %v, stderr: %s", code, b, err, &l.err)
			}
			if !strings.Contains(l.err.String(), "nobody reads stdout: the rest of the output is given up") ||
				!c.again && !strings.Contains(l.err.String(), "waiting for whoever reads stdout") {
				t.Errorf("stderr: %s", &l.err)
			}
		})
	}
}

// Told to end, a job gives up its output when none is taken for --grace, and not because it takes longer in all. Without
// that it waits for ever.
func TestSlowReader(t *testing.T) {
	const grace = 5 * time.Second
	for name, c := range map[string]struct {
		told  syscall.Signal
		pause time.Duration // of the reader, before each of five writes
		want  string
		after time.Duration
	}{
		"slow":           {syscall.SIGTERM, grace - time.Second, "", 5 * (grace - time.Second)},
		"stopped":        {syscall.SIGTERM, time.Hour, "stdout", grace},
		"nobody told it": {0, time.Hour, "", 5 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out := newConsole(writerFunc(func(b []byte) (int, error) { time.Sleep(c.pause); return len(b), nil }), io.Discard)
				read := make(chan struct{})
				go func() {
					for range 5 {
						(&feed{console: out}).show([]byte("x\n"))
					}
					close(read)
				}()
				j := &job{cfg: Config{Grace: grace}, signal: c.told, signals: make(chan os.Signal), out: &outputs{console: out},
					fleet: newStubFleet(), keeper: service{process: &process{drained: []chan struct{}{read}}}}
				drained, began := make(chan struct{}), time.Now()
				unread := j.drain(j.abandoned(drained))
				if took := time.Since(began); unread != c.want || took < c.after || took > c.after+limits.StatusEvery {
					t.Errorf("given up is %q after %v, want %q after %v", unread, took, c.want, c.after)
				}
				close(drained)
				<-read
				out.close(nil)
			})
		})
	}
}

// blocked tells whether a thread of the process waits in a write to a pipe.
func blocked(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	for _, t := range threads {
		b, _ := os.ReadFile(t)
		if strings.HasPrefix(string(b), fmt.Sprintf("%d 0x1 ", syscall.SYS_WRITE)) {
			return true
		}
	}
	return false
}

// A reader that goes away ends the job as SIGPIPE would.
func TestClosedOutput(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	l := start(t, config("ok", 2, keeperOK, "join blast=x"), w)
	w.Close()
	buf := make([]byte, 1)
	if _, err := r.Read(buf); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if code := l.wait(t); code != 141 || !strings.Contains(l.lastLine(), "interrupted: signal 13 (broken pipe), checkpointed at sequence number 42") {
		t.Errorf("exit code %d, stderr: %s", code, &l.err)
	}
}
