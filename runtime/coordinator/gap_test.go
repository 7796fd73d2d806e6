package coordinator_test

import (
	"os"
	"testing"
	"time"

	"dsss/checkpoint/statedir"
	"dsss/comm/wire"
	"dsss/runtime/coordinator"
)

// TestGap: a coordinator takes over with the help of one worker, which joined late and so remembers only what came behind a
// checkpoint; and that checkpoint turns out to be damaged. What lies between the log on disk and what the worker remembers is
// in the worker's state alone. The log stays until another checkpoint holds that, the job goes on meanwhile, also when far
// more is asked of it than memory takes, and then everything is on disk again.
func TestGap(t *testing.T) {
	cfg := coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1, Bounds: coordinator.LogMemory(64 << 10), LogInterval: time.Millisecond}
	c := launch(t, cfg)
	w := c.join(0)
	load(t, []*worker{w}, 0, 500, 100)
	c.kill()
	c.cfg.LogInterval = time.Hour // what comes now stays in memory
	c.takeOver(-1, 0)
	c.event(wire.HappeningRecovered)
	load(t, []*worker{w}, 500, 100, 100)
	if _, err := w.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	late := c.join(1)
	late.sync()
	damage(t, cfg.StateDir)
	c.killKeeper()
	w.Close()
	c.kill()
	c.cfg.LogInterval = time.Millisecond
	c.takeOver(1)
	c.event(wire.HappeningRecovered)
	before := late.Replica().Applied()
	if first, _ := logged(t, cfg.StateDir); first != 1 {
		t.Errorf("the log begins at %d, and no checkpoint can be used", first)
	}
	var flight []*future
	for i := range 5000 { // far more than memory takes
		flight = append(flight, late.start(value(1, i), false))
	}
	c.startKeeper()
	for _, f := range flight {
		<-f.done
		if f.err != nil {
			t.Fatal(f.err)
		}
	}
	late.await(600 + 5000)
	for deadline := time.After(30 * time.Second); ; {
		if _, next := logged(t, cfg.StateDir); next > before+5000 {
			break
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatal("what returned does not come to disk")
		}
	}
	c.kill()
	c.killKeeper()
	late.Close()

	cfg.Resume = true
	c = launch(t, cfg)
	w = c.join(0)
	w.sync()
	if got := len(w.values()); got != 5600 {
		t.Errorf("%d of 5600 values are left", got)
	}
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// damage flips a bit in each checkpoint.
func damage(t *testing.T, stateDir string) {
	t.Helper()
	infos, err := statedir.StoreOf(stateDir).List()
	if err != nil || len(infos) == 0 {
		t.Fatalf("no checkpoint to damage: %v", err)
	}
	for _, info := range infos {
		data, err := os.ReadFile(info.Path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(info.Path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// logged returns the first sequence number of the log on disk, and the one behind its last.
func logged(t *testing.T, stateDir string) (first, next uint64) {
	t.Helper()
	parts, err := statedir.Parts(stateDir)
	if err != nil || len(parts) == 0 {
		t.Fatalf("the log has %d segments: %v", len(parts), err)
	}
	if next, _, err = parts[len(parts)-1].Verify(true); err != nil {
		t.Fatal(err)
	}
	return parts[0].First, next
}
