package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

const square = `NAME : square
COMMENT : NODE 1 North
COMMENT : NODE 3 South
TYPE : TSP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
NODE_COORD_SECTION
1 0 10
2 10 0
3 0 -10
4 -10 0
EOF
`

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.tsp")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// alone gives the job that command joins a state directory of its own.
func alone(t *testing.T) {
	t.Helper()
	t.Setenv("DSSS_STATE_DIR", filepath.Join(t.TempDir(), "state"))
}

func TestCommand(t *testing.T) {
	alone(t)
	var out bytes.Buffer
	png := filepath.Join(t.TempDir(), "tour.png") // a link, which stays one
	if err := os.Symlink("picture", png); err != nil {
		t.Fatal(err)
	}
	if err := command(context.Background(), []string{"--png", png, file(t, square)}, &out); err != nil {
		t.Fatal(err)
	}
	want := "tour length: 56 (proved optimal)\ntour: North - 2 - South - 4 - North\nnodes searched: rank 0: "
	if !strings.HasPrefix(out.String(), want) || !strings.Contains(out.String(), "\ncheckpoints written: ") {
		t.Errorf("got\n%s\nwant at first\n%s", &out, want)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(png), "picture")); err != nil {
		t.Error(err)
	}

	out.Reset()
	alone(t)
	if err := command(context.Background(), []string{"--json", "--strong", file(t, square)}, &out); err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Length != 56 || len(r.Tour) != 4 {
		t.Errorf("%s gives %+v, %v", &out, r, err)
	}
}

// Everything that can be refused is refused before the job is joined, in one line.
func TestUsage(t *testing.T) {
	good, explicit := file(t, square), file(t, "TYPE : TSP\nDIMENSION : 3\nEDGE_WEIGHT_TYPE : EXPLICIT\nEDGE_WEIGHT_FORMAT : UPPER_ROW\nEDGE_WEIGHT_SECTION\n1 2 3\n")
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "0 files given, want one"},
		{[]string{good, good}, "2 files given, want one"},
		{[]string{"--colour", good}, "unknown flag: --colour; see tsp --help"},
		{[]string{"--strong=x", good}, "invalid argument"},
		{[]string{"/none.tsp"}, "open /none.tsp: no such file or directory"},
		{[]string{file(t, "hello\n")}, `f.tsp:1: unknown keyword "hello"`},
		{[]string{"--png", "/none/x.png", good}, "--png /none/x.png: no such file or directory; name a file that can be written"},
		{[]string{"--png", "x.png", explicit}, "--png x.png: the instance gives no coordinates"},
	} {
		var out bytes.Buffer
		err := command(context.Background(), c.args, &out)
		if !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || out.Len() > 0 {
			t.Errorf("%q: %v, want %q", c.args, err, c.want)
		}
	}
	var out bytes.Buffer
	if err := command(context.Background(), []string{"--help"}, &out); !errors.Is(err, pflag.ErrHelp) || !strings.Contains(out.String(), "--strong") {
		t.Errorf("--help: %v\n%s", err, &out)
	}
}

// The instance that make run solves, at full strength.
func TestEurope(t *testing.T) {
	alone(t)
	var out bytes.Buffer
	if err := command(context.Background(), []string{"--strong", "--json", "data/europe.tsp"}, &out); err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Length != 21116 || len(r.Tour) != 40 || r.Tour[0] != "Ankara" {
		t.Errorf("%s gives %+v, %v", &out, r, err)
	}
}
