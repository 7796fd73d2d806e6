package gen

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Files are written where their names lead, with the mode that they have; and all or none.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.WriteFile(at("real"), []byte("old"), 0o640), os.Chmod(at("real"), 0o640), os.Symlink("real", at("link"))); err != nil {
		t.Fatal(err)
	}
	err := Write([]File{{Name: at("link"), Text: "new"}, {Name: at("no/where"), Text: "x"}})
	if b, _ := os.ReadFile(at("real")); err == nil || string(b) != "old" {
		t.Errorf("one of two cannot be written: %v, the other is %q", err, b)
	}
	if err := Write([]File{{Name: at("link"), Text: "new"}, {Name: at("more"), Text: "x"}}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(at("real"))
	to, linkErr := os.Readlink(at("link"))
	info, statErr := os.Stat(at("real"))
	if err := errors.Join(err, linkErr, statErr); err != nil || string(b) != "new" || to != "real" || info.Mode().Perm() != 0o640 {
		t.Errorf("%q behind %q, mode %v, %v", b, to, info.Mode(), err)
	}
	if err := Write([]File{{Name: at("more"), Gone: true}}); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("there is %v, %v", left, err)
	}
}
