package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dsss/launcher"
)

// The file that --json names may be anything. What it is, it stays; and it gets the report.
func TestReportFile(t *testing.T) {
	t.Parallel()
	isReport := func(b []byte) bool {
		var r launcher.Report
		return json.Unmarshal(b, &r) == nil && r.Status == launcher.Refused && strings.HasSuffix(string(b), "}\n")
	}
	dir := t.TempDir()
	fifo, link, file, other := filepath.Join(dir, "fifo"), filepath.Join(dir, "link"), filepath.Join(dir, "file"), filepath.Join(dir, "other")
	err := errors.Join(unix.Mkfifo(fifo, 0o600), os.Symlink("file", link), os.WriteFile(file, []byte("old"), 0o640), os.Link(file, other))
	if err != nil {
		t.Fatal(err)
	}
	fromFIFO := make(chan []byte, 1)
	go func() {
		b, _ := os.ReadFile(fifo) // what is missing shows
		fromFIFO <- b
	}()
	run := func(to string) (stdout string) {
		code, stdout, errs := dsssIn(t, dir, "run", "-n", "1", "--json="+to, "true")
		if code != 2 || !strings.HasPrefix(errs, "dsss: true ended before dsss.Join") || strings.Count(errs, "\n") != 1 {
			t.Fatalf("--json=%s: exit code %d, stderr %q", to, code, errs)
		}
		return stdout
	}
	run(fifo)
	if info, err := os.Lstat(fifo); err != nil || info.Mode().Type() != fs.ModeNamedPipe || !isReport(<-fromFIFO) {
		t.Errorf("the FIFO is %v, %v, or got something else", info.Mode(), err)
	}
	run(link)
	to, _ := os.Readlink(link)
	for _, name := range []string{file, other} {
		if b, err := os.ReadFile(name); err != nil || to != "file" || !isReport(b) {
			t.Errorf("the link leads to %q, %s has %q, %v", to, name, b, err)
		}
	}
	if out := run("/dev/stdout"); !isReport([]byte(out)) {
		t.Errorf("/dev/stdout got %q", out)
	}
	null := filepath.Join(dir, "null")
	if err := unix.Mknod(null, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		null = "/dev/null" // only root may make devices, and remove them
	}
	run(null)
	if info, err := os.Lstat(null); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		t.Errorf("%s is %v now, %v", null, info.Mode(), err)
	}
	// What cannot be written is refused before anything is started.
	for to, why := range map[string]string{dir: "is a directory", filepath.Join(file, "x"): "not a directory"} {
		code, _, errs := dsssIn(t, dir, "run", "-n", "1", "--json="+to, "true")
		if want := "dsss: --json=" + to + " cannot be written: " + why + ": name a file that can be\n"; code != 2 || errs != want {
			t.Errorf("exit code %d, stderr %q, want %q", code, errs, want)
		}
	}
	// A FIFO among the files of --output that nobody reads must not hold up the launcher, which would hear no signal.
	if err := unix.Mkfifo(filepath.Join(dir, "rank-0000.out"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := dsssIn(t, dir, "run", "-n", "1", "--output", "dir="+dir, "true")
	if code != 2 || !strings.Contains(errs, "cannot create rank-0000.out: no such device or address: name a directory") {
		t.Errorf("exit code %d, stderr %q", code, errs)
	}
}

// A job that is told to end while nobody reads its output, on whichever of the two streams, ends after --grace.
func TestUnreadOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, _, _ := command(dir, runArgs("-n 1 --grace 1s --json=report.json", "1", "blast")...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c.Stdout, c.Stderr = w, w
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	timeout := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
	defer timeout.Stop()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		writable, err := unix.Poll([]unix.PollFd{{Fd: int32(w.Fd()), Events: unix.POLLOUT}}, 0)
		if err == nil && writable == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the pipe does not fill: %v", err)
		}
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // the state tells
	b, err := os.ReadFile(filepath.Join(dir, "report.json"))
	var report launcher.Report
	if err == nil {
		err = json.Unmarshal(b, &report)
	}
	if code := c.ProcessState.ExitCode(); err != nil || code != 143 || report.Status != launcher.Interrupted || !report.Unread {
		t.Errorf("exit code %d, report %s, %v", code, b, err)
	}
}

// Too few descriptors are named with their limit and what to do: before the job starts where that is certain, else when a
// process meets it. Nobody gets a stack.
func TestTooFewFiles(t *testing.T) {
	t.Parallel()
	for _, most := range []int{4, 20, 37} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			job, _, stderr := command(dir, runArgs("-n 4", "1", "4")...)
			script := fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, most)
			if most >= 36 { // and some are taken, so that there are too few however soon a worker ends
				script = "exec 3</dev/null 4</dev/null 5</dev/null 6</dev/null 7</dev/null 8</dev/null 9</dev/null; " + script
			}
			c := exec.Command("/bin/sh", append([]string{"-c", script}, job.Args...)...)
			c.Dir, c.Env, c.Stderr = dir, job.Env, stderr
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			timeout := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
			defer timeout.Stop()
			_ = c.Wait() // the state tells
			lines := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
			last, limit := lines[len(lines)-1], fmt.Sprintf("the limit on open files (ulimit -n %d) is ", most)
			want, code := limit+"reached: raise it, or start fewer workers", 1
			if most < 36 {
				want, code = limit+"too low: a job of 4 workers needs 36: raise it, or start fewer workers", 2
			}
			if c.ProcessState.ExitCode() != code || !strings.HasSuffix(last, want) || len(lines) > 3 {
				t.Errorf("exit code %d, stderr %s", c.ProcessState.ExitCode(), stderr)
			}
		})
	}
}
