package dsss_test

import (
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
	program = strings.Replace(program, "goal, throw = 200_000_000, 1_000_000", "goal, throw = 2_000_000, 10_000", 1)
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
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		if strings.Contains(command, "run") && !estimate.Match(out) {
			t.Errorf("%s: no estimate in\n%s", command, out)
		}
	}
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
