package dsss_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestREADME does what the README tells a user to do: puts its program into a module of its own, types its commands, and
// looks at what they print. It needs no network: what our module needs is there, and of what only tests of dependencies
// need, go mod tidy -e says that it is missing and goes on. With DSSS_NETWORK=1 (make fresh) every word is as it stands.
func TestREADME(t *testing.T) {
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(raw)
	program := between(t, readme, "```go\n", "```")
	example, err := os.ReadFile("examples/hpc/pi/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if program != string(example) {
		t.Error("the README's program is not examples/hpc/pi/main.go any more")
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(root, filepath.Join(dir, "dsss")); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "pi")
	if err := os.Mkdir(home, 0o777); err != nil {
		t.Fatal(err)
	}
	// Smaller, so that the test is quick; all else is as it stands.
	const goal, smaller = "goal, throw = 5_000_000_000, 1_000_000", "goal, throw = 40_000_000, 100_000"
	if !strings.Contains(program, goal) {
		t.Fatalf("no %q in the program", goal)
	}
	program = strings.Replace(program, goal, smaller, 1)
	if err := os.WriteFile(filepath.Join(home, "main.go"), []byte(program), 0o666); err != nil {
		t.Fatal(err)
	}
	estimate := regexp.MustCompile(`pi is about 3\.1[34]`)
	after := readme[strings.Index(readme, "In a module of your own"):]
	for line := range strings.Lines(between(t, after, "```\n", "```")) {
		command, _, _ := strings.Cut(strings.TrimSpace(line), "#")
		if command == "" {
			continue
		}
		cmd := exec.Command("bash", "-c", command)
		cmd.Dir = home
		if os.Getenv("DSSS_NETWORK") == "" {
			cmd.Args[2] = strings.Replace(command, "go mod tidy", "go mod tidy -e", 1)
			cmd.Env = append(os.Environ(), "GOPROXY=off", "GOSUMDB=off")
		}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		want := 0
		if strings.Contains(line, "Ctrl-C") { // which the reader is told to press
			cmd.Stdout, cmd.Stderr = nil, &interrupter{at: "million darts", cmd: cmd, out: &out}
			want = 130
		}
		if _ = cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != want {
			t.Fatalf("%s: %v, want exit code %d\n%s", command, cmd.ProcessState, want, &out)
		}
		runs := strings.Contains(command, "run")
		if runs && want == 0 && !estimate.Match(out.Bytes()) {
			t.Errorf("%s: no estimate in\n%s", command, &out)
		}
		if strings.Contains(command, "--resume") && !regexp.MustCompile(`dsss: resumed at sequence number [1-9]`).Match(out.Bytes()) {
			t.Errorf("%s: had nothing to resume\n%s", command, &out)
		}
	}
}

// An interrupter keeps what a command writes, and interrupts it once that has a text in it.
type interrupter struct {
	at  string
	cmd *exec.Cmd
	out *bytes.Buffer
}

func (i *interrupter) Write(b []byte) (int, error) {
	before := strings.Contains(i.out.String(), i.at)
	i.out.Write(b)
	if !before && strings.Contains(i.out.String(), i.at) {
		return len(b), i.cmd.Process.Signal(os.Interrupt)
	}
	return len(b), nil
}

func between(t *testing.T, s, start, end string) string {
	t.Helper()
	_, s, ok := strings.Cut(s, start)
	body, _, ok2 := strings.Cut(s, end)
	if !ok || !ok2 {
		t.Fatalf("the README has no %q … %q", start, end)
	}
	return body
}
