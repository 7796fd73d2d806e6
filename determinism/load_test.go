package determinism

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckSaysWhyItCannot(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":           "module user\n\ngo 1.26\n",
		"broken/broken.go": "package broken\n\nvar x int = \"\"\n",
		"halved/halved.go": "package halved\n\nfunc f( {\n",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for pattern, want := range map[string]string{
		"./broken":      "broken.go:3:13: cannot use \"\"",
		"./halved":      "halved.go:3:9: ",
		"./missing":     "no package to check in ./missing: name folders of Go packages, as in ./... or ./pool: ",
		"./missing/...": "no package to check in ./missing/...: name folders of Go packages",
	} {
		found, err := Check(t.Context(), dir, pattern)
		if err == nil || !strings.Contains(err.Error(), want) || found != nil {
			t.Errorf("%s: %v, %v; want an error with %q", pattern, found, err, want)
		}
	}
}
