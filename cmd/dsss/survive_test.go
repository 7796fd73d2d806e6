package main

import (
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What dies, and what the job does about it, with real processes under load: afterwards every acknowledged mutation was
// counted once, and nothing is left behind.
func TestSurvives(t *testing.T) {
	kill := func(l *loaded, who string, sig syscall.Signal) {
		l.t.Helper()
		l.beats(1)
		if err := syscall.Kill(l.child(who), sig); err != nil {
			l.t.Fatal(err)
		}
	}
	up := func(l *loaded) {
		l.t.Helper()
		l.until("the new worker", func(line string) bool { return line == "up" })
	}
	for name, c := range map[string]struct {
		flags string
		do    func(l *loaded)
		said  string // stderr, as a regular expression
	}{
		"hanging coordinator": {"--control-silence 1s", func(l *loaded) { l.outage(syscall.SIGSTOP) },
			`dsss: the coordinator \(pid \d+\) said nothing for 1s and was killed; pid \d+ takes over\ndsss: the order goes on after .*\ndsss: job job finished`},
		"keeper": {"", func(l *loaded) { kill(l, "DSSS_ROLE=keeper", syscall.SIGKILL); l.beats(2) },
			`dsss: the keeper \(pid \d+\) killed by signal 9 \(killed\); started again as pid \d+\ndsss: job job finished`},
		"keeper and coordinator": {"", func(l *loaded) { kill(l, "DSSS_ROLE=keeper", syscall.SIGKILL); l.outage(syscall.SIGKILL); l.beats(2) },
			`(?s)the keeper .*; started again .*the order goes on`},
		"worker, respawned": {"--on-failure respawn", func(l *loaded) { kill(l, "DSSS_RANK=1", syscall.SIGKILL); up(l); l.beats(2) },
			`dsss: rank 1 \(pid \d+\) killed by signal 9 \(killed\); started again as pid \d+\ndsss: job job finished`},
		"worker and coordinator": {"--on-failure respawn", func(l *loaded) { kill(l, "DSSS_RANK=2", syscall.SIGKILL); l.kill(syscall.SIGKILL); up(l); l.beats(2) },
			`(?s)rank 2 .*; started again .*the order goes on`},
		"worker, gone without": {"--on-failure continue", func(l *loaded) { kill(l, "DSSS_RANK=2", syscall.SIGKILL); l.beats(2) },
			`dsss: rank 2 \(pid \d+\) killed by signal 9 \(killed\); the job goes on without it\ndsss: job job finished without rank 2: 3 workers`},
	} {
		t.Run(name, func(t *testing.T) {
			enders := 3
			if strings.Contains(c.flags, "continue") {
				enders = 2
			}
			l := startLoad(t, c.flags, enders)
			c.do(l)
			l.end(!strings.Contains(name, "worker"))
			if said := l.errs.String(); !regexp.MustCompile(c.said).MatchString(said) {
				t.Errorf("stderr:\n%s\nwant %s", said, c.said)
			}
		})
	}
}

// Workers come and go by command while a job runs.
func TestResize(t *testing.T) {
	l := startLoad(t, "", 5)
	l.beats(1)
	for _, c := range []struct{ args, want string }{
		{"join -n 2", `^(rank [34] \(pid \d+\) has joined\n){2}$`},
		{"leave --rank 1 job.dsss", `^rank 1 \(pid \d+\) has left\n$`},
		{"save", `^checkpoint at sequence number \d+\n$`},
		{"join --state-dir job.dsss", `^rank 1 \(pid \d+\) has joined\n$`},
	} {
		code, out, errs := dsssIn(t, l.dir, strings.Fields(c.args)...)
		if code != 0 || errs != "" || !regexp.MustCompile(c.want).MatchString(out) {
			t.Fatalf("dsss %s: exit code %d, stdout %q, stderr %q; the job: %s", c.args, code, out, errs, l.errs)
		}
		l.beats(1)
	}
	l.outage(syscall.SIGKILL) // the one that takes over knows of the ranks that were added
	l.beats(1)
	code, out, errs := dsssIn(t, l.dir, "leave", "--rank", "9")
	if code != 2 || out != "" || errs != "dsss: rank 9 does not exist: the job in job.dsss has ranks 0 to 4\n" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out, errs)
	}
	l.end(false)
	if said := l.errs.String(); !regexp.MustCompile(`dsss: job job finished: 5 workers`).MatchString(said) {
		t.Errorf("stderr:\n%s", said)
	}
}

// SIGUSR1 is for the launcher: a checkpoint.
func TestCheckpointSignal(t *testing.T) {
	l := startLoad(t, "--verbose --checkpoint-every 0", 3)
	l.beats(1)
	if err := syscall.Kill(l.pid, syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); !strings.Contains(l.errs.String(), "dsss: checkpoint at sequence number "); l.beats(1) {
		if time.Now().After(end) {
			t.Fatalf("no checkpoint: %s", l.errs)
		}
	}
	l.end(true)
}
