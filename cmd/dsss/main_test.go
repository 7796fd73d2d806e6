package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"dsss/launcher"
)

// The test binary stands for dsss and, with "program" as its first argument, for the user's program.
const asVar = "DSSS_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asVar) == "":
		os.Exit(m.Run())
	case len(os.Args) > 1 && os.Args[1] == "program":
		program(os.Args[2:])
	default:
		main()
	}
}

// command prepares dsss with args, in dir.
func command(dir string, args ...string) (c *exec.Cmd, stdout, stderr *bytes.Buffer) {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	c = exec.Command(self, args...)
	c.Dir, c.Env = dir, append(os.Environ(), asVar+"=1", "GORACE=atexit_sleep_ms=0")
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	c.Stdout, c.Stderr = stdout, stderr
	return c, stdout, stderr
}

// dsssIn runs dsss and returns its exit code and output.
func dsssIn(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	c, out, errw := command(dir, args...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	timeout := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
	defer timeout.Stop()
	_ = c.Wait() // the state tells
	return c.ProcessState.ExitCode(), out.String(), errw.String()
}

// run is 'dsss run' with flags, of the test program with args.
func runArgs(flags string, args ...string) []string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return append(append([]string{"run", "--name", "job"}, strings.Fields(flags)...), append([]string{"--", self, "program"}, args...)...)
}

func TestUsageErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args string
		want string
	}{
		{"", "no command given; see 'dsss --help'"},
		{"frob", `unknown command "frob" for "dsss"; see 'dsss --help'`},
		{"rnu -n 4 true", `unknown command "rnu" for "dsss": did you mean 'dsss run'?; see 'dsss --help'`},
		{"checkpoints", `unknown command "checkpoints" for "dsss": did you mean 'dsss checkpoint'?; see 'dsss --help'`},
		{"checkpoint lst d", `unknown command "lst" for "dsss checkpoint": did you mean 'dsss checkpoint ls'?; see 'dsss checkpoint --help'`},
		{"run --durabilty sync true", "unknown flag: --durabilty: did you mean --durability?; see 'dsss run --help'"},
		{"run --state_dir x true", "unknown flag: --state_dir: did you mean --state-dir?; see 'dsss run --help'"},
		{"leave --rnak 1", "unknown flag: --rnak: did you mean --rank?; see 'dsss leave --help'"},
		{"version x", `unknown command "x" for "dsss version"; see 'dsss version --help'`},
		{"run", "no program given: put it behind the flags, as in 'dsss run -n 4 -- ./program args'"},
		{"run -n 4 --", "no program given: put it behind the flags, as in 'dsss run -n 4 -- ./program args'"},
		{"run -n 0 true", `-n "0": want a whole number from 1 to 1024; see 'dsss run --help'`},
		{"run -n x true", `-n "x": want a whole number from 1 to 1024; see 'dsss run --help'`},
		{"run --grace 5 true", `--grace "5": want a duration such as 30s or 1h30m, from 0s to 24h; see 'dsss run --help'`},
		{"run --checkpoint-every soon true", `--checkpoint-every "soon": want auto, a duration such as 30s, from 1ms to 87600h, or 0 for the end only; see 'dsss run --help'`},
		{"run --checkpoint-every -1s true", `--checkpoint-every "-1s": want auto, a duration such as 30s, from 1ms to 87600h, or 0 for the end only; see 'dsss run --help'`},
		{"run --checkpoint-overhead 200% true", `--checkpoint-overhead "200%": want a share such as 1% or 0.01, from 0.0001 to 1; see 'dsss run --help'`},
		{"run --mtbf -1s true", `--mtbf "-1s": want a duration such as 30s or 1h30m, from 1s to 87600h; see 'dsss run --help'`},
		{"run --deadline yesterday true", `--deadline "yesterday": want a time such as 2026-11-23T18:00:00Z, a duration such as 1h30m, or none; see 'dsss run --help'`},
		{"run --deadline 2001-01-01T00:00:00Z true", `--deadline "2001-01-01T00:00:00Z": want a time in the future, at most 87600h ahead; see 'dsss run --help'`},
		{"run --on-failure retry true", `--on-failure "retry": want abort, continue or respawn; see 'dsss run --help'`},
		{"join", "no running job here: name its state directory"},
		{"join nosuch", "no running job in nosuch: name the state directory of one, as 'dsss run' says it at the end or --state-dir at the beginning"},
		{"join -n x nosuch", `-n "x": want a whole number from 1 to 1024; see 'dsss join --help'`},
		{"leave nosuch", `required flag(s) "rank" not set; see 'dsss leave --help'`},
		{"leave --rank 0 nosuch", "no running job in nosuch: name the state directory of one, as 'dsss run' says it at the end or --state-dir at the beginning"},
		{"save --state-dir a b", "two state directories given, a and b: want one; see 'dsss save --help'"},
		{"save a b", "accepts at most 1 arg(s), received 2; see 'dsss save --help'"},
		{"run --frob true", "unknown flag: --frob; see 'dsss run --help'"},
		{"run --durability none true", `--durability "none": want memory, interval or sync; see 'dsss run --help'`},
		{"run --output file true", `--output "file": want tag, plain or dir=PATH; see 'dsss run --help'`},
		{"run --output dir=/dev/null/x true", "--output dir=/dev/null/x cannot be made: not a directory: name a directory that can be written"},
		{"run --json=/nosuch/x true", "--json=/nosuch/x cannot be written: no such file or directory: name a file that can be"},
		{"run ./nosuch", "program ./nosuch not found: check the path, or build it first"},
		{"run -n 2 nosuch -n 0", "program nosuch not found in $PATH: give its path, or build it first"},
		{"run --resume true", "state directory " + dir + "/true.dsss holds no job: nothing to resume; run without --resume or name another directory"},
		{"coordinator", "DSSS_TOKEN is not set: the coordinator is started by 'dsss run', not by hand"},
	} {
		code, out, errs := dsssIn(t, dir, strings.Fields(c.args)...)
		if code != 2 || out != "" || errs != "dsss: "+c.want+"\n" {
			t.Errorf("dsss %s: exit code %d, stdout %q, stderr %q; want %q", c.args, code, out, errs, c.want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestVersionHelpCompletion(t *testing.T) {
	for args, want := range map[string]string{
		"version":         `^dsss .+, protocol \d+, formats: state directory \d+, log \d+, checkpoint \d+, go\S+ \w+/\w+\n$`,
		"--version":       `^dsss .+, protocol \d+, formats: .*\n$`,
		"run --help":      `(?s)Ctrl-C.*Examples:\n  dsss run -n 4 -- ./program args.*--checkpoint-every duration .*\[DSSS_CHECKPOINT_EVERY\] \(default auto\)`,
		"leave --help":    `(?s)SIGTERM.*dsss leave --rank 3 job.dsss`,
		"--help":          `(?s)Examples:.*Available Commands:`,
		"completion bash": `bash completion V2 for dsss`,
	} {
		code, out, errs := dsssIn(t, t.TempDir(), strings.Fields(args)...)
		if code != 0 || errs != "" || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("dsss %s: exit code %d, stdout %q, stderr %q", args, code, out, errs)
		}
		if strings.Contains(out, "coordinator ") && args == "--help" {
			t.Errorf("hidden command shown: %s", out)
		}
	}
}

// A job from its first run to its last: finished, refused, resumed on another number of workers.
func TestJob(t *testing.T) {
	dir := t.TempDir()
	code, out, errs := dsssIn(t, dir, runArgs("-n 3 --json=report.json", "100", "300")...)
	if code != 0 || strings.Count(out, "counter 300\n") != 3 || !strings.Contains(out, "[2] counter 300\n") {
		t.Fatalf("exit code %d, stdout %q, stderr %q", code, out, errs)
	}
	var r launcher.Report
	b, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil || r.Status != launcher.Finished || r.ExitCode != 0 || r.Workers != 3 || r.Mutations < 300 || r.Checkpoints < 1 || r.Checkpointed != r.Mutations || r.Cause != nil {
		t.Fatalf("report %s: %v", b, err)
	}
	want := fmt.Sprintf("dsss: job job finished: 3 workers, %.1f s, %d mutations, %d checkpoints, state in ./job.dsss\n", r.Seconds, r.Mutations, r.Checkpoints)
	if !strings.HasSuffix(errs, want) {
		t.Errorf("stderr %q, want %q at its end", errs, want)
	}

	code, out, errs = dsssIn(t, dir, runArgs("-n 3 --json", "100", "300")...)
	lines := strings.Split(strings.TrimSuffix(errs, "\n"), "\n")
	if code != 2 || out != "" || len(lines) != 2 || !strings.HasPrefix(lines[0], "dsss: state directory "+dir+`/job.dsss holds job "job" (finished): go on`) {
		t.Errorf("without --resume: exit code %d, stdout %q, stderr %q", code, out, errs)
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil || r.Status != launcher.Refused || r.ExitCode != 2 {
		t.Errorf("last line %s: %v", lines[len(lines)-1], err)
	}

	code, out, errs = dsssIn(t, dir, runArgs("-n 2 --resume", "50", "400")...)
	if code != 0 || strings.Count(out, "counter 400\n") != 2 || !strings.Contains(errs, ": checkpoint at ") {
		t.Errorf("resumed: exit code %d, stdout %q, stderr %q", code, out, errs)
	}
}

// TestNameStays: a job keeps its name. Another one is refused, and without one it goes on as what it is.
func TestNameStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if code, _, errs := dsssIn(t, dir, runArgs("-n 1 --state-dir d", "1", "1")...); code != 0 {
		t.Fatal(errs)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	code, out, errs := dsssIn(t, dir, "run", "-n", "1", "--name", "other", "--state-dir", "d", "--resume", "--", self, "program", "1", "1")
	if want := "dsss: state directory " + dir + "/d holds job \"job\", not \"other\": leave out --name to go on with it, or name another directory\n"; code != 2 || out != "" || errs != want {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out, errs)
	}
	code, _, errs = dsssIn(t, dir, "run", "-n", "1", "--state-dir", "d", "--resume", "--", self, "program", "1", "2")
	if code != 0 || !strings.Contains(errs, "dsss: job job finished: ") {
		t.Errorf("without --name: exit code %d, stderr %q", code, errs)
	}
	if code, out, _ = dsssIn(t, dir, "checkpoint", "ls", "d"); code != 0 || !strings.HasPrefix(out, "job job, ") || !strings.Contains(out, "run 2,") {
		t.Errorf("exit code %d, stdout %q", code, out)
	}
}

// A second Join, and a DSSS program that a worker starts, are told at once what is wrong; a job inside a job is one of its own.
func TestInheritedVariables(t *testing.T) {
	t.Parallel()
	code, out, errs := dsssIn(t, t.TempDir(), runArgs("-n 1 --output plain", "1", "again", "1")...)
	for _, want := range []string{
		`(?m)^again: dsss: Join: .*this process has joined job job already, as rank 0: call Join once, and hand the Job on$`,
		`(?m)^child: exit status 1: program: dsss: Join: .*are those of rank 0 of job job \(pid \d+\): start this program by 'dsss run', or without them \('env -u DSSS_ROLE'\) to be a job of its own$`,
		`(?m)^second: exit status 1: program: dsss: Join: .*rank 0 is taken by pid \d+, which runs: each is for one process; start others by 'dsss run', or without DSSS_ROLE to be jobs of their own$`,
		`(?m)^nested: <nil>: .*counter 3$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("stdout lacks %s:\n%s", want, out)
		}
	}
	if code != 0 {
		t.Errorf("exit code %d, stderr %q", code, errs)
	}
}

// A DSSS program that keeper or worker start before they join does not take their places.
func TestInheritedBeforeJoin(t *testing.T) {
	t.Parallel()
	code, out, errs := dsssIn(t, t.TempDir(), runArgs("-n 1 --output plain", "1", "early", "1")...)
	for _, who := range []string{"rank 0", "the keeper"} {
		want := `(?m)early: exit status 1: program: dsss: Join: .*are those of ` + who + ` of job job \(pid \d+\): start this program by `
		if !regexp.MustCompile(want).MatchString(errs) {
			t.Errorf("stderr lacks %s:\n%s", want, errs)
		}
	}
	if code != 0 || out != "counter 1\n" {
		t.Errorf("exit code %d, stdout %q", code, out)
	}
}

// Arguments that the program itself refuses: its own line, its own exit code, no state directory.
func TestProgramRefuses(t *testing.T) {
	dir := t.TempDir()
	code, out, errs := dsssIn(t, dir, runArgs("-n 3", "many")...)
	if code != 2 || out != "" || errs != "program: \"many\" is not a number of steps\n" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out, errs)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	code, out, errs = dsssIn(t, dir, "run", "true")
	if code != 2 || out != "" || errs != "dsss: true ended before dsss.Join: is it a DSSS program?\n" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out, errs)
	}
}

// Another program on a job's state directory is refused in one line.
func TestOtherProgram(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := dsssIn(t, dir, runArgs("-n 1", "1", "1")...); code != 0 {
		t.Fatalf("exit code %d, stderr %q", code, errs)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "other")); err != nil {
		t.Fatal(err)
	}
	code, out, errs := dsssIn(t, dir, "run", "--name", "job", "--resume", "-n", "1", "./other", "program", "1", "1")
	if code != 2 || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "dsss: state directory ") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out, errs)
	}
}

// A mutator that panics is the cause, not the exits that follow; the resumed job goes on without it.
func TestMutatorPanics(t *testing.T) {
	dir := t.TempDir()
	code, _, errs := dsssIn(t, dir, runArgs("-n 2", "10", "panic", "20")...)
	last := regexp.MustCompile(`\ndsss: job job failed: mutator Add of counter panicked at sequence number \d+: negative; [^\n]*--resume goes on without it\n$`)
	if code != 1 || !last.MatchString(errs) {
		t.Errorf("exit code %d, stderr %q", code, errs)
	}
	code, out, errs := dsssIn(t, dir, runArgs("-n 2 --resume", "5", "10")...)
	if code != 0 || !strings.Contains(out, "counter ") {
		t.Errorf("resumed: exit code %d, stdout %q, stderr %q", code, out, errs)
	}
}

// Ctrl-C, and then SIGKILL: what was counted is there afterwards. A directory in use is refused meanwhile.
func TestInterruptAndKill(t *testing.T) {
	dir := t.TempDir()
	for i, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		flags := "-n 2 --durability sync --output plain"
		if i > 0 {
			flags += " --resume"
		}
		c, _, errs := command(dir, runArgs(flags, "100", "wait", "0")...)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		c.Stdout = w
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		until(t, r, "waiting\n")
		code, _, inUse := dsssIn(t, dir, runArgs("-n 1 --resume", "1", "1")...)
		if code != 2 || !strings.HasPrefix(inUse, "dsss: state directory "+dir+"/job.dsss is in use by job \"job\" (pid ") || strings.Count(inUse, "\n") != 1 {
			t.Errorf("in use: exit code %d, stderr %q", code, inUse)
		}
		if err := c.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // the state tells
		r.Close()
		if sig == syscall.SIGINT {
			last := regexp.MustCompile(`dsss: job job interrupted: signal 2 \(interrupt\), checkpointed at sequence number \d+, state in ./job.dsss: resume with --resume\n$`)
			if code := c.ProcessState.ExitCode(); code != 130 || !last.MatchString(errs.String()) {
				t.Errorf("exit code %d, stderr %q", code, errs)
			}
		}
	}
	// Each run's rank 0 had added its 100 when it said so.
	var out, errs string
	code := 2
	for code == 2 { // the killed job's coordinator may still be on its way out
		code, out, errs = dsssIn(t, dir, runArgs("-n 1 --resume", "0", "200")...)
		if code == 2 && !strings.Contains(errs, "is in use by job") {
			break
		}
	}
	if code != 0 || !strings.Contains(out, "counter ") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out, errs)
	}
}

// until reads r until text has come.
func until(t *testing.T, r io.Reader, text string) {
	t.Helper()
	var all []byte
	buf := make([]byte, 1<<10)
	for !bytes.Contains(all, []byte(text)) {
		n, err := r.Read(buf)
		if err != nil {
			t.Fatalf("got %q, then %v", all, err)
		}
		all = append(all, buf[:n]...)
	}
}
