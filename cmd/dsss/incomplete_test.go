package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// A killed job's log, or a job's record, is removed: the resume, and a run without it, are refused in one line, verify
// finds it, and accept takes what is left on demand only.
func TestIncompleteDirectory(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		gone   string
		why    string // the one line of every refusal
		accept string // stdout
	}{
		"log": {"log/*", `its log, which goes on at sequence number \d+ or later, is not there`,
			`job job goes on at sequence number \d+: checkpoint at \d+, and 0 mutations of the log; (what only the log had is|\d+ mutations or more that were there are) given up\n`},
		"record": {"job.json", `it holds a log or checkpoints, and its record job\.json is missing`,
			`the record is rebuilt from checkpoint and log\njob job goes on at sequence number \d+: .*\n`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := startLoad(t, "--durability sync --checkpoint-every 0", 3)
			l.beats(1)
			if code, _, errs := dsssIn(t, l.dir, "save", "job.dsss"); code != 0 {
				t.Fatal(errs)
			}
			l.beats(1)
			if err := syscall.Kill(l.pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			for range l.lines { // until all its processes are gone
			}
			_ = l.cmd.Wait() // killed
			gone, err := filepath.Glob(filepath.Join(l.dir, "job.dsss", c.gone))
			if err != nil || len(gone) == 0 {
				t.Fatal(gone, err)
			}
			for _, path := range gone {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			line := regexp.MustCompile(`^dsss: incomplete state directory .+/job\.dsss: ` + c.why + `: put back a copy of .*, or take what is left with 'dsss checkpoint accept .+/job\.dsss'\n$`)
			runs := []string{"-n 1 --resume"}
			if name == "record" {
				runs = append(runs, "-n 1")
			}
			for _, flags := range runs {
				n, out, errs := dsssIn(t, l.dir, runArgs(flags, "0", "0")...)
				if n != 2 || out != "" || !line.MatchString(errs) {
					t.Errorf("run %s: exit code %d, stdout %q, stderr %q", flags, n, out, errs)
				}
			}
			if n, out, errs := dsssIn(t, l.dir, "checkpoint", "verify", "job.dsss"); n != 1 || !regexp.MustCompile(c.why).MatchString(out+errs) {
				t.Errorf("verify: exit code %d, %q, %q", n, out, errs)
			}
			if n, out, errs := dsssIn(t, l.dir, "checkpoint", "accept", "job.dsss"); n != 0 || errs != "" || !regexp.MustCompile("^"+c.accept+"$").MatchString(out) {
				t.Errorf("accept: exit code %d, stdout %q, stderr %q", n, out, errs)
			}
			if n, out, errs := dsssIn(t, l.dir, runArgs("-n 1 --resume", "1", "1")...); n != 0 || !strings.Contains(out, "counter ") || !strings.Contains(errs, "dsss: resumed at sequence number ") {
				t.Errorf("after accept: exit code %d, stdout %q, stderr %q", n, out, errs)
			}
		})
	}
}
