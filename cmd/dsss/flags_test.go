package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// everyCommand lists the commands that people are shown.
func everyCommand(c *cobra.Command) []*cobra.Command {
	out := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			out = append(out, everyCommand(sub)...)
		}
	}
	return out
}

// TestEveryFlagHasARange: no flag takes what cannot be meant, and says what it takes instead.
func TestEveryFlagHasARange(t *testing.T) {
	wrong := map[string][]string{
		"int":      {"", "-1", "1.5", "x", "99999999999", "0x10"},
		"duration": {"", "-1s", "-1ns", "5", "x", "99999999h", "1000000000h"},
		"share":    {"", "0", "-1", "1.1", "101%", "1e-300", "NaN", "Inf", "x"},
		"time":     {"", "-1s", "0s", "x", "2001-01-01T00:00:00Z", "99999h"},
		"bool":     {"x", "2"},
		"DIR":      {""},
		"FILE":     {""},
		"string":   {""},
	}
	more := map[string][]string{
		"keep": {"0"}, "mtbf": {"0", "0s", "1ns"}, "checkpoint-every": {"1ns", "999us"}, "workers": {"0", "1025"}, "rank": {"1024"},
		"durability": {"Sync", "none"}, "on-failure": {"retry"}, "output": {"file", "dir="},
		"name": {"a/b", "..", "a\nb", "a\x1b[2J", "\xff", strings.Repeat("x", 201)},
	}
	seen := 0
	for _, c := range everyCommand(rootCommand()) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" || f.Name == "version" {
				return
			}
			values, known := wrong[f.Value.Type()]
			if !known {
				t.Errorf("%s --%s is of type %s, which takes anything", c.CommandPath(), f.Name, f.Value.Type())
			}
			for _, v := range append(slices.Clone(values), more[f.Name]...) {
				seen++
				was := f.Value.String()
				err := f.Value.Set(v)
				if err == nil {
					t.Errorf("%s takes --%s=%q", c.CommandPath(), f.Name, v)
				} else if f.Value.Type() != "bool" && (!strings.HasPrefix(err.Error(), "want ") || strings.Contains(err.Error(), "\n")) {
					t.Errorf("%s --%s=%q: %v", c.CommandPath(), f.Name, v, err)
				}
				if f.Value.String() != was {
					t.Errorf("%s --%s=%q was refused, and is %q now", c.CommandPath(), f.Name, v, f.Value)
				}
			}
		})
	}
	if seen < 100 {
		t.Errorf("only %d values tried", seen)
	}
}

// TestVariables: a flag counts more than its variable, that more than the default; --verbose says which it was.
func TestVariables(t *testing.T) {
	for _, c := range []struct {
		env  string
		args string
		code int
		want string // of stderr
	}{
		{"DSSS_KEEP=0", "run true", 2, `^dsss: DSSS_KEEP="0": want a whole number from 1 to 1000\n$`},
		{"DSSS_RESUME=perhaps", "run true", 2, `^dsss: DSSS_RESUME="perhaps": want true or false\n$`},
		{"DSSS_CHECKPOINT_EVERY=1ns", "run true", 2, `^dsss: DSSS_CHECKPOINT_EVERY="1ns": want auto, [^\n]*\n$`},
		{"DSSS_KEEP=0", "run --keep 3 --verbose true", 2, `^dsss: --keep=3 by flag, --verbose=true by flag; all else by default\n`},
		{"DSSS_DURABILITY=sync DSSS_VERBOSE=true", "run -n 2 true", 2, `^dsss: --workers=2 by flag, --durability=sync by DSSS_DURABILITY, --verbose=true by DSSS_VERBOSE; all else by default\n`},
		{"DSSS_KEEP= DSSS_VERBOSE=1", "run true", 2, `^dsss: --verbose=true by DSSS_VERBOSE; all else by default\n`},
		{"DSSS_STATE_DIR=a", "join", 2, `^dsss: no running job in a: `},
		{"DSSS_STATE_DIR=a", "save b", 2, `^dsss: no running job in b: `},
		{"DSSS_STATE_DIR=a DSSS_RANK=7", "leave", 2, `^dsss: required flag\(s\) "rank" not set`},
		{"DSSS_WORKERS=x", "join b", 2, `^dsss: no running job in b: `}, // it is about run
	} {
		cmd, _, errs := command(t.TempDir(), strings.Fields(c.args)...)
		cmd.Env = append(cmd.Env, strings.Fields(c.env)...)
		_ = cmd.Run() // the state tells
		if code := cmd.ProcessState.ExitCode(); code != c.code || !regexp.MustCompile(c.want).MatchString(errs.String()) {
			t.Errorf("%s dsss %s: exit code %d, stderr %q", c.env, c.args, code, errs)
		}
	}
}

