package gen

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"dsss/cmd/dsss-gen/internal/gen/testdata/kinds"
)

// flatc runs the FlatBuffers compiler.
func flatc(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("flatc"); err != nil {
		t.Skip("SKIPPED: flatc is not installed, so the schemas are not compared with it; install flatbuffers-compiler")
	}
	if out, err := exec.Command("flatc", args...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("flatc %v: %v\n%s", args, err, out)
	}
}

// checkSchema lets flatc compile a schema; it may not even warn.
func checkSchema(t *testing.T, file, schema string) {
	t.Helper()
	write(t, file, schema)
	flatc(t, "--binary", "--schema", "-o", t.TempDir(), file)
}

func TestSchemasCompile(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.fbs")
	if err != nil || len(files) < len(cases) {
		t.Fatalf("schemas %v: %v", files, err)
	}
	for _, f := range files {
		flatc(t, "--binary", "--schema", "-o", t.TempDir(), f)
	}
}

// schemaOf is the schema that declares a table, and the table's full name in it.
func schemaOf(table string) (file, name string) {
	switch {
	case strings.HasPrefix(table, "Shapes"):
		return "testdata/shapes/shapes.fbs", "shapes." + table
	case strings.HasPrefix(table, "Table"):
		return "testdata/keys/table.fbs", "keys." + table
	}
	return "testdata/kinds/everything.fbs", "kinds." + table
}

// toJSON lets flatc render a buffer.
func toJSON(t *testing.T, table string, buf []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "x.bin"), string(buf))
	schema, name := schemaOf(table)
	flatc(t, "--json", "--strict-json", "--raw-binary", "--root-type", name, "-o", dir, schema, "--", filepath.Join(dir, "x.bin"))
	text, err := os.ReadFile(filepath.Join(dir, "x.json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// fromJSON lets flatc write a buffer.
func fromJSON(t *testing.T, table string, text []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "x.json"), string(text))
	schema, name := schemaOf(table)
	flatc(t, "--binary", "--root-type", name, "-o", dir, schema, filepath.Join(dir, "x.json"))
	buf, err := os.ReadFile(filepath.Join(dir, "x.bin"))
	if err != nil {
		t.Fatal(err)
	}
	return buf
}

// TestFlatcReads compares a buffer field by field with JSON written by hand.
func TestFlatcReads(t *testing.T) {
	e := &kinds.Everything{}
	// Through the mutator as a replica would: the arguments come from flatc.
	args := `{
		"b": true, "i": -7, "f32": 0.5, "f64": -2.25, "s": "héllo\n", "data": [0, 255],
		"rows": [{"items": [1.5, 2.5]}, {}, {"items": []}],
		"p": {"name": "way", "points": [{"x": 1, "y": 2}, {}], "tags": {"keys": ["a", "b"], "values": [{"items": ["x", ""]}, {}]}, "took": 1500},
		"words": {"keys": ["", "ä"], "values": [9007199254740993, -1]},
		"set": {"keys": ["only"]},
		"wait": 60000000000
	}`
	apply(t, "kinds.Everything", 1, e, fromJSON(t, "EverythingSetArgs", []byte(args)))
	want := `{
		"b": true, "i": -7, "f32": 0.5, "f64": -2.25, "s": "héllo\n", "bytes": [0, 255],
		"rows": [{"items": [1.5, 2.5]}, {}, {"items": []}],
		"path": {"name": "way", "points": [{"x": 1, "y": 2}, {}], "tags": {"keys": ["a", "b"], "values": [{"items": ["x", ""]}, {}]}, "took": 1500},
		"words": {"keys": ["", "ä"], "values": [9007199254740993, -1]},
		"set": {"keys": ["only"]},
		"wait": 60000000000,
		"point": {}, "corner": {}, "empty": {}
	}`
	got := toJSON(t, "Everything", save(t, "kinds.Everything", e))
	if !sameJSON(t, got, []byte(want)) {
		t.Errorf("flatc reads the state as\n%s\nwant\n%s", got, want)
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	for text, to := range map[*any][]byte{&x: a, &y: b} {
		if err := json.Unmarshal(to, text); err != nil {
			t.Fatalf("%v in\n%s", err, to)
		}
	}
	return reflect.DeepEqual(x, y)
}

// TestFlatcAgrees sends random values to flatc's JSON and back: what it reads is all there is, and what it writes is
// read here.
func TestFlatcAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range allCoders {
		for range 8 {
			value := c.New()
			fill(r, value, plainText)
			buf := c.Encode(value)
			back, err := c.Decode(fromJSON(t, c.Table, toJSON(t, c.Table, buf)))
			if err != nil {
				t.Fatalf("%s: what flatc wrote is refused: %v", c.Table, err)
			}
			if d := differ(value, back); d != "" {
				t.Fatalf("%s: through flatc and back, %s", c.Table, d)
			}
		}
	}
}
