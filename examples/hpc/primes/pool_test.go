package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"dsss"
)

// TestPool: whoever dies, each task is claimed until it is done, and counted once.
func TestPool(t *testing.T) {
	by := func(session uint64) dsss.Order { return dsss.Order{Session: session} }
	p := &Pool{}
	for range 2 {
		if err := p.Begin(100, 30); err != nil {
			t.Fatal(err)
		}
	}
	if p.Begin(100, 20) == nil {
		t.Error("a job with other tasks is taken for this one")
	}
	claim := func(session, run uint64, rank int, want int64) {
		t.Helper()
		if got := p.Claim(by(session), run, rank); got != want {
			t.Errorf("session %d claimed %d, want %d", session, got, want)
		}
	}
	finish := func(session uint64, task int64, want bool) {
		t.Helper()
		if got := p.Finish(by(session), task, 1); got != want {
			t.Errorf("session %d finished task %d: %v, want %v", session, task, got, want)
		}
	}
	claim(10, 1, 0, 0)
	claim(11, 1, 1, 1)
	finish(11, 0, false) // it is another's
	finish(10, 0, true)
	finish(10, 0, false) // twice
	claim(10, 1, 0, 2)
	claim(21, 1, 1, 1) // rank 1 was started again: its task is open again
	finish(11, 1, false)
	if lost := p.Lost([]int{1}); !slices.Equal(lost, []uint64{10}) {
		t.Errorf("lost are %v", lost)
	}
	p.Return([]uint64{10})
	claim(21, 1, 1, 1) // a process that claims again gives back what it had
	claim(30, 2, 0, 1) // of the next run
	finish(21, 1, false)
	claim(31, 2, 1, 2)
	claim(32, 2, 2, 3)
	claim(33, 2, 3, NoTask)
	if p.Open() || p.Done() {
		t.Error("all are claimed, and none of the three is done")
	}
	finish(30, 1, true)
	finish(31, 2, true)
	finish(32, 3, true)
	if from, to := p.Interval(3); from != 90 || to != 100 {
		t.Errorf("the last task is %d to %d", from, to)
	}
	if tasks, primes := p.Counted(); !p.Done() || tasks != 4 || primes != 4 {
		t.Errorf("%d tasks done, with %d primes", tasks, primes)
	}
}

// TestRecipe: the code in docs/tasks.md is that of this program.
func TestRecipe(t *testing.T) {
	squeezed := func(names ...string) (text string) {
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(b)) {
				text += strings.TrimSpace(line) + "\n"
			}
		}
		return text
	}
	page, err := os.ReadFile("../../../docs/tasks.md")
	if err != nil {
		t.Fatal(err)
	}
	program, blocks := squeezed("pool.go", "main.go"), 0
	for _, block := range strings.Split(string(page), "\n\n") {
		if !strings.HasPrefix(block, "    ") || strings.HasPrefix(block, "    make ") {
			continue
		}
		blocks++
		code := ""
		for line := range strings.Lines(block) {
			code += strings.TrimSpace(line) + "\n"
		}
		if !strings.Contains(program, code) {
			t.Errorf("not in the program:\n%s", block)
		}
	}
	if blocks != 4 {
		t.Errorf("%d blocks of code, want 4", blocks)
	}
}
