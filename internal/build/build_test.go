package build

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain: as the child of a test, the binary says what it is.
func TestMain(m *testing.M) {
	if os.Getenv("BUILD_TEST_CHILD") == "" {
		os.Exit(m.Run())
	}
	name, _ := os.ReadFile("/proc/self/comm")
	exe, err := os.Executable()
	fmt.Printf("%s %s %s %v %s\n", os.Args[0], bytes.TrimSpace(name), exe, err, Self())
}

// program copies the test binary to dir, with something behind it that makes it another build.
func program(t *testing.T, path, build string) (sum string) {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, string(self)+build)
	return fmt.Sprintf("%x", sha256.Sum256(append(self, build...)))
}

// put replaces a file, as a linker or an editor would.
func put(t *testing.T, path, content string) {
	t.Helper()
	err := os.WriteFile(path+".new", []byte(content), 0o755)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// over writes a file in place.
func over(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// said starts the program and returns what it says.
func said(f *File, args ...string) (out string, err error) {
	err = f.Start(func(path string) error {
		c := exec.Command(path)
		c.Args = append([]string{"./argv0"}, args...)
		c.Env = append(os.Environ(), "BUILD_TEST_CHILD=1", "GORACE=atexit_sleep_ms=0", f.Var())
		b, err := c.CombinedOutput()
		out = string(b)
		return err
	})
	return out, err
}

// TestStart: the program that runs is the one that was opened, by its own name, whatever became of its file.
func TestStart(t *testing.T) {
	for name, c := range map[string]struct {
		do      func(t *testing.T, path string)
		exe     string // where it says that it is, beside the directory; empty: prog
		changed bool
	}{
		"as it was": {do: func(*testing.T, string) {}},
		"removed": {do: func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}},
		"removed with its directory": {do: func(t *testing.T, path string) {
			if err := os.RemoveAll(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
		}},
		"replaced": {do: func(t *testing.T, path string) { program(t, path, "another build") }},
		"replaced by what cannot be run": {do: func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		}},
		"renamed": {exe: "old", do: func(t *testing.T, path string) {
			if err := os.Rename(path, filepath.Join(filepath.Dir(path), "old")); err != nil {
				t.Fatal(err)
			}
			program(t, path, "another build")
		}},
		"touched": {do: func(t *testing.T, path string) {
			if err := errors.Join(os.Chtimes(path, time.Now(), time.Unix(1, 0)), os.Chmod(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		}},
		"written over": {changed: true, do: func(t *testing.T, path string) { over(t, path, "#!/bin/sh\n") }},
		"written over and put back": {do: func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			over(t, path, "#!/bin/sh\n")
			over(t, path, string(b))
		}},
		"written over through another name, then removed": {changed: true, do: func(t *testing.T, path string) {
			if err := os.Link(path, path+".link"); err != nil {
				t.Fatal(err)
			}
			over(t, path+".link", "#!/bin/sh\n")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a dir")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "prog")
			sum := program(t, path, "one build")
			f := opened(t, path)
			c.do(t, path)
			for range 2 { // the second time, too
				out, err := said(f)
				if c.changed {
					if !errors.Is(err, ErrChanged) || out != "" {
						t.Errorf("%q, error %v", out, err)
					}
					continue
				}
				if c.exe == "" {
					c.exe = "prog"
				}
				if want := fmt.Sprintf("./argv0 prog %s/%s <nil> %s\n", dir, c.exe, sum); err != nil || out != want {
					t.Errorf("says %q, want %q; error %v", out, want, err)
				}
			}
		})
	}
}

// TestStartLeavesNothing: a link is made only for a moment; where none can be made, the name is lost and no more.
func TestStartLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prog")
	sum := program(t, path, "one build")
	f := opened(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	if out, err := said(f); err != nil || !strings.HasPrefix(out, "./argv0 prog ") {
		t.Errorf("%q, error %v", out, err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
	t.Setenv("TMPDIR", tmp+"/none")
	if out, err := said(f); err != nil || !strings.HasSuffix(out, " "+sum+"\n") {
		t.Errorf("%q, error %v", out, err)
	}
}

// TestScripts: what an interpreter opens by path is compared by content.
func TestScripts(t *testing.T) {
	const script = "#!/bin/sh\necho \"$0\" here\n"
	for name, c := range map[string]struct {
		do      func(path string) error
		changed bool
	}{
		"as it was": {do: func(string) error { return nil }},
		"touched":   {do: func(path string) error { return os.Chtimes(path, time.Now(), time.Unix(1, 0)) }},
		"written again": {do: func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, []byte(script), 0o755))
		}},
		"changed":  {changed: true, do: func(path string) error { return os.WriteFile(path, []byte(script+"#"), 0o755) }},
		"removed":  {changed: true, do: os.Remove},
		"replaced": {changed: true, do: func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o755)) }},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "prog")
			put(t, path, script)
			f := opened(t, path)
			if err := c.do(path); err != nil {
				t.Fatal(err)
			}
			out, err := said(f)
			if c.changed && (!errors.Is(err, ErrChanged) || out != "") || !c.changed && (err != nil || out != path+" here\n") {
				t.Errorf("says %q, error %v", out, err)
			}
		})
	}
}

// TestUnreadable: a program that may be run and not read is known by size and time of change alone.
func TestUnreadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prog")
	program(t, path, "one build")
	f := opened(t, path)
	f.sum = "" // root can read everything
	if err := errors.Join(os.Chmod(path, 0o111), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	if out, err := said(f); err != nil || !strings.HasPrefix(out, "./argv0 prog ") {
		t.Errorf("%q, error %v", out, err)
	}
	f.at.mtime--
	f.at.ctime--
	if out, err := said(f); !errors.Is(err, ErrChanged) {
		t.Errorf("%q, error %v", out, err)
	}
}

// TestNotAProgram: nothing else is opened; opening a FIFO would wait for ever.
func TestNotAProgram(t *testing.T) {
	for _, path := range []string{t.TempDir(), "/dev/null", filepath.Join(t.TempDir(), "none")} {
		if f, err := Open(path); err == nil {
			f.Close()
			t.Errorf("%s was opened", path)
		}
	}
}

// BenchmarkSum: what one start of a program of 50 MB costs before the first process.
func BenchmarkSum(b *testing.B) {
	path := filepath.Join(b.TempDir(), "prog")
	if err := os.WriteFile(path, make([]byte, 50e6), 0o755); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(50e6)
	for b.Loop() {
		f, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}
