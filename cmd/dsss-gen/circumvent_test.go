package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const lockedSource = `type T struct{ a, b int }

//dsss:mutator
func (t *T) Set(a, b int) { t.a, t.b = a, b }

type U struct{ n int }

//dsss:mutator
func (u *U) Set(n int) { u.n = n }
`

// TestCircumvented: where the lock file was deleted or edited, so that dsss-gen could not refuse, the state directory does,
// in one line and unchanged.
func TestCircumvented(t *testing.T) {
	t.Parallel()
	module := userModule(t)
	dir, state := filepath.Join(module, "locked"), filepath.Join(t.TempDir(), "state")
	lock := filepath.Join(dir, "dsss.lock")
	e := &evolution{name: "locked", versions: []version{{source: lockedSource, calls: "s.Set(ctx, 1, 2),\n"}}}
	first := buildStage(t, module, []*evolution{e}, 0, "")
	runProgram(t, first, state)
	written, err := os.ReadFile(lock)
	if err != nil {
		t.Fatal(err)
	}
	ids := string(written)
	for _, c := range []struct {
		about  string
		change []string // of the source
		lock   string
		calls  string
		want   string // what the refusal says; empty when there is none
	}{
		{"no lock, nothing else changed", nil, "", "", ""},
		{"no lock, fields in another order", []string{"a, b int }", "b, a int }"}, "", "", "class locked.T lacks 2 of the 5 ids"},
		{"no lock, a field gone", []string{"a, b int }", "a int }", "t.b = a, b", "_ = a, b"}, "", "", "class locked.T lacks 1 of the 5 ids"},
		{"no lock, an argument gone", []string{"Set(a, b int) {", "Set(a int) { b := a;"}, "", "s.Set(ctx, 1),\n", "class locked.T lacks 1 of the 5 ids"},
		{"ids swapped", nil, strings.NewReplacer("T a 0", "T a 1", "T b 1", "T b 0").Replace(ids), "", "class locked.T lacks 2 of the 5 ids"},
		{"a line deleted, the field retyped", []string{"a, b int }", "a int; b int8 }", "= a, b", "= a, int8(b)"}, strings.Replace(ids, "state locked.T b 1 long\n", "", 1), "", "class locked.T lacks 1 of the 5 ids"},
		{"a class gone", []string{lockedSource[strings.Index(lockedSource, "type U"):], ""}, deleteLines(ids, "locked.U"), "", "class locked.U is missing"},
	} {
		v := version{source: strings.NewReplacer(c.change...).Replace(lockedSource), calls: c.calls}
		if v.calls == "" {
			v.calls = "s.Set(ctx, 1, 2),\n"
		}
		write(t, lock, c.lock)
		program := buildStage(t, module, []*evolution{{name: "locked", versions: []version{v}}}, 0, "")
		if c.want == "" {
			runProgram(t, program, state)
			continue
		}
		if err := os.RemoveAll(filepath.Join(state, "owner")); err != nil { // of the program that was killed
			t.Fatal(err)
		}
		before := folder(t, state)
		cmd := exec.Command(program)
		cmd.Env = append(os.Environ(), "DSSS_STATE_DIR="+state)
		out, err := cmd.CombinedOutput()
		if err == nil || err.Error() != "exit status 1" || !strings.Contains(string(out), c.want) || !strings.Contains(string(out), "; use that build, or one whose dsss.lock continues that build's") || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%s: %v\n%swant %s", c.about, err, out, c.want)
		}
		if folder(t, state) != before {
			t.Errorf("%s: the state directory has changed", c.about)
		}
	}
	runProgram(t, first, state)
}

func deleteLines(text, with string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, with) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}
