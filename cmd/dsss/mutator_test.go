package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A mutator that ends the process, however it does: the job stops when it has done so twice, and names it; each resume does
// so at once, until a person skips the mutation.
func TestMutatorEndsTheProcess(t *testing.T) {
	for _, c := range []struct{ name, amount, flags, end string }{
		{"exit", "-2", "", `exited with code 3`},
		{"exit, workers respawned", "-2", "--on-failure respawn", `exited with code 3`},
		{"exit, gone without", "-2", "--on-failure continue", `exited with code 3`},
		{"exit with 0", "-3", "", `exited with code 0`},
		{"killed, log in memory", "-8", "--durability memory", `killed by signal 9 \(killed\)`},
		{"stack overflow", "-4", "", `exited with code 2; last lines of its stderr: fatal error: stack overflow`},
		{"concurrent map writes", "-9", "", `exited with code 2; last lines of its stderr: fatal error: concurrent map (writes|iteration and map write)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			code, _, errs := dsssIn(t, dir, runArgs("-n 2 "+c.flags, "10", "add", c.amount, "0")...)
			last := regexp.MustCompile(`\ndsss: state kept in ./job.dsss: 'dsss skip ./job.dsss (\d+)' leaves out main_test.counter.Add on object "counter" \(sequence number \d+\), .*` +
				`\ndsss: job job failed: 2 processes ended while they were applying main_test.counter.Add on object "counter" \(sequence number \d+\), the last of them .* \(pid \d+\) ` + c.end + `\n$`)
			m := last.FindStringSubmatch("\n" + errs)
			if code != 1 || m == nil {
				t.Fatalf("exit code %d, stderr %q", code, errs)
			}
			seq := m[1]
			code, _, errs = dsssIn(t, dir, runArgs("-n 3 --resume", "0", "0")...)
			if code != 1 || !strings.Contains(errs, " processes ended while they were applying ") || !strings.Contains(errs, "'dsss skip ./job.dsss "+seq+"'") {
				t.Errorf("resumed: exit code %d, stderr %q", code, errs)
			}
			code, out, errs := dsssIn(t, dir, "skip", "job.dsss", "1")
			if code != 2 || out != "" || !strings.HasPrefix(errs, `dsss: nothing is noted against the mutation at sequence number 1 in job.dsss: only main_test.counter.Add on object "counter" (sequence number `+seq+`)`) {
				t.Errorf("another number: exit code %d, stdout %q, stderr %q", code, out, errs)
			}
			code, out, errs = dsssIn(t, dir, "skip", "job.dsss", seq)
			if code != 0 || errs != "" || out != `a resumed job leaves out main_test.counter.Add on object "counter" (sequence number `+seq+"); no process had applied it\n" {
				t.Errorf("skip: exit code %d, stdout %q, stderr %q", code, out, errs)
			}
			code, _, errs = dsssIn(t, dir, "skip", "job.dsss", seq)
			if code != 2 || !strings.Contains(errs, "is left out already") {
				t.Errorf("skipped again: exit code %d, stderr %q", code, errs)
			}
			code, out, errs = dsssIn(t, dir, runArgs("-n 2 --resume", "5", "20")...)
			if code != 0 || strings.Count(out, "] counter ") != 2 || !strings.Contains(errs, "dsss: leaving out main_test.counter.Add on object ") || strings.Contains(out, "in the mutator") {
				t.Errorf("resumed without it: exit code %d, stdout %q, stderr %q", code, out, errs)
			}
			if code, out, errs := dsssIn(t, dir, runArgs("-n 1 --resume", "1", "1")...); code != 0 || !strings.Contains(out, "counter ") {
				t.Errorf("and again: exit code %d, stdout %q, stderr %q", code, out, errs)
			}
		})
	}
}

// A mutator that ends the goroutine that applies is one that panics. Reports have the program's frames alone.
func TestMutatorEndsTheGoroutine(t *testing.T) {
	t.Parallel()
	for amount, want := range map[string]string{"-7": "it called runtime.Goexit", "-1": "negative"} {
		dir := t.TempDir()
		code, _, errs := dsssIn(t, dir, runArgs("-n 2", "10", "add", amount, "0")...)
		if code != 1 || !regexp.MustCompile(`\ndsss: job job failed: mutator Add of counter panicked at sequence number \d+: `+want+`.*; --resume goes on without it\n$`).MatchString(errs) {
			t.Errorf("exit code %d, stderr %q", code, errs)
		}
		if !strings.Contains(errs, "program_test.go:") || regexp.MustCompile(`(?m)^(dsss: |\[\w+\] )(runtime|reflect|dsss|dsss/runtime/.*)\.\w`).MatchString(errs) {
			t.Errorf("frames of others, or none: %s", errs)
		}
		code, _, errs = dsssIn(t, dir, runArgs("-n 1 --resume", "1", "1")...)
		if code != 0 || !strings.Contains(errs, "which panicked in an earlier run") {
			t.Errorf("resumed: exit code %d, stderr %q", code, errs)
		}
		code, _, errs = dsssIn(t, t.TempDir(), runArgs("-n 1 --verbose", "10", "add", amount, "0")...)
		if code != 1 || !strings.Contains(errs, "\ndsss: dsss/runtime/session.") {
			t.Errorf("verbose: exit code %d, stderr %q", code, errs)
		}
	}
}

// A mutator that does not end: SIGQUIT says where it is, SIGTERM ends the job, whose end names it.
func TestMutatorDoesNotEnd(t *testing.T) {
	for name, amount := range map[string]string{"waits": "-5", "computes": "-6"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c, _, _ := command(dir, runArgs("-n 2 --grace 100ms", "10", "add", amount, "0")...)
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			c.Stdout, c.Stderr = w, w
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			timeout := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
			defer timeout.Stop()
			var said bytes.Buffer
			buf := make([]byte, 4<<10)
			until := func(what string) {
				t.Helper()
				for !regexp.MustCompile(what).Match(said.Bytes()) {
					n, err := r.Read(buf)
					if said.Write(buf[:n]); err != nil {
						t.Fatalf("no %s in %s", what, said.String())
					}
				}
			}
			until("in the mutator\n")
			code, _, errs := dsssIn(t, dir, "skip", "job.dsss", "12")
			if code != 2 || !strings.Contains(errs, " is in use by job \"job\"") || !strings.HasSuffix(errs, ": end the job first\n") {
				t.Errorf("skip while it runs: exit code %d, stderr %q", code, errs)
			}
			_ = c.Process.Signal(syscall.SIGQUIT)
			until(`\[0\] dsss: stacks of rank 0 \(pid \d+\), on SIGQUIT\n(\[0\] .*\n)*\[0\] .*program_test.go:\d+ `)
			_ = c.Process.Signal(syscall.SIGTERM)
			_, _ = io.Copy(&said, r) // ends with the processes
			_ = c.Wait()             // the state tells
			last := regexp.MustCompile(`\ndsss: job job interrupted: signal 15 \(terminated\), main_test.counter.Add on object "counter" \(sequence number (\d+)\) did not end, its last checkpoint could not be written, but the log stands, state in ./job.dsss: 'dsss skip ./job.dsss \d+', then --resume\n$`)
			m := last.FindStringSubmatch(said.String())
			if m == nil || c.ProcessState.ExitCode() != 143 {
				t.Fatalf("exit code %d, %s", c.ProcessState.ExitCode(), said.String())
			}
			if code, out, errs := dsssIn(t, dir, "skip", "job.dsss", m[1]); code != 0 || !strings.HasPrefix(out, "a resumed job leaves out ") {
				t.Fatalf("skip: exit code %d, stdout %q, stderr %q", code, out, errs)
			}
			if code, out, errs := dsssIn(t, dir, runArgs("-n 2 --resume", "0", "10")...); code != 0 || strings.Count(out, "] counter ") != 2 {
				t.Errorf("resumed: exit code %d, stdout %q, stderr %q", code, out, errs)
			}
		})
	}
}
