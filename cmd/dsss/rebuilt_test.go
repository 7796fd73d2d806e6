package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// install puts another build of the test binary at a path, as a linker would. Another process writes it: a descriptor of
// this one would be open for a moment in every child that it starts meanwhile, and what is open for writing cannot be run.
func install(t *testing.T, path, build string) {
	t.Helper()
	const script = `cp "/proc/$PPID/exe" "$0.new" && printf %s "$1" >>"$0.new" && mv "$0.new" "$0"`
	if out, err := exec.Command("sh", "-c", script, path, build).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// installed is a directory with a dsss and a program prog of its own, and a script that runs it; runs prepares
// './dsss run' of what args say there.
func installed(t *testing.T) (dir string, runs func(args string) *exec.Cmd) {
	t.Helper()
	dir = t.TempDir()
	install(t, filepath.Join(dir, "dsss"), "")
	install(t, filepath.Join(dir, "prog"), "one build")
	if err := os.WriteFile(filepath.Join(dir, "script"), []byte("#!/bin/sh\n./prog \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir, func(args string) *exec.Cmd {
		c, _, _ := command(dir, append([]string{"run", "--name", "job", "--output", "plain"}, strings.Fields(args)...)...)
		c.Path = "./dsss"
		return c
	}
}

// replaced kills a child of the launcher and returns the one that takes its place, once it has.
func (l *loaded) replaced(who, said string) (pid int) {
	l.t.Helper()
	old := l.child(who)
	l.beats(1)
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		l.t.Fatal(err)
	}
	for !regexp.MustCompile(said).MatchString(l.errs.String()) {
		l.beats(1)
	}
	return l.child(who)
}

// TestRebuilt: a program, or dsss itself, that is rebuilt or removed while its job runs changes nothing: all that is started
// later is of the same build, and has the same name.
func TestRebuilt(t *testing.T) {
	t.Parallel()
	dir, runs := installed(t)
	l := startLoaded(t, runs("-n 3 --on-failure respawn -- ./prog program 0 load 3"), 3)
	install(t, filepath.Join(dir, "prog"), "another build")
	if err := os.Remove(filepath.Join(dir, "dsss")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ who, said, name string }{
		{"DSSS_ROLE=keeper", `the keeper .*started again`, "prog"},
		{"DSSS_RANK=1", `rank 1 .*started again`, "prog"},
		{"coordinator", `the order goes on`, "dsss"},
	} {
		pid := l.replaced(c.who, c.said)
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
		if err != nil || string(b) != c.name+"\n" {
			t.Errorf("%s: its name is %q, error %v", c.who, b, err)
		}
	}
	l.end(false)
	if said := l.errs.String(); strings.Contains(said, "build") || !strings.Contains(said, "dsss: job job finished") {
		t.Errorf("stderr:\n%s", said)
	}
}

// TestRebuiltBehindAWrapper: the launcher cannot see what a wrapper runs, so the coordinator refuses what is of another
// build than the job; a resumed job takes it, and says so.
func TestRebuiltBehindAWrapper(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		program string
		change  func(t *testing.T, dir string)
		who     string
		end     string // of the job, as a regular expression
	}{
		"env, keeper": {"env A=b ./prog", rebuild, "DSSS_ROLE=keeper",
			`\[keeper\] dsss: keeper of job job: .*the keeper \(pid \d+\) runs another build of prog \(sha256 [0-9a-f]{12}\) than the job \(sha256 [0-9a-f]{12}\): put back .* --resume, .*`},
		"script itself, keeper": {"./script", edit, "DSSS_ROLE=keeper", `the keeper could not be started: \S*script: it is not what it was`},
		"script, worker": {"./script", rebuild, "DSSS_RANK=1",
			`rank 1 \(pid \d+\) runs another build of prog .* --resume`},
		"script itself": {"./script", edit, "DSSS_RANK=1", `rank 1 could not be started: \S*script: it is not what it was when the job began: put back .* --resume, which takes what is there now`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, runs := installed(t)
			l := startLoaded(t, runs("-n 3 --on-failure respawn -- "+c.program+" program 0 load 3"), 3)
			c.change(t, dir)
			if err := syscall.Kill(l.child(c.who), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			for range l.lines { // until the job has ended
			}
			_ = l.cmd.Wait() // what it said tells
			if said := l.errs.String(); !regexp.MustCompile(c.end).MatchString(said) || !strings.Contains(said, "dsss: job job failed: ") {
				t.Errorf("stderr:\n%s\nwant %s", said, c.end)
			}
			resumed := runs("--resume -n 1 -- " + c.program + " program 1 1")
			var errs strings.Builder
			resumed.Stderr = &errs
			err := resumed.Run()
			again := regexp.MustCompile(`(?m)^dsss: resuming with another build of prog \(sha256 [0-9a-f]{12}, the last run had sha256 [0-9a-f]{12}\)`).MatchString(errs.String())
			if err != nil || again != !strings.HasPrefix(name, "script itself") {
				t.Errorf("resumed: error %v, stderr %s", err, &errs)
			}
		})
	}
}

func rebuild(t *testing.T, dir string) { install(t, filepath.Join(dir, "prog"), "another build") }

func edit(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "script"), []byte("#!/bin/sh\n./prog \"$@\" \n"), 0o755); err != nil {
		t.Fatal(err)
	}
}
