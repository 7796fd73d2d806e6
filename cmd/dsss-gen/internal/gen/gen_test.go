package gen

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the texts of errors again")

// cases are the packages under testdata whose generated files are committed beside their source. The other tests
// compile them, so they are brought up to date by the command and not by -update.
var cases = []string{"counter", "kinds", "twins", "evolved", "calls", "shapes", "merging", "keys", "hosted"}

// TestGolden generates for each case; with its lock file as input too, so it also shows that regenerating changes
// nothing.
func TestGolden(t *testing.T) {
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			files, err := Generate(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			changed, err := Changed(files)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range changed {
				t.Errorf("%s differs from what is generated; run go generate on its input.go and read the diff\n%s", f.Name, f.Text)
			}
		})
	}
}

// TestErrors holds every kind of complaint to its text, position and order.
func TestErrors(t *testing.T) {
	dirs, err := filepath.Glob("testdata/errors/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			files, err := Generate(dir)
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error %v, want Problems", err)
			}
			if files != nil {
				t.Errorf("%d files beside an error", len(files))
			}
			golden := filepath.Join(dir, "want.txt")
			got := problems.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

// TestClean holds generated code to what the project asks of code written by hand. Staticcheck looks at the same packages in
// make lint: a test may not need tools that would have to be downloaded first.
func TestClean(t *testing.T) {
	packages := make([]string, len(cases))
	for i, name := range cases {
		packages[i] = "./testdata/" + name
	}
	for _, tool := range [][]string{{"go", "vet"}, {"gofmt", "-l"}} {
		out, err := exec.Command(tool[0], append(tool[1:], packages...)...).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", strings.Join(tool, " "), err, out)
		}
	}
}

