package coordinator

import (
	"testing"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
)

// TestOneSnapshotForAll: a checkpoint is opened, and so verified, once for all who need it, and stays open for those who
// read it when a newer one has been written.
func TestOneSnapshotForAll(t *testing.T) {
	dir, err := statedir.Open(t.TempDir(), statedir.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	c := &Core{dir: dir}
	put := func(seq uint64) {
		t.Helper()
		w, err := dir.Store().Create(snapshot.Meta{Seq: seq})
		if err == nil {
			err = w.BeginObject(snapshot.Object{ID: 1, Name: "o", Class: "c"})
		}
		if err == nil {
			err = w.Chunk([]byte("state"))
		}
		if err == nil {
			_, err = w.Commit()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	take := func() *openCheckpoint {
		t.Helper()
		s, err := c.newestCheckpoint()
		if err != nil || s == nil {
			t.Fatalf("%v, %v", s, err)
		}
		return s
	}
	put(10)
	first, again := take(), take()
	if first != again || first.Meta().Seq != 10 {
		t.Errorf("opened %d and %d, not once", first.Meta().Seq, again.Meta().Seq)
	}
	put(20)
	if err := c.snapshots.forget(); err != nil { // as when the keeper has said so
		t.Fatal(err)
	}
	if err := again.release(); err != nil {
		t.Fatal(err)
	}
	newer := take()
	if newer.Meta().Seq != 20 {
		t.Errorf("the newest is %d", newer.Meta().Seq)
	}
	n := 0
	for piece, err := range first.Chunks(1) { // still open
		if err != nil || string(piece) != "state" {
			t.Fatalf("%q, %v", piece, err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d pieces", n)
	}
	if err := first.release(); err != nil {
		t.Fatal(err)
	}
	for _, err := range first.Chunks(9) { // of an object that it never had
		if err == nil {
			t.Error("no error")
		}
	}
	if err := newer.release(); err != nil || c.snapshots.open != newer || newer.uses != 1 {
		t.Errorf("the newest is not kept open: %v", err)
	}
	if err := c.snapshots.forget(); err != nil || newer.uses != 0 {
		t.Errorf("the last is not closed: %v", err)
	}
}
