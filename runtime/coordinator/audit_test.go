package coordinator_test

import (
	"errors"
	"strings"
	"testing"

	"dsss/checkpoint/snapshot"
	"dsss/comm/wire"
	"dsss/runtime/coordinator"
	"dsss/runtime/session"
)

// TestDivergenceIsNamed: one worker's replica differs from what everybody else holds. The audits that come with the
// checkpoints go round the workers; when they come to that one the object is named, its state is kept as proof, and
// it is put out of the job. The others go on.
func TestDivergenceIsNamed(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1})
	ws := []*worker{c.join(0), c.join(1), c.join(2)}
	load(t, ws, 0, 100, 10)
	agree(t, ws...)
	save := func(v int) {
		t.Helper()
		ws[0].append(value(0, v))
		if _, err := ws[0].Save(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 6 { // twice round, and nobody has diverged
		save(100 + i)
	}
	bad := ws[1].list
	bad.RLock() // not how one writes, but nobody else does
	bad.State.(*list).values[7]++
	bad.RUnlock()
	diverged := make(chan *wire.EventT, 1)
	go func() { diverged <- c.event(wire.HappeningDiverged) }()
	var e *wire.EventT
	for i := 0; e == nil; i++ {
		save(106 + i)
		select {
		case e = <-diverged:
		default:
		}
	}
	if e.Rank != 1 || e.Count != 1 || !strings.Contains(e.Text, "object 1 differs") {
		t.Errorf("diverged: rank %d, object %d, %s", e.Rank, e.Count, e.Text)
	}
	worker, keeper, ok := strings.Cut(e.Detail, "\n")
	if !ok || !strings.Contains(e.Text, worker) || !strings.Contains(e.Text, keeper) {
		t.Errorf("%s; the states are said to be in %q", e.Text, e.Detail)
	}
	for _, path := range []string{worker, keeper} {
		r, err := snapshot.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if r.Meta().Seq != e.Sequence {
			t.Errorf("%s is of sequence number %d, not %d", path, r.Meta().Seq, e.Sequence)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	<-ws[1].Ended()
	if err := ws[1].Err(); !errors.Is(err, session.ErrEvicted) {
		t.Errorf("the worker ended with %v", err)
	}
	agree(t, ws[0], ws[2])
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}
