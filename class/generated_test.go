package class_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOlderGeneratedFile: the compiler says of a file that an older dsss-gen wrote that go generate is to be run.
func TestOlderGeneratedFile(t *testing.T) {
	file, err := filepath.Abs("../examples/counter/counter_dsss.go")
	if err != nil {
		t.Fatal(err)
	}
	current, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const name = "class.RunGoGenerateIfUndefined"
	if strings.Count(string(current), name+"2") != 1 {
		t.Fatalf("%s does not use the constant", file)
	}
	dir := t.TempDir()
	older, overlay := filepath.Join(dir, "older.go"), filepath.Join(dir, "overlay.json")
	text := strings.Replace(string(current), name+"2", name+"1", 1)
	if err := os.WriteFile(older, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, fmt.Appendf(nil, `{"Replace": {%q: %q}}`, file, older), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "build", "-overlay", overlay, filepath.Dir(file)).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "undefined: "+name+"1") || strings.Count(string(out), "undefined") != 1 {
		t.Errorf("the compiler says (%v)\n%s", err, out)
	}
}
