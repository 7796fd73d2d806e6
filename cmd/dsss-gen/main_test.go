package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dsss/cmd/dsss-gen/internal/gen"
)

// userModule makes a module of its own that imports this one by a replace line, as the manual tells a user, with the
// program of the manual in it.
func userModule(t *testing.T) (dir string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	// Our requirements stand for what go mod tidy would find, which may not ask the network here.
	mod := regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(string(ours), "module example.com/user")
	mod = regexp.MustCompile(`(?ms)^tool \(.*?^\)$|^tool .*?$`).ReplaceAllString(mod, "")
	mod += "\nrequire dsss v0.0.0\n\nreplace dsss => " + root + "\n\ntool dsss/cmd/dsss-gen\n"
	write(t, filepath.Join(dir, "go.mod"), mod)
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sum))
	source, err := os.ReadFile("internal/gen/testdata/counter/input.go")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "counter"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "counter", "counter.go"), string(source))
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// command runs the go command in dir and returns what it printed.
func command(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "DSSS_STATE_DIR=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

const mainProgram = `package main

import (
	"context"
	"fmt"
	"os"

	"dsss"

	"example.com/user/counter"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	ctx := context.Background()
	job, err := dsss.Join(ctx, dsss.Config{})
	if err != nil {
		return err
	}
	hits, err := counter.OpenCounter(ctx, job, "hits")
	if err != nil {
		return err
	}
	if _, err := hits.Add(ctx, "x", 1); err != nil {
		return err
	}
	f := hits.AddAsync(ctx, "y", 2)
	if err := hits.Await(ctx, func(c *counter.Counter) bool { return c.Value() == 3 }); err != nil {
		return err
	}
	n, err := f.Wait(ctx)
	if err != nil {
		return err
	}
	byName := hits.ByName()
	byName["y"] = 100 // ours alone
	hits.View(func(c *counter.Counter) { fmt.Println(n, c.Value(), hits.Name(), c.ByName()) })
	if err := hits.Reset(ctx); err != nil {
		return err
	}
	fmt.Println(hits.Value(), hits.ByName() == nil, hits.Object().Name())
	return job.Close()
}
`

// TestUserModule does what the manual tells: go generate, then a program that runs alone.
func TestUserModule(t *testing.T) {
	t.Parallel()
	dir := userModule(t)
	command(t, dir, "generate", "./...")
	for _, name := range []string{"counter_dsss.go", "counter.fbs", "dsss.lock"} {
		want, err := os.ReadFile(filepath.Join("internal/gen/testdata/counter", name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "counter", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is\n%s", name, got)
		}
	}
	command(t, dir, "run", "dsss/cmd/dsss-gen", "--check", "counter")
	write(t, filepath.Join(dir, "main.go"), mainProgram)
	command(t, dir, "vet", "./...")
	want := "3 3 hits map[x:1 y:2]\n0 true hits\n"
	for _, which := range []string{"first", "second, on the state of the first,"} {
		if got := command(t, dir, "run", "."); got != want {
			t.Errorf("the %s run printed\n%swant\n%s", which, got, want)
		}
	}
}

// call runs the command in this process.
func call(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(args, &out, &err)
	return status, out.String(), err.String()
}

// TestRun: exit statuses, --check, and that an error leaves everything as it was.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module m\n\ngo 1.26\n")
	file := filepath.Join(dir, "t.go")
	good := "package m\n\ntype T struct{ n int }\n\n//dsss:mutator\nfunc (t *T) Set(n int) { t.n = n }\n"
	write(t, file, good)
	output := filepath.Join(dir, "t_dsss.go")

	status, _, stderr := call("--check", dir)
	if status != 1 || !strings.Contains(stderr, output+" is not up to date") || !strings.Contains(stderr, "dsss.lock") {
		t.Errorf("--check before the first run: status %d, %q", status, stderr)
	}
	if _, err := os.Stat(output); err == nil {
		t.Error("--check wrote")
	}
	if status, _, stderr := call(dir); status != 0 || stderr != "" {
		t.Fatalf("status %d, %q", status, stderr)
	}
	written, err := os.Stat(output)
	if err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := call("--check", dir); status != 0 || stderr != "" {
		t.Errorf("--check after a run: status %d, %q", status, stderr)
	}
	if status, _, _ := call(dir); status != 0 {
		t.Errorf("second run: status %d", status)
	}
	if again, err := os.Stat(output); err != nil || !os.SameFile(written, again) {
		t.Errorf("an unchanged file was written again (%v)", err)
	}

	before := folder(t, dir)
	write(t, file, strings.Replace(good, "n int }", "n int; c chan int }", 1))
	status, _, stderr = call(dir)
	if want := file + ":3: T.c: chan int cannot be shared; "; status != 1 || !strings.HasPrefix(stderr, want) {
		t.Errorf("status %d, %q, want %q", status, stderr, want)
	}
	write(t, file, strings.Replace(good, "package m\n", "package m\n\nvar x int = \"\"\n", 1))
	if status, _, stderr = call(dir); status != 1 || !strings.HasPrefix(stderr, file+":3: cannot use ") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("of a module without DSSS, with an error of its own: status %d, %q", status, stderr)
	}
	write(t, file, good)
	if after := folder(t, dir); after != before {
		t.Errorf("an error changed the folder from\n%s\nto\n%s", before, after)
	}
}

