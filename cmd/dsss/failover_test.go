package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dsss"
)

// load counts as fast as it can until SIGUSR2: rank 0 one mutation at a time, printing how long an acknowledgement was
// away when that shows, the others with many in flight. Everybody then says how many were acknowledged, and rank 0
// compares that with the counter once enders have ended.
func load(ctx context.Context, job *dsss.Job, o *dsss.Object[counter], told chan os.Signal, enders int64, check func(error)) {
	acked, err := dsss.Open(ctx, job, counters, "acked")
	check(err)
	ended, err := dsss.Open(ctx, job, counters, "ended")
	check(err)
	fmt.Println("up")
	var n int64
	var window []*dsss.Future[int64]
	for stop := false; !stop; n++ {
		select {
		case <-told:
			stop = true
		default:
		}
		if job.Rank() != 0 {
			window = append(window, dsss.Go(ctx, o, add, 1))
			if len(window) == 256 || stop {
				for _, f := range window {
					_, err := f.Wait(ctx)
					check(err)
				}
				window = window[:0]
			}
			continue
		}
		began := time.Now()
		_, err := dsss.Call(ctx, o, add, 1)
		check(err)
		if now := time.Now(); now.Sub(began) > 5*time.Millisecond {
			fmt.Println("gap", began.UnixNano(), now.UnixNano())
		}
		if n%100 == 0 {
			fmt.Println("beat")
		}
	}
	_, err = dsss.Call(ctx, acked, add, n)
	check(err)
	_, err = dsss.Call(ctx, ended, add, 1)
	check(err)
	check(ended.Await(ctx, func(c *counter) bool { return c.n >= enders }))
	if job.Rank() == 0 {
		value := func(o *dsss.Object[counter]) int64 { return dsss.Read(o, func(c *counter) int64 { return c.n }) }
		fmt.Println("counted", value(o), "acknowledged", value(acked))
	}
}

// A loaded job runs load on three workers.
type loaded struct {
	t     *testing.T
	dir   string
	cmd   interface{ Wait() error }
	pid   int
	lines chan string // of stdout
	errs  *said
}

// said is a process's stderr, while it runs.
type said struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// startLoad starts a job in which enders workers will be there at the end.
func startLoad(t *testing.T, flags string, enders int) *loaded {
	t.Helper()
	c, _, _ := command(t.TempDir(), runArgs("-n 3 --output plain "+flags, "0", "load", strconv.Itoa(enders))...)
	return startLoaded(t, c, 3)
}

// startLoaded starts a job of some workers under load by c.
func startLoaded(t *testing.T, c *exec.Cmd, workers int) *loaded {
	t.Helper()
	l := &loaded{t: t, dir: c.Dir, lines: make(chan string, 1<<16), errs: &said{}}
	c.Stderr = l.errs
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout = w
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	l.cmd, l.pid = c, c.Process.Pid
	t.Cleanup(func() { _ = c.Process.Kill(); r.Close() })
	go func() {
		defer close(l.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			l.lines <- s.Text()
		}
		_, _ = io.Copy(io.Discard, r)
	}()
	for range workers {
		l.until("the workers", func(line string) bool { return line == "up" })
	}
	return l
}

// until returns the next line that match accepts.
func (l *loaded) until(what string, match func(line string) bool) string {
	l.t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case line, ok := <-l.lines:
			if !ok {
				_ = l.cmd.Wait() // what it said tells
				l.t.Fatalf("the job ended while the test waited for %s: %s", what, l.errs)
			}
			if match(line) {
				return line
			}
		case <-late:
			l.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// beats waits until some thousand more mutations have been acknowledged.
func (l *loaded) beats(n int) {
	l.t.Helper()
	for {
		select {
		case <-l.lines: // from before
			continue
		default:
		}
		break
	}
	for range n {
		l.until("acknowledgements", func(line string) bool { return line == "beat" })
	}
}

// child returns the process id of the launcher's child whose command line or environment has text in it.
func (l *loaded) child(text string) int {
	l.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if pid := l.find(text); pid != 0 {
			return pid
		}
	}
	l.t.Fatalf("no process with %s", text)
	return 0
}

