package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The state directory is moved or removed while the job runs: under sync the job ends, else it says so, and again at its
// end, which is a failure.
func TestDirectoryMoved(t *testing.T) {
	t.Parallel()
	move := func(dir string) error {
		return os.Rename(filepath.Join(dir, "job.dsss"), filepath.Join(dir, "elsewhere"))
	}
	remove := func(dir string) (err error) {
		for range 100 { // the job may make a file in a directory that is just being removed
			if err = os.RemoveAll(filepath.Join(dir, "job.dsss")); err == nil {
				break
			}
		}
		return err
	}
	moved := `job\.dsss is .+/elsewhere now: move it back, or resume from there`
	removed := `job\.dsss was removed: what the job writes is lost with it`
	for name, c := range map[string]struct {
		durability string
		change     func(dir string) error
		said       string
		ends       bool // by itself
	}{
		"moved, sync":     {"sync", move, `job job failed: .*` + moved, true},
		"moved, interval": {"interval", move, `dsss: state directory was removed or moved: .*` + moved, false},
		"removed, sync":   {"sync", remove, `job job failed: .*` + removed, true},
		"removed, memory": {"memory", remove, `dsss: state directory was removed or moved: .*` + removed, false},
		"log moved, memory": {"memory", func(dir string) error {
			return os.Rename(filepath.Join(dir, "job.dsss/log"), filepath.Join(dir, "log"))
		}, `job\.dsss/log is .+/log now`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := startLoad(t, "--durability "+c.durability, 3)
			l.beats(1)
			if err := c.change(l.dir); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(30 * time.Second); !regexp.MustCompile(c.said).MatchString(l.errs.String()); {
				if time.Now().After(end) {
					t.Fatalf("nothing is said: %s", l.errs)
				}
				if !c.ends {
					l.beats(1) // it goes on
				}
			}
			if !c.ends {
				if err := syscall.Kill(l.pid, syscall.SIGUSR2); err != nil { // the load ends
					t.Fatal(err)
				}
			}
			for range l.lines {
			}
			err := l.cmd.Wait()
			last := l.errs.String()
			last = last[strings.LastIndex(strings.TrimSuffix(last, "\n"), "\n")+1:]
			if strings.Contains(l.errs.String(), "state kept in") != strings.HasPrefix(name, "log") {
				t.Errorf("what is advised of a directory that is elsewhere: %s", l.errs)
			}
			if err == nil || !strings.Contains(l.errs.String(), "job job failed: ") || strings.Contains(last, "job finished") {
				t.Errorf("%v: %s", err, l.errs)
			}
		})
	}
}

// A copy of a running job's directory is not the job's: what is asked for there does not reach it.
func TestCopiedDirectory(t *testing.T) {
	t.Parallel()
	l := startLoad(t, "", 3)
	l.beats(1)
	if err := os.CopyFS(filepath.Join(l.dir, "copy.dsss"), os.DirFS(filepath.Join(l.dir, "job.dsss"))); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"leave --rank 1 copy.dsss", "save copy.dsss", "join copy.dsss"} {
		code, out, errs := dsssIn(t, l.dir, strings.Fields(args)...)
		if code != 2 || out != "" || !regexp.MustCompile(`^dsss: no running job in copy\.dsss: it is a copy of /.+/job\.dsss, where the job runs: name that one\n$`).MatchString(errs) {
			t.Errorf("dsss %s: exit code %d, stdout %q, stderr %q", args, code, out, errs)
		}
	}
	// Of the two, ls says which one a job runs in; and of one that was killed, that none does.
	for dir, want := range map[string]string{"job.dsss": `: running, run 1`, "copy.dsss": `: interrupted without a word; dsss run --resume goes on from it, run 1`} {
		if code, out, errs := dsssIn(t, l.dir, "checkpoint", "ls", dir); code != 0 || !strings.Contains(out, want) {
			t.Errorf("ls %s: exit code %d, stdout %q, stderr %q", dir, code, out, errs)
		}
	}
	l.end(true)
}

// Looking at what is no state directory and no checkpoint.
func TestLookElsewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main"), 0o666); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"ls .":           "dsss: .: not a DSSS state directory (it holds main.go): name the state directory of a job, such as ./NAME.dsss\n",
		"verify .":       "dsss: .: not a DSSS state directory (it holds main.go): name the state directory of a job, such as ./NAME.dsss\n",
		"verify main.go": "dsss: main.go is no checkpoint, which has 20 digits and .db for a name: look at what there is with 'dsss checkpoint ls' and 'dsss checkpoint show'\n",
		"show main.go":   "dsss: main.go is no checkpoint, which has 20 digits and .db for a name: look at what there is with 'dsss checkpoint ls' and 'dsss checkpoint show'\n",
	} {
		code, out, errs := dsssIn(t, dir, append([]string{"checkpoint"}, strings.Fields(args)...)...)
		if code != 2 || out != "" || errs != want {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", args, code, out, errs)
		}
	}
}
