package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dsss/determinism"
)

// tool is dsss-vet as it is shipped. go vet starts it once for each package, the standard library's included, which is
// far too often for a binary with the race detector in it.
var tool string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "dsss-vet")
	if err == nil {
		tool = filepath.Join(dir, "with a blank", "dsss-vet")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", tool, ".").CombinedOutput(); err != nil {
			err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	status := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		status = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// vet runs go vet with dsss-vet in dir and returns the lines of findings.
func vet(t *testing.T, dir string, patterns ...string) (lines []string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"vet", "-vettool=" + tool}, patterns...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if (err != nil) != (len(lines) > 0) {
		t.Fatalf("go vet: %v, with output %s", err, out)
	}
	return lines
}

// TestSameAsCheck holds that under go vet, where facts travel by files, what is found is what Check finds.
func TestSameAsCheck(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs(filepath.Join("..", "..", "determinism", "testdata", "cases"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := determinism.Check(t.Context(), dir, "./...")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range found {
		f.Position.Filename = strings.TrimPrefix(f.Position.Filename, dir+string(filepath.Separator))
		want = append(want, f.String())
	}
	got := vet(t, dir, "./...")
	for i := range got {
		got[i] = strings.TrimPrefix(got[i], "./")
	}
	// go vet looks at a package once more with its tests.
	slices.Sort(got)
	slices.Sort(want)
	got, want = slices.Compact(got), slices.Compact(want)
	if len(want) < 100 {
		t.Fatalf("Check finds only %d", len(want))
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("go vet does not find %s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("Check does not find %s", g)
		}
	}
}

// TestUserModule runs go vet in a module of its own that imports ours, first on a class that is wrong and then on one
// that is right.
func TestUserModule(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	// Our requirements stand for what go mod tidy would find, which may not ask the network here.
	text := regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(string(mod), "module example.com/user")
	text = regexp.MustCompile(`(?ms)^tool \(.*?^\)$|^tool .*?$`).ReplaceAllString(text, "")
	write(t, filepath.Join(dir, "go.mod"), text+"\nrequire dsss v0.0.0\n\nreplace dsss => "+root+"\n")
	write(t, filepath.Join(dir, "go.sum"), string(sum))
	write(t, filepath.Join(dir, "dice", "dice.go"), dice)
	write(t, filepath.Join(dir, "main.go"), program)
	got := vet(t, dir, "./...")
	want := []string{
		"main.go:16:10: mutator Roll is not deterministic: calls rand.IntN at example.com/user/dice/dice.go:7 through dice.Roll (example.com/user/dice/dice.go:6): use Order.Rand of a first parameter dsss.Order",
	}
	for i := range got {
		got[i] = strings.TrimPrefix(got[i], "./")
	}
	if !slices.Equal(got, want) {
		t.Errorf("go vet finds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	write(t, filepath.Join(dir, "dice", "dice.go"), strings.Replace(dice, "return rand.IntN(6)", "return rand.New(rand.NewPCG(1, 2)).IntN(6)", 1))
	if got := vet(t, dir, "./..."); len(got) > 0 {
		t.Errorf("go vet finds %q in what was put right", got)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const dice = `package dice

import "math/rand/v2"

// Roll is what a mutator may not do.
func Roll() int {
	return rand.IntN(6)
}
`

const program = `package main

import (
	"dsss"
	"dsss/class"

	"example.com/user/dice"
)

type die struct{ top int }

var dies = class.New("die", class.StateCodec[die]{})

var roll = class.NewMutator(dies, 1, "Roll", class.Codec[struct{}]{}, func(order class.Order, d *die, _ struct{}) (int, error) {
	o := dsss.Order(order)
	d.top = dice.Roll()
	d.top += o.Rand().IntN(6) + o.Time().Second()
	return d.top, nil
})

func main() { _ = roll }
`

func TestVersion(t *testing.T) {
	out, err := exec.Command(tool, "--version").CombinedOutput()
	if err != nil || !regexp.MustCompile(`^dsss-vet .+, protocol \d+, formats: .+\n$`).Match(out) {
		t.Errorf("%v, %s", err, out)
	}
}
