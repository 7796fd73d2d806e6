package statedir

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/wal"
)

// TestFormatHasANumber holds a digest of each layout beside the number. When one changes, or the format of log or
// checkpoints, raise Format, so that other versions of DSSS refuse the directory by name; then put the new digest here.
func TestFormatHasANumber(t *testing.T) {
	for _, part := range []struct {
		name   string
		layout string
		digest string
	}{
		{"job.json", fieldsOf(reflect.TypeFor[Job]()) + fieldsOf(reflect.TypeFor[classJSON]()), "7 cf82ad3a30b7"},
		{"the names of files, and what is in them", fmt.Sprint(jobFile, logDir, checkpointsDir, ownerFile, wal.Format, snapshot.Format), "7 24f14abd3943"},
		{"owner", fieldsOf(reflect.TypeFor[ownerRecord]()), "7 4e0f6615a10a"},
	} {
		if got := fmt.Sprintf("%d %x", Format, sha256.Sum256([]byte(part.layout)))[:14]; got != part.digest {
			t.Errorf("%s: number and layout are %q, here is %q: a layout and its number change together", part.name, got, part.digest)
		}
	}
}

// TestOtherFormat: the directory of a job that the build before ran is refused in one line, by whoever looks at it, and stays as it is.
func TestOtherFormat(t *testing.T) {
	const record = `{
  "format": 5,
  "name": "pi",
  "program": "./pi",
  "build": "",
  "classes": null,
  "epoch": 1,
  "run": 1,
  "created": "2023-11-14T22:13:20Z",
  "updated": "2023-11-14T22:13:20Z",
  "status": "interrupted",
  "durability": "interval",
  "voids": null,
  "starts": null,
  "suspects": null,
  "skips": null,
  "log": {
    "id": "578437695752307201",
    "next": 2
  },
  "checkpoint": {
    "sequence": 1,
    "sum": 974732047
  }
}
`
	path := t.TempDir()
	for _, sub := range []string{logDir, checkpointsDir} {
		if err := os.Mkdir(filepath.Join(path, sub), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	writeBytes(t, filepath.Join(path, jobFile), []byte(record))
	writeBytes(t, filepath.Join(path, logDir, segment1), make([]byte, 96))
	want := "other format: job record " + filepath.Join(path, jobFile) + " has format 5, this program reads format 7: use the DSSS version that wrote it"
	_, _, err := Peek(path)
	_, oerr := Open(path, Config{Incomplete: true})
	for _, err := range []error{err, oerr} {
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if ns := names(t, path); len(ns) != 3 || string(readFile(t, filepath.Join(path, jobFile))) != record {
		t.Errorf("the directory holds %v, or another record", ns)
	}
}

// fieldsOf lists a struct's fields as JSON has them, those of structs in it included.
func fieldsOf(t reflect.Type) string {
	var b strings.Builder
	for i := range t.NumField() {
		f := t.Field(i)
		fmt.Fprintf(&b, "%s %s %v\n", f.Name, f.Tag.Get("json"), f.Type)
		e := f.Type
		for e.Kind() == reflect.Slice || e.Kind() == reflect.Pointer {
			e = e.Elem()
		}
		if e.Kind() == reflect.Struct && strings.HasPrefix(e.PkgPath(), "dsss/") {
			b.WriteString(fieldsOf(e))
		}
	}
	return b.String()
}
