package launcher

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	keeperOK = "watch join stay"
	stays    = "watch join stay"
	workerOK = "watch join out=hello exit=0"
	waits    = "watch join forever"
)

// How a job ends: the exit code, and the last line of stderr.
func TestEnds(t *testing.T) {
	for name, c := range map[string]struct {
		mode    string
		n       int
		keeper  string
		workers []string
		code    int
		last    string // regular expression
		has     string // somewhere on stderr
		hasNot  string
	}{
		"all well": {"ok", 3, keeperOK, []string{workerOK}, 0,
			`^dsss: job test finished: 3 workers, \d+\.\d s, 100 mutations, 2 checkpoints, state in ./test.dsss$`, "", "coordinator"},
		"exit code": {"ok", 3, keeperOK, []string{waits, waits, "watch join err=one err=two exit=7"}, 7,
			`^dsss: job test failed: rank 2 \(pid \d+\) exited with code 7; last lines of its stderr: one \| two$`, "[2] one", ""},
		"signal": {"ok", 2, keeperOK, []string{"join kill", waits}, 137,
			`^dsss: job test failed: rank 0 \(pid \d+\) killed by signal 9 \(killed\)$`, "--resume", ""},
		"stack of a Go program": {"ok", 1, keeperOK, []string{"join err=panic:_no err=a err=b err=c err=d err=e err=f exit=2"}, 2,
			`code 2; last lines of its stderr: panic: no$`, "", ""},
		"exit 0 before Join": {"ok", 2, keeperOK, []string{waits, "exit=0"}, 1,
			`^dsss: job test failed: rank 1 \(pid \d+\) exited with code 0 before dsss.Join$`, "", ""},
		"exit 3 before Join": {"ok", 2, keeperOK, []string{waits, "exit=3"}, 3, `rank 1 \(pid \d+\) exited with code 3 before dsss.Join$`, "", ""},
		"mutator panics": {"panic", 2, keeperOK, []string{"join follow exit=1"}, 1,
			`^dsss: job test failed: mutator Add of c panicked at sequence number 7: boom; arguments 1; --resume goes on without it$`, "", ""},
		"coordinator gives up": {"fail", 2, keeperOK, []string{"join follow exit=1"}, 1, `^dsss: job test failed: log: input/output error$`, "", ""},
		"keeper keeps dying": {"ok", 2, "join exit=4", []string{waits}, 1,
			`^dsss: job test failed: the keeper \(pid \d+\) exited with code 4, started anew 3 times in a row without a checkpoint$`, "", ""},
		"host keeps dying": {"hosted", 2, keeperOK + "|err=what exit=4", []string{waits}, 1,
			`^dsss: job test failed: the host \(pid \d+\) exited with code 4, started anew 3 times in a row without joining; last lines of its stderr: what$`, "[host] what\n", ""},
		"state directory refused": {"refuse", 2, keeperOK, []string{workerOK}, 2, `^dsss: state directory d holds a job$`, "", "coordinator"},
		"coordinator breaks":      {"broken", 2, keeperOK, []string{workerOK}, 1, `^dsss: no space left$`, "[coordinator] a detail", ""},
		"coordinator killed early": {"killed", 2, keeperOK, []string{workerOK}, 1,
			`^dsss: the coordinator \(pid \d+\) killed by signal 9 \(killed\) before it was ready$`, "", ""},
		"keeper refused":             {"refuse-keeper", 2, "err=noise join", []string{"touch=started"}, 2, `^dsss: state directory d is of another program$`, "", "noise"},
		"usage error of the program": {"ok", 2, "err=no_such_file exit=2", []string{"touch=started"}, 2, `^no such file$`, "", "dsss:"},
		"program fails silently":     {"ok", 2, "exit=3", []string{"touch=started"}, 3, `\(pid \d+\) exited with code 3 before dsss.Join and said nothing$`, "", ""},
		"no DSSS program":            {"ok", 2, "exit=0", []string{"touch=started"}, 2, `ended before dsss.Join: is it a DSSS program\?$`, "", ""},
		"program crashes early":      {"ok", 2, "err=why kill", []string{"touch=started"}, 137, `\(pid \d+\) killed by signal 9 \(killed\) before dsss.Join$`, "\nwhy\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(c.mode, c.n, c.keeper, c.workers...)
			cfg.Grace = 2 * time.Second
			l := start(t, cfg, nil)
			code := l.wait(t)
			said := "\n" + l.err.String()
			if code != c.code || !regexp.MustCompile(c.last).MatchString(l.lastLine()) || !strings.Contains(said, c.has) ||
				c.hasNot != "" && strings.Contains(said, c.hasNot) {
				t.Errorf("exit code %d, stderr:\n%s\nwant %d, last line %s, with %q, without %q", code, l.err.String(), c.code, c.last, c.has, c.hasNot)
			}
			if _, err := os.Stat(filepath.Join(l.Dir, "started")); err == nil {
				t.Error("a worker was started")
			}
		})
	}
}