// TestFolders: several folders are written all or not at all.
func TestFolders(t *testing.T) {
	module := t.TempDir()
	write(t, filepath.Join(module, "go.mod"), "module m\n\ngo 1.26\n")
	var dirs []string
	for _, name := range []string{"a", "b"} {
		dir := filepath.Join(module, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "t.go"), "package m\n\ntype T struct{ n int }\n\n//dsss:mutator\nfunc (t *T) Set(n int) { t.n = n }\n")
		dirs = append(dirs, dir)
	}
	write(t, filepath.Join(dirs[1], "more.go"), "package m\n\nfunc (t *T) Twice() int { t.n *= 2; return t.n }\n")
	before := folder(t, dirs[0])
	if status, _, stderr := call(dirs...); status != 1 || !strings.HasPrefix(stderr, filepath.Join(dirs[1], "more.go")+":3: T.Twice changes t.n") {
		t.Errorf("status %d, %q", status, stderr)
	}
	if folder(t, dirs[0]) != before {
		t.Error("the first folder was written although the second was refused")
	}
	if err := os.Remove(filepath.Join(dirs[1], "more.go")); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := call(dirs...); status != 0 {
		t.Fatalf("status %d, %q", status, stderr)
	}
	if status, _, stderr := call(append(dirs, "--check")...); status != 0 || stderr != "" {
		t.Errorf("--check: status %d, %q", status, stderr)
	}
}

// folder lists names and contents.
func folder(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		if e.IsDir() {
			b.WriteString(folder(t, filepath.Join(dir, e.Name())))
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(e.Name() + "\n" + string(text) + "\n")
	}
	return b.String()
}

func TestUsage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	for _, c := range []struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		{[]string{"--help"}, 0, "usage: dsss-gen", ""},
		{[]string{"-h"}, 0, "--check", ""},
		{[]string{"--version"}, 0, ", protocol ", ""},
		{[]string{"--chekc"}, 2, "", "unknown flag: --chekc: did you mean --check?; see dsss-gen --help"},
		{[]string{"--check=x"}, 2, "", `--check "x": want true or false; see dsss-gen --help`},
		{[]string{"--nonsense"}, 2, "", "unknown flag: --nonsense; see dsss-gen --help"},
		{[]string{"/no/such/folder"}, 2, "", "/no/such/folder: no such file or directory; name the folder"},
		{[]string{file}, 2, "", "is a file; name its folder"},
		{[]string{"--check", "--explain"}, 2, "", "--check and --explain are two different questions"},
		{[]string{"--explain", "internal/gen/testdata/calls"}, 0, "class calls.T (T, input.go:7)", ""},
		{[]string{"--explain", "internal/gen/testdata/errors/none"}, 1, "", "internal/gen/testdata/errors/none/input.go:1: package none has no method"},
		{[]string{t.TempDir()}, 1, "", "; run dsss-gen in the folder of the structs, or name it"},
	} {
		status, stdout, stderr := call(c.args...)
		if status != c.status || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%v: status %d, stdout %q, stderr %q; want %d, %q, %q", c.args, status, stdout, stderr, c.status, c.stdout, c.stderr)
		}
		if (stderr == "") != (c.stderr == "") || strings.Count(stderr, "\n") > 1 {
			t.Errorf("%v: stderr %q is not one line", c.args, stderr)
		}
	}
}