// newPackage makes a module of one package in a new folder.
func newPackage(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module evolve\n\ngo 1.26\n")
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func generate(t *testing.T, dir, source string) (lock, schema string) {
	t.Helper()
	write(t, filepath.Join(dir, "t.go"), "package evolve\n"+source)
	files, err := Generate(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(files); err != nil {
		t.Fatal(err)
	}
	if changed, err := Changed(files); err != nil || len(changed) > 0 {
		t.Fatalf("written files differ: %v %v", changed, err)
	}
	again, err := Generate(dir)
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := Changed(again); err != nil || len(changed) > 0 {
		t.Fatalf("generating again changes %v (%v)", changed, err)
	}
	texts := map[string]string{}
	for _, f := range files {
		texts[filepath.Base(f.Name)] = f.Text
	}
	return strings.TrimPrefix(texts[LockFile], lockHeader), texts["t.fbs"]
}

// TestIDsStay takes one class through a life: whatever moves, goes or comes back, an id stays with its name.
func TestIDsStay(t *testing.T) {
	dir := newPackage(t)
	steps := []struct {
		about, source, lock string
	}{
		{"the first", `
type T struct { a int; b string }
//dsss:mutator
func (t *T) Set(x int, y []string) {}
`, `arg evolve.T Set.x 0 long
arg evolve.T Set.y 1 [string]
mutator evolve.T Set 1
state evolve.T a 0 long
state evolve.T b 1 string
`},
		{"fields and mutators before, and others gone", `
type P struct { q float32 }
//dsss:removed field=b
type T struct { c map[string]P; a int64 }
//dsss:mutator
func (t *T) Before() {}
//dsss:mutator
func (t *T) set(z bool, y []string, x int) {}
`, `arg evolve.T Set.x 0 long
arg evolve.T Set.y 1 [string]
arg evolve.T Set.z 2 bool
field P q 0 float
mutator evolve.T Set 1
mutator evolve.T Before 2
state evolve.T a 0 long
state evolve.T b 1 string retired
state evolve.T c 2 MapOfStringToP
`},
		{"one that comes back, a struct that goes", `
//dsss:removed field=a
//dsss:removed field=c
type T struct { d []bool; b string }
//dsss:mutator
func (t *T) Before() {}
//dsss:mutator id=1
func (t *T) Set(x int, y []string, z bool) {}
`, `arg evolve.T Set.x 0 long
arg evolve.T Set.y 1 [string]
arg evolve.T Set.z 2 bool
field P q 0 float retired
mutator evolve.T Set 1
mutator evolve.T Before 2
state evolve.T a 0 long retired
state evolve.T b 1 string
state evolve.T c 2 MapOfStringToP retired
state evolve.T d 3 [bool]
`},
	}
	for _, step := range steps {
		lock, schema := generate(t, dir, step.source)
		if lock != step.lock {
			t.Errorf("%s: lock is\n%swant\n%s", step.about, lock, step.lock)
		}
		checkSchema(t, filepath.Join(dir, "t.fbs"), schema)
	}
}

// TestHoleInLock: lines deleted by hand leave schemas that flatc accepts.
func TestHoleInLock(t *testing.T) {
	dir := newPackage(t)
	write(t, filepath.Join(dir, LockFile), "state evolve.T a 3 long\nstate evolve.T b 1 long\n")
	lock, schema := generate(t, dir, `
type T struct { a, b, c int }
//dsss:mutator
func (t *T) Set() {}
`)
	for _, want := range []string{"state evolve.T c 0 long", "state evolve.T b 1 long", "state evolve.T a 3 long"} {
		if !strings.Contains(lock, want) {
			t.Errorf("lock lacks %q:\n%s", want, lock)
		}
	}
	if want := "unused_2:ubyte (id: 2, deprecated);"; !strings.Contains(schema, want) {
		t.Errorf("schema lacks %q:\n%s", want, schema)
	}
	checkSchema(t, filepath.Join(dir, "t.fbs"), schema)
}

// TestStaleOutput: what an earlier run left, broken or not, neither hurts nor survives.
func TestStaleOutput(t *testing.T) {
	dir := newPackage(t)
	source := `
type T struct { a int }
//dsss:mutator
func (t *T) Set() {}
var _ = buildT // declared by what is generated
`
	generate(t, dir, source)
	stale := filepath.Join(dir, "t_dsss.go")
	write(t, stale, header+"\npackage evolve\n\nfunc broken( {")
	generate(t, dir, source)
	write(t, stale, header)
	if _, err := Generate(dir); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("error %v for a file of ours without a package clause", err)
	}
}

// TestWriteWholeOrNot: when one file cannot be written, none is, and nothing is left over.
func TestWriteWholeOrNot(t *testing.T) {
	dir := t.TempDir()
	old := File{Name: filepath.Join(dir, "a"), Text: "old"}
	if err := Write([]File{old}); err != nil {
		t.Fatal(err)
	}
	lost := File{Name: filepath.Join(dir, "missing", "b"), Text: "new"}
	if err := Write([]File{{Name: old.Name, Text: "new"}, lost}); err == nil || !strings.Contains(err.Error(), lost.Name) {
		t.Errorf("error %v does not name %s", err, lost.Name)
	}
	if changed, err := Changed([]File{old}); err != nil || len(changed) > 0 {
		t.Errorf("%s was written (%v)", old.Name, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left %v (%v)", entries, err)
	}
}

// TestSpacedDirective: what gofmt would make a remark of is none before either.
func TestSpacedDirective(t *testing.T) {
	dir := newPackage(t)
	write(t, filepath.Join(dir, "t.go"), "package evolve\ntype T struct { n int }\n//dsss: mutator\nfunc (t *T) Set(n int) { t.n = n }\n")
	if _, err := Generate(dir); err == nil || !strings.Contains(err.Error(), "//dsss: is not known") {
		t.Errorf("error %v", err)
	}
}

// TestOwnUseOfProxy: the package may use what is generated for it in any way, also before it is.
func TestOwnUseOfProxy(t *testing.T) {
	dir := newPackage(t)
	root, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.mod"), "module evolve\n\ngo 1.26\n\nrequire dsss v0.0.0\n\nreplace dsss => "+root+"\n")
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sum))
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOPROXY", "off")
	generate(t, dir, `
import "context"
//dsss:hosted
type T struct { n int }
type base struct { m int }
func (b *base) Total() int { return b.m }
//dsss:mutator
func (t *T) Add(n int) { t.n += n }
func (t *T) Value() int { return t.n }
type Wrapper struct { *SharedT }
func (w Wrapper) Twice(ctx context.Context) (int, error) { return w.Value(), w.Add(ctx, w.Value()) }
var _ interface{ Add(context.Context, int) error } = Wrapper{}
type Far struct { *HostedT }
func (f Far) Twice(ctx context.Context) (int, error) { n, err := f.Value(ctx); return 2 * n, err }
var _ = OpenTHosted
`)
}

// TestMergedLocks: two branches that gave one id to two fields are told, and after the advice was followed the field of
// the branch that has not run has another.
func TestMergedLocks(t *testing.T) {
	dir := newPackage(t)
	source := func(fields string) string {
		return "type T struct { " + fields + " }\n//dsss:mutator\nfunc (t *T) Set() {}\n"
	}
	path := filepath.Join(dir, LockFile)
	generate(t, dir, source("a int"))
	base, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ours, _ := generate(t, dir, source("a, b int"))
	write(t, path, string(base))
	theirs, _ := generate(t, dir, source("a, c int"))
	line := strings.TrimPrefix(theirs, ours[:strings.Index(ours, "state evolve.T b")])
	write(t, path, ours+line)
	write(t, filepath.Join(dir, "t.go"), "package evolve\n"+source("a, b, c int"))
	if _, err := Generate(dir); err == nil || !strings.Contains(err.Error(), "after a merge keep the lines") {
		t.Fatalf("error %v", err)
	}
	write(t, path, ours)
	merged, _ := generate(t, dir, source("a, b, c int"))
	if merged != ours+"state evolve.T c 2 long\n" {
		t.Errorf("merged lock is\n%s", merged)
	}
}