func TestSignals(t *testing.T) {
	for name, c := range map[string]struct {
		worker  string
		grace   time.Duration
		send    []syscall.Signal
		code    int
		last    string
		stdout  string
		elapsed time.Duration // at most
	}{
		"Ctrl-C":          {"join out=up forever", 30 * time.Second, []syscall.Signal{syscall.SIGINT}, 130, `interrupted: signal 2 \(interrupt\), checkpointed at sequence number 42, state in ./test.dsss: resume with --resume$`, "", 20 * time.Second},
		"SIGTERM":         {"join out=up forever", 30 * time.Second, []syscall.Signal{syscall.SIGTERM}, 143, `interrupted: signal 15`, "", 20 * time.Second},
		"SIGHUP":          {"join out=up forever", 30 * time.Second, []syscall.Signal{syscall.SIGHUP}, 129, `interrupted: signal 1 `, "", 20 * time.Second},
		"a last word":     {"join out=up until=terminated out=bye exit=0", 30 * time.Second, []syscall.Signal{syscall.SIGTERM}, 143, `interrupted: signal 15`, "[0] bye\n", 20 * time.Second},
		"stubborn worker": {"join stubborn out=up forever", time.Second, []syscall.Signal{syscall.SIGTERM}, 143, `interrupted: signal 15.* sequence number 42`, "", 20 * time.Second},
		"second signal":   {"join stubborn out=up forever", time.Hour, []syscall.Signal{syscall.SIGINT, syscall.SIGINT}, 130, `interrupted: signal 2`, "", 20 * time.Second},
		"no grace":        {"join stubborn out=up forever", 0, []syscall.Signal{syscall.SIGTERM}, 143, `interrupted: signal 15`, "", 20 * time.Second},
		"Ctrl-Z":          {"join out=up forever", time.Second, []syscall.Signal{syscall.SIGTSTP, syscall.SIGTERM}, 143, `interrupted: signal 15`, "", 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config("ok", 2, keeperOK, c.worker)
			cfg.Grace = c.grace
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			l := start(t, cfg, w)
			w.Close()
			out := reading(r)
			eventually(t, "both workers are up", func() bool { return strings.Count(out(), "up\n") == 2 })
			began := time.Now()
			for _, s := range c.send {
				if err := syscall.Kill(l.Process.Pid, s); err != nil {
					t.Fatal(err)
				}
			}
			if name == "second signal" {
				// Two that come before the first is taken are one, so it is repeated until it worked.
				eventually(t, "the workers are gone", func() bool {
					_ = syscall.Kill(l.Process.Pid, syscall.SIGINT)
					return len(l.living()) <= 1
				})
			}
			code := l.wait(t)
			if took := time.Since(began); code != c.code || took > c.elapsed || !regexp.MustCompile(c.last).MatchString(l.lastLine()) {
				t.Errorf("exit code %d after %v, stderr:\n%s\nwant %d, %s", code, took, &l.err, c.code, c.last)
			}
			eventually(t, fmt.Sprintf("%q on stdout", c.stdout), func() bool { return strings.Contains(out(), c.stdout) })
		})
	}
}

// TestIgnoredSignals: what was ignored at the start, by nohup(1) or in a shell's background job, does not end the job.
func TestIgnoredSignals(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	l := startBy(t, config("ok", 2, keeperOK, "join out=up forever"), w, "/bin/sh", "-c", `trap "" HUP INT; exec "$0" launch`, os.Args[0])
	w.Close()
	out := reading(r)
	eventually(t, "both workers are up", func() bool { return strings.Count(out(), "up\n") == 2 })
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} { // delivered in this order
		if err := syscall.Kill(l.Process.Pid, s); err != nil {
			t.Fatal(err)
		}
	}
	if code := l.wait(t); code != 143 || !strings.Contains(l.lastLine(), "interrupted: signal 15") {
		t.Errorf("exit code %d, stderr:\n%s", code, &l.err)
	}
}

// reading reads r in the background; the function returned says what has come so far.
func reading(r *os.File) func() string {
	chunks := make(chan []byte)
	go func() {
		defer close(chunks)
		for {
			buf := make([]byte, 4<<10)
			n, err := r.Read(buf)
			if err != nil {
				return
			}
			chunks <- buf[:n]
		}
	}()
	var all bytes.Buffer
	return func() string {
		for {
			select {
			case b, ok := <-chunks:
				if !ok {
					return all.String()
				}
				all.Write(b)
			default:
				return all.String()
			}
		}
	}
}

// SIGUSR2 goes to the workers and does nothing here; SIGUSR1 has a checkpoint written and does not reach them.
func TestUserSignals(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cfg := config("ok", 2, keeperOK, "join out=up until=user_defined_signal_2 exit=0")
	cfg.Verbose = true
	l := start(t, cfg, w)
	w.Close()
	out := reading(r)
	eventually(t, "both workers are up", func() bool { return strings.Count(out(), "up\n") == 2 })
	for _, s := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2} {
		if err := syscall.Kill(l.Process.Pid, s); err != nil {
			t.Fatal(err)
		}
	}
	if code := l.wait(t); code != 0 || !strings.Contains(l.err.String(), "dsss: checkpoint at sequence number 42") {
		t.Errorf("exit code %d, stderr: %s", code, &l.err)
	}
}