// TestStale: what was written for a class that is gone goes too, and said so; what a person wrote stays.
func TestStale(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module m\n\ngo 1.26\n")
	file := filepath.Join(dir, "t.go")
	source := "package m\n\n//dsss:class name=m.T\ntype T struct{ n int }\n\n//dsss:mutator\nfunc (t *T) Set(n int) { t.n = n }\n"
	write(t, file, source)
	write(t, filepath.Join(dir, "own_dsss.go"), "package m\n")
	write(t, filepath.Join(dir, "own.fbs"), "table Own {}\n")
	if status, _, stderr := call(dir); status != 0 {
		t.Fatal(stderr)
	}
	stale := []string{filepath.Join(dir, "t_dsss.go"), filepath.Join(dir, "t.fbs")}

	write(t, file, strings.NewReplacer("T struct", "U struct", "*T)", "*U)").Replace(source))
	status, _, stderr := call("--check", dir)
	for _, name := range stale {
		if status != 1 || !strings.Contains(stderr, name+" is of no class any more; run go generate\n") {
			t.Errorf("--check: status %d, %q", status, stderr)
		}
	}
	status, stdout, stderr := call(dir)
	want := ""
	for _, name := range stale {
		want += "removed " + name + ", which no class is behind any more\n"
		if _, err := os.Stat(name); !os.IsNotExist(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if status != 0 || stdout != want || stderr != "" {
		t.Errorf("status %d, %q, %q; want %q", status, stdout, stderr, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "u_dsss.go")); err != nil {
		t.Error(err)
	}

	// Without classes the lock asks first.
	write(t, file, "package m\n")
	if status, _, stderr := call(dir); status != 1 || !strings.Contains(stderr, "class m.T is gone") {
		t.Errorf("status %d, %q", status, stderr)
	}
	write(t, filepath.Join(dir, "dsss.lock"), "")
	if status, stdout, stderr := call(dir); status != 0 || strings.Count(stdout, "removed ") != 3 || stderr != "" {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
	left := folder(t, dir)
	for _, name := range []string{"u_dsss.go", "u.fbs", "dsss.lock"} {
		if strings.Contains(left, name+"\n") {
			t.Errorf("%s is left", name)
		}
	}
	if !strings.Contains(left, "own_dsss.go\n") || !strings.Contains(left, "own.fbs\n") {
		t.Errorf("a file of the user's is gone; left is\n%s", left)
	}
	if status, _, stderr := call(dir); status != 1 || !strings.Contains(stderr, "has no method marked //dsss:mutator") {
		t.Errorf("status %d, %q", status, stderr)
	}
}

// TestDirectivesPage: the page, --help and the generator know the same directives with the same options.
func TestDirectivesPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/directives.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, s := range strings.Split(string(text), "\n## //dsss:")[1:] {
		word, body, _ := strings.Cut(s, "\n")
		sections[word] = body
	}
	_, help, _ := call("--help")
	for _, d := range gen.Directives {
		if !strings.Contains(help, d.String()+"\n") || !strings.Contains(help, d.Does) {
			t.Errorf("--help does not say %v: %s", d, d.Does)
		}
		body := sections[d.Word]
		if len(d.Options) > 0 && !strings.Contains(body, "\n    "+d.String()+"\n") {
			t.Errorf("the page has no line %v in a section of its own", d)
		}
		if body == "" || !strings.Contains(body, "\n    //dsss:"+d.Word) {
			t.Errorf("the page has no example of //dsss:%s", d.Word)
		}
		if !strings.Contains(body, "Errors:") && d.Word != "local" {
			t.Errorf("the page does not say what errors //dsss:%s may meet", d.Word)
		}
		if !strings.Contains(string(text), "| [`//dsss:"+d.Word+"`](#dsss"+d.Word+") |") {
			t.Errorf("the page's table lacks //dsss:%s", d.Word)
		}
		delete(sections, d.Word)
	}
	delete(sections, "allow") // of dsss vet
	for word := range sections {
		t.Errorf("the page has //dsss:%s, which there is not", word)
	}
}