// TestVariablesStayOutside: dsss run takes its state directory from DSSS_STATE_DIR; a job that one of its workers runs has a
// directory of its own, and nothing else of the outer job's settings.
func TestVariablesStayOutside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, out, errs := command(dir, runArgs("-n 1 --output plain", "1", "nest", "1")...)
	cmd.Env = append(cmd.Env, "DSSS_STATE_DIR="+filepath.Join(dir, "outer"), "DSSS_NAME=unused", "DSSS_KEEP=7", "DSSS_RESUME=false")
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v, stderr %q", err, errs)
	}
	for _, d := range []string{"outer", "inner.dsss"} {
		if _, err := os.Stat(filepath.Join(dir, d, "job.json")); err != nil {
			t.Error(err)
		}
	}
	if s := out.String(); strings.Contains(s, "inherited") || !strings.Contains(s, "nested: <nil>: dsss: --workers=1 by flag, --name=inner by flag, --verbose=true by flag; all else by default\n") {
		t.Errorf("stdout %q", s)
	}
	if !strings.HasSuffix(errs.String(), "state in "+filepath.Join(dir, "outer")+"\n") {
		t.Errorf("stderr %q", errs)
	}
}

// TestVerboseIsPlain: what coordinators log looks like all else that dsss says.
func TestVerboseIsPlain(t *testing.T) {
	t.Parallel()
	code, _, errs := dsssIn(t, t.TempDir(), runArgs("-n 1 --verbose", "10", "10")...)
	if code != 0 || !strings.Contains(errs, "dsss: joined: role Worker, rank 0, pid ") {
		t.Errorf("exit code %d, stderr %q", code, errs)
	}
	for line := range strings.Lines(errs) {
		if !strings.HasPrefix(strings.TrimPrefix(line, "[coordinator] "), "dsss: ") || strings.Contains(line, "msg=") {
			t.Errorf("line %q", line)
		}
	}
	var b bytes.Buffer
	log := newPlainLog(&b, 0).With("rank", 3)
	log.Debug("not shown")
	log.Warn("one\ntwo", "cause", os.ErrExist, "took", 3*time.Second)
	log.WithGroup("g").Info("no more")
	if got, want := b.String(), "dsss: one | two: rank 3, file already exists, took 3s\ndsss: no more: rank 3\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestCompletion: flags' values and verbs' arguments are completed.
func TestCompletion(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := dsssIn(t, dir, runArgs("-n 1", "1", "1")...); code != 0 {
		t.Fatal(errs)
	}
	if err := os.Mkdir(filepath.Join(dir, "joke"), 0o777); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"r":                               "run\t.*",
		"run --durability ":               "memory interval sync",
		"run --on-failure ":               "abort continue respawn",
		"run --output ":                   "tag plain dir=",
		"run --output dir=jo":             "dir=joke/",
		"run --checkpoint-every ":         "auto 0",
		"run --deadline ":                 "none",
		"run --keep ":                     "",
		"run --state-dir ":                "job.dsss joke/",
		"run --state-dir jok":             "joke/",
		"join ":                           "job.dsss joke/",
		"save j":                          "job.dsss joke/",
		"leave --rank 0 DIR/job":          regexp.QuoteMeta(dir) + "/job.dsss",
		"leave --state-dir ":              "job.dsss joke/",
		"leave --rank ":                   "",
		"skip ":                           "job.dsss joke/",
		"skip job.dsss ":                  "",
		"checkpoint ls ":                  "job.dsss joke/",
		"checkpoint verify job":           "job.dsss",
		"checkpoint show job.dsss@":       `job\.dsss@\d+`,
		"checkpoint show job.dsss ":       "counter",
		"checkpoint show job.dsss coun":   "counter",
		"checkpoint export job.dsss x":    "",
		"checkpoint diff job.dsss job":    "job.dsss",
		"checkpoint diff job.dsss job x ": "",
	} {
		words := strings.Split(args, " ")
		for i, w := range words {
			words[i] = strings.Replace(w, "DIR", dir, 1) // which may have blanks
		}
		code, out, _ := dsssIn(t, dir, append([]string{"__complete"}, words...)...)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		got := strings.Join(lines[:len(lines)-1], " ") // the last one tells the shell what to do with them
		if code != 0 || !regexp.MustCompile("^"+want+"$").MatchString(got) || lines[len(lines)-1] == ":0" {
			t.Errorf("dsss %s: %q, %q", args, got, lines[len(lines)-1])
		}
	}
}
