package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const changingProgram = `package main

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
	if _, err := hits.CALL(ctx, "x", 1); err != nil {
		return err
	}
	fmt.Println(hits.Value(), hits.ByName())
	return job.Close()
}
`

// TestChangedProgram resumes the state of a program by later builds of it: with a field and a mutator added, and with a
// field retyped and a mutator replaced.
func TestChangedProgram(t *testing.T) {
	dir := userModule(t)
	source := filepath.Join(dir, "counter", "counter.go")
	first, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	replace := func(text string, pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(text, pairs[i]) {
				t.Fatalf("the source has no %q", pairs[i])
			}
		}
		return strings.NewReplacer(pairs...).Replace(text)
	}
	second := replace(string(first),
		"	n      int64\n", "	calls  int\n	n      int64\n",
		"	c.n += d\n", "	c.n += d\n	c.calls++\n",
	) + "\n// Calls returns the calls.\nfunc (c *Counter) Calls() int { return c.calls }\n\n//dsss:mutator\nfunc (c *Counter) Forget() { c.calls = 0 }\n"
	third := replace(second,
		"type Counter struct", "//dsss:removed field=n func=fromN\ntype Counter struct",
		"	n      int64\n", "	sum    float64 // was n\n",
		"	c.n += d\n", "	c.sum += float64(d)\n",
		"return c.n, nil", "return int64(c.sum), nil",
		"return c.n }", "return int64(c.sum) }",
		"// Add adds", "func (c *Counter) fromN(n int64) { c.sum = 100 + float64(n) }\n\n// Plus is Add.\n//\n//dsss:mutator\nfunc (c *Counter) Plus(name string, d int64) (int64, error) { return c.add(name, d) }\n\n// add replays Add. It adds",
		"//dsss:mutator\nfunc (c *Counter) Add(", "//dsss:mutator replays=Add\nfunc (c *Counter) add(",
	)
	for _, step := range []struct{ about, source, call, want string }{
		{"the first", string(first), "Add", "1 map[x:1]\n"},
		{"one with a field and a mutator more", second, "Add", "2 map[x:2]\n"},
		{"one with a field retyped and a mutator replaced", third, "Plus", "103 map[x:3]\n"},
	} {
		write(t, source, step.source)
		command(t, dir, "generate", "./...")
		write(t, filepath.Join(dir, "main.go"), strings.ReplaceAll(changingProgram, "CALL", step.call))
		if got := command(t, dir, "run", "."); got != step.want {
			t.Errorf("%s printed\n%swant\n%s", step.about, got, step.want)
		}
	}
}