// find is child for a process that need not be there; 0: it is not.
func (l *loaded) find(text string) int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		b, _ := os.ReadFile(stat) // it may be gone
		fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(l.pid) || fields[0] == "Z" {
			continue
		}
		args, _ := os.ReadFile(filepath.Join(filepath.Dir(stat), "cmdline"))
		env, _ := os.ReadFile(filepath.Join(filepath.Dir(stat), "environ"))
		if strings.Contains(string(args)+"\x00"+string(env), "\x00"+text+"\x00") {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
			if err == nil {
				return pid
			}
		}
	}
	return 0
}

// outage kills the coordinator and returns the time from then to the first acknowledgement of a new mutation.
func (l *loaded) outage(sig syscall.Signal) time.Duration {
	l.t.Helper()
	l.beats(1 + rand.IntN(3))
	killed := l.kill(sig)
	var from, to int64
	l.until("the first acknowledgement", func(line string) bool {
		n, _ := fmt.Sscanf(line, "gap %d %d", &from, &to)
		return n == 2 && to > killed+int64(2*time.Millisecond)
	})
	return time.Duration(to - killed)
}

// kill sends sig to the coordinator and returns when, in nanoseconds of the Unix epoch.
func (l *loaded) kill(sig syscall.Signal) int64 {
	l.t.Helper()
	pid := l.child("coordinator")
	at := time.Now().UnixNano()
	if err := syscall.Kill(pid, sig); err != nil {
		l.t.Fatal(err)
	}
	return at
}

// end stops the load and checks that every acknowledged mutation was counted once. Of workers that were killed nobody
// knows what was acknowledged: then there may be more.
func (l *loaded) end(exact bool) {
	l.t.Helper()
	if err := syscall.Kill(l.pid, syscall.SIGUSR2); err != nil {
		l.t.Fatal(err)
	}
	line := l.until("the result", func(line string) bool { return strings.HasPrefix(line, "counted ") })
	var counted, acked int64
	if n, err := fmt.Sscanf(line, "counted %d acknowledged %d", &counted, &acked); n != 2 || err != nil || counted < acked || exact && counted > acked || acked == 0 {
		l.t.Errorf("%s\n%s", line, l.errs)
	}
	late := time.After(time.Minute)
	for open := true; open; {
		select {
		case _, open = <-l.lines:
		case <-late:
			l.t.Fatalf("the job does not end: %s", l.errs)
		}
	}
	if err := l.cmd.Wait(); err != nil {
		l.t.Errorf("%v: %s", err, l.errs)
	}
}

// TestFailover kills coordinators under load and asks for every acknowledged mutation exactly once afterwards. With
// DSSS_FAILOVER it is that many, and prints how long the outages were.
func TestFailover(t *testing.T) {
	kills, atOnce := 2, 10 // the launcher gives up a job that loses more within minutes
	if s := os.Getenv("DSSS_FAILOVER"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil || kills < 1 {
			t.Fatalf("DSSS_FAILOVER=%s: want a number of kills", s)
		}
	}
	for _, durability := range []string{"memory", "interval", "sync"} {
		t.Run(durability, func(t *testing.T) {
			var outages []time.Duration
			for len(outages) < kills {
				l := startLoad(t, "--durability "+durability, 3)
				for range min(atOnce, kills-len(outages)) {
					outages = append(outages, l.outage(syscall.SIGKILL))
				}
				l.end(true)
			}
			slices.Sort(outages)
			t.Logf("%d coordinators killed: first acknowledgement after %v in the median, %v at most", len(outages),
				((outages[(len(outages)-1)/2] + outages[len(outages)/2]) / 2).Round(time.Millisecond), outages[len(outages)-1].Round(time.Millisecond))
		})
	}
}
