package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVet holds what 'dsss vet' prints and how it exits. With DSSS_UPDATE=1 it writes the golden files instead.
func TestVet(t *testing.T) {
	dir := filepath.Join("testdata", "vet")
	for _, c := range []struct {
		name   string
		args   []string
		code   int
		golden string // of stdout; none: it is empty
		stderr string // a part of it
	}{
		{"findings", []string{"vet", "./tasks"}, 1, "vet.txt", ""},
		{"json", []string{"vet", "--json", "./tasks/..."}, 1, "vet.json", ""},
		{"clean", []string{"vet", "./clean"}, 0, "", ""},
		{"clean json", []string{"vet", "--json", "./clean"}, 0, "clean.json", ""},
		{"missing", []string{"vet", "./missing"}, 2, "", "dsss: vet: "},
		{"broken", []string{"vet", "./broken"}, 2, "", `broken.go:3:13: cannot use ""`},
		{"unknown flag", []string{"vet", "--jsonn"}, 2, "", "unknown flag: --jsonn: did you mean --json?; see 'dsss vet --help'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := dsssIn(t, dir, c.args...)
			if code != c.code || !strings.Contains(stderr, c.stderr) || c.stderr == "" && stderr != "" {
				t.Errorf("exit code %d, want %d; stderr %q, want %q", code, c.code, stderr, c.stderr)
			}
			if strings.Count(stderr, "\n") > 1 {
				t.Errorf("stderr has more than one line: %q", stderr)
			}
			want := ""
			if c.golden != "" {
				name := filepath.Join(dir, c.golden)
				if os.Getenv("DSSS_UPDATE") != "" {
					if err := os.WriteFile(name, []byte(stdout), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				b, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				want = string(b)
			}
			if stdout != want {
				t.Errorf("stdout:\n%s\nwant:\n%s", stdout, want)
			}
		})
	}
}
