package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
)

// A version is one of a package's: its source, the calls that it makes with a proxy s, and the state of T that it
// finds, as fmt prints it.
type version struct{ source, calls, state string }

// An evolution is a package of testdata/evolution that changed in a way that docs/evolution.md allows.
type evolution struct {
	name     string
	versions []version
	last     string // the state that the last version finds when it is run once more
}

// found is the state that stage i finds; empty when that is not known, because the last version has run before.
func (e *evolution) found(i int) string {
	switch {
	case i < len(e.versions):
		return e.versions[i].state
	case i == len(e.versions):
		return e.last
	}
	return ""
}

// evolutions reads testdata/evolution: sections "== source", "== calls" and "== state" for each version, the state being
// what the version before has left, and a last "== state".
func evolutions(t *testing.T) []*evolution {
	t.Helper()
	files, err := filepath.Glob("testdata/evolution/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no evolutions: %v", err)
	}
	var all []*evolution
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		e := &evolution{name: strings.TrimSuffix(filepath.Base(file), ".txt")}
		var next version
		for _, section := range strings.Split("\n"+string(text), "\n== ")[1:] {
			kind, body, _ := strings.Cut(section, "\n")
			switch kind {
			case "source":
				next.source = body
			case "calls":
				next.calls = body
				e.versions, next = append(e.versions, next), version{}
			case "state":
				next.state = strings.TrimSpace(body)
			default:
				t.Fatalf("%s: section %q", file, kind)
			}
		}
		if e.last = next.state; len(e.versions) < 2 || e.last == "" {
			t.Fatalf("%s has %d versions and the last state %q", file, len(e.versions), e.last)
		}
		all = append(all, e)
	}
	return all
}

// driver is beside each package's source. Fill makes the version's calls.
const driver = `package %[1]s

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"dsss"
)

var _ = netip.Addr{} // what calls may want
var _ = time.Unix

func Show(ctx context.Context, job *dsss.Job) (text string, err error) {
	s, err := OpenT(ctx, job, "%[1]s")
	if err == nil {
		s.View(func(v *T) { text = fmt.Sprintf("%%+v", *v) })
	}
	return text, err
}

func Fill(ctx context.Context, job *dsss.Job) error {
	s, err := OpenT(ctx, job, "%[1]s")
	if err != nil {
		return err
	}
	return errors.Join(
%[2]s)
}
`

// lives is the program: it shows each object as it was found, fills it, makes a checkpoint, fills it once more, and dies.
const lives = `package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"dsss"
%s)

type life struct {
	name string
	show func(context.Context, *dsss.Job) (string, error)
	fill func(context.Context, *dsss.Job) error
}

func main() {
	fmt.Fprintln(os.Stderr, run())
	os.Exit(1)
}

func run() error {
	ctx := context.Background()
	job, err := dsss.Join(ctx, dsss.Config{Durability: dsss.Sync, CheckpointEvery: time.Hour})
	if err != nil {
		return err
	}
	lives := []life{
%s	}
	for _, l := range lives {
		text, err := l.show(ctx, job)
		if err != nil {
			return err
		}
		fmt.Printf("%%s: %%s\n", l.name, text)
	}
	for round := range 2 {
		for _, l := range lives {
			if err := l.fill(ctx, job); err != nil {
				return fmt.Errorf("%%s: %%w", l.name, err)
			}
		}
		if round == 0 {
			if _, err := job.Checkpoint(ctx); err != nil {
				return err
			}
		}
	}
	return syscall.Kill(os.Getpid(), syscall.SIGKILL)
}
`

// TestEvolution takes one job through all versions of all evolutions at once. Each leaves a checkpoint, and behind it
// calls that are in the log only, as it was killed; the next goes on from both.
func TestEvolution(t *testing.T) {
	t.Parallel()
	all := evolutions(t)
	module := userModule(t)
	state := filepath.Join(t.TempDir(), "state")
	stages := 0
	for _, e := range all {
		stages = max(stages, len(e.versions)+1)
	}
	program := ""
	for stage := range stages {
		program = buildStage(t, module, all, stage, program)
		out := runProgram(t, program, state)
		for _, e := range all {
			line := "\n" + e.name + ": "
			_, got, _ := strings.Cut("\n"+out, line)
			got, _, _ = strings.Cut(got, "\n")
			if want := e.found(stage); want != "" && got != want {
				t.Errorf("%s, version %d found\n%s\nwant\n%s", e.name, stage+1, got, want)
			}
		}
		bothHold(t, state)
	}
}

// buildStage writes, generates and builds the packages that change at a stage, and returns the program, which is that of
// the stage before when none does.
func buildStage(t *testing.T, module string, all []*evolution, stage int, before string) (program string) {
	t.Helper()
	var imports, table strings.Builder
	var dirs []string
	for _, e := range all {
		dir := filepath.Join(module, e.name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if stage < len(e.versions) {
			v := e.versions[stage]
			write(t, filepath.Join(dir, "t.go"), "package "+e.name+"\n\n"+v.source)
			write(t, filepath.Join(dir, "driver.go"), fmt.Sprintf(driver, e.name, v.calls))
			dirs = append(dirs, dir)
		}
		fmt.Fprintf(&imports, "\t%q\n", "example.com/user/"+e.name)
		fmt.Fprintf(&table, "\t\t{%q, %s.Show, %s.Fill},\n", e.name, e.name, e.name)
	}
	if len(dirs) == 0 {
		return before // built before
	}
	if status, _, stderr := call(dirs...); status != 0 {
		t.Fatalf("stage %d: dsss-gen says\n%s", stage, stderr)
	}
	write(t, filepath.Join(module, "main.go"), fmt.Sprintf(lives, imports.String(), table.String()))
	program = filepath.Join(t.TempDir(), "lives")
	command(t, module, "build", "-o", program, ".")
	return program
}

// runProgram runs the program on the state directory until it kills itself, and returns what it printed.
func runProgram(t *testing.T, program, state string) string {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "DSSS_STATE_DIR="+state)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil || err.Error() != "signal: killed" {
		t.Fatalf("%v\n%s%s", err, out, stderr.String())
	}
	return string(out)
}

// bothHold checks that a job left a checkpoint and calls that came after it.
func bothHold(t *testing.T, state string) {
	t.Helper()
	r, err := statedir.StoreOf(state).Newest(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	log, _, err := wal.Open(filepath.Join(state, "log"), wal.Config{First: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if seq := r.Meta().Seq; seq == 0 || log.Next() <= seq+1 {
		t.Errorf("the checkpoint ends at sequence number %d and the log at %d: one of them is empty", seq, log.Next()-1)
	}
}
