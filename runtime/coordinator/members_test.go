package coordinator_test

import (
	"slices"
	"testing"
	"time"

	"dsss/runtime/coordinator"
)

// members waits until w knows of exactly these ranks.
func (w *worker) members(want ...int) {
	w.t.Helper()
	late := time.After(30 * time.Second)
	for {
		got, changed := w.Members()
		if slices.Equal(got, want) {
			return
		}
		select {
		case <-changed:
		case <-late:
			w.t.Fatalf("members %v, want %v", got, want)
		}
	}
}

// TestMembers: a rank is a member until its process has ended, whatever its connection does, and when the others hear
// that it is none any more they have applied all it did. A coordinator that takes over knows the members too.
func TestMembers(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t)})
	ws := []*worker{c.join(0), c.join(1), c.join(2)}
	for _, w := range ws {
		w.members(0, 1, 2)
	}
	c.network.cut()
	agree(t, ws...)
	ws[0].members(0, 1, 2)

	for i := range 500 {
		ws[1].start(value(1, i), false)
	}
	ws[1].await(500)
	ws[1].Close() // it dies
	if err := c.control.Gone(1, 0); err != nil {
		t.Fatal(err)
	}
	ws[2].members(0, 2)
	if n := len(ws[2].values()); n != 500 {
		t.Errorf("rank 1 is gone, and %d of its 500 mutations are here", n)
	}
	ws[0].members(0, 2)

	c.kill()
	c.takeOver(0, 2, -1)
	agree(t, ws[0], ws[2])
	ws[0].members(0, 2)
	back := c.join(1)
	for _, w := range []*worker{ws[0], back, ws[2]} {
		w.members(0, 1, 2)
	}
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}
