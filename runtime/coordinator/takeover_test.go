package coordinator_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/coordinator"
)

var durabilities = []coordinator.Durability{coordinator.Memory, coordinator.Interval, coordinator.Sync}

// TestCoordinatorDies kills the coordinator again and again under load. Another takes over each time, and nobody who
// mutates notices more than a pause: every mutation is applied once, in order, and every future gets its result.
func TestCoordinatorDies(t *testing.T) {
	for _, durability := range durabilities {
		t.Run(string(durability), func(t *testing.T) {
			cfg := coordinator.Config{StateDir: stateDir(t), Durability: durability, CheckpointEvery: -1}
			c := launch(t, cfg)
			ws := []*worker{c.join(0), c.join(1), c.join(2)}
			const n, deaths = 3000, 6
			var done sync.WaitGroup
			done.Go(func() { load(t, ws, 0, n, 20) })
			for i := range deaths {
				ws[0].await(i * 3 * n / deaths)
				c.kill()
				c.takeOver(-1, 0, 1, 2)
				c.event(wire.HappeningRecovered)
			}
			done.Wait()
			exactlyOnce(t, agree(t, ws...), 3, n)
			if e := ws[0].Welcome().Epoch; e != deaths+1 {
				t.Errorf("epoch %d, want %d", e, deaths+1)
			}
			if err := c.finish(); err != nil {
				t.Fatal(err)
			}

			cfg.Resume = true
			c = launch(t, cfg)
			w := c.join(0)
			w.sync()
			exactlyOnce(t, w.values(), 3, n)
			if err := c.finish(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestAllButOneDie: the coordinator, the keeper and all workers but one die at once. What the last one saw applied is
// there afterwards, for those who join again, too.
func TestAllButOneDie(t *testing.T) {
	for _, durability := range durabilities {
		t.Run(string(durability), func(t *testing.T) {
			c := launch(t, coordinator.Config{StateDir: stateDir(t), Durability: durability, CheckpointEvery: -1, LogInterval: time.Hour})
			ws := []*worker{c.join(0), c.join(1)}
			load(t, ws, 0, 500, 10)
			ws[0].sync()
			c.killKeeper()
			c.kill()
			ws[1].Close()
			c.takeOver(0)
			c.event(wire.HappeningRecovered)
			ws[0].append(value(0, 500))
			c.keep()
			w := c.join(1)
			if w.append(value(1, 500)); w.t.Failed() {
				return
			}
			exactlyOnce(t, agree(t, ws[0], w), 2, 501)
			if err := c.finish(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestForkedReplicaIsRefused: a worker that was out of reach while another coordinator took over without it, and that
// knew more than all others, holds what the order has lost. It may not come back. Another that knew less may.
func TestForkedReplicaIsRefused(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t), Durability: coordinator.Memory, CheckpointEvery: -1})
	w := c.join(0)
	w.append(value(0, 0))
	base := w.Replica().Applied()
	c.kill()
	c.takeOver(0, -1)
	c.event(wire.HappeningRecovered)
	w.append(value(0, 1))
	w.append(value(0, 2))
	for _, test := range []struct {
		applied uint64
		refused string
	}{{base, ""}, {base + 1, "evicted: replica stands at"}} {
		h := c.hello(wire.RoleWorker, 1)
		h.Session, h.Epoch, h.Applied = 77, 1, test.applied
		conn, _, err := comm.Greet(t.Context(), c.network, "", &h, nil)
		var refused *comm.RefusedError
		switch {
		case test.refused == "" && err != nil:
			t.Errorf("at %d: %v", test.applied, err)
		case test.refused == "":
			conn.Close()
			c.event(wire.HappeningLost)
		case !errors.As(err, &refused) || refused.Code != wire.RefusalBehind || !strings.Contains(err.Error(), test.refused):
			t.Errorf("at %d: %v, want it refused with %q", test.applied, err, test.refused)
		}
	}
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// TestSilentSource: the replica that has come furthest is asked for what it remembers and does not answer, as one that is
// stopped. A takeover gives it up after limits.Rejoin, and goes on with the others.
func TestSilentSource(t *testing.T) {
	t.Parallel()
	c := launch(t, coordinator.Config{StateDir: stateDir(t), Durability: coordinator.Memory, CheckpointEvery: -1})
	w := c.join(0)
	w.append(value(0, 0))
	h := c.hello(wire.RoleWorker, 1)
	h.Session, h.Epoch, h.Applied, h.Recalls = 77, 1, w.Replica().Applied()+1, 1
	c.killKeeper()
	c.kill()
	c.takeOver(1) // whose Hello decides
	asked := false
	ctx, cancel := context.WithTimeout(t.Context(), 2*limits.Rejoin)
	defer cancel()
	_, _, err := comm.Greet(ctx, c.network, "", &h, func(conn *comm.Conn, _ uint64) error {
		asked = true
		conn.SetReadDeadline(time.Time{})
		kind, _, err := conn.Next()
		for kind == comm.KindHeartbeat && err == nil {
			kind, _, err = conn.Next()
		}
		return err
	})
	if !asked || err == nil || ctx.Err() != nil {
		t.Fatalf("asked: %v; then %v, want to be asked and hung up on", asked, err)
	}
	c.event(wire.HappeningRecovered)
	w.append(value(0, 1))
	c.keep()
	exactlyOnce(t, agree(t, w), 1, 2)
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// TestSupersededCoordinatorEnds: a coordinator that meets a process which another one, of a later epoch, has welcomed
// ends without another word to disk or replicas; the process may try again elsewhere.
func TestSupersededCoordinatorEnds(t *testing.T) {
	dir := stateDir(t)
	c := launch(t, coordinator.Config{StateDir: dir, Durability: coordinator.Interval, LogInterval: time.Hour, CheckpointEvery: -1})
	w := c.join(0)
	w.append(value(0, 0))
	h := c.hello(wire.RoleWorker, 1)
	h.Session, h.Epoch, h.Applied = 77, 2, 1
	_, _, err := comm.Greet(t.Context(), c.network, "", &h, nil)
	var refused *comm.RefusedError
	if !errors.As(err, &refused) || refused.Code != wire.RefusalBusy {
		t.Errorf("answered with %v, want Busy", err)
	}
	if err := <-c.result; err == nil || !strings.Contains(err.Error(), "taken the job over") {
		t.Errorf("ended with %v", err)
	}
	c.killKeeper()
	w.Close()
	log, recovery, err := wal.Open(filepath.Join(dir, "log"), wal.Config{First: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if recovery.Last != 0 {
		t.Errorf("it wrote up to %d on its way out", recovery.Last)
	}
}

// TestKeeperDies: checkpoints wait for the next keeper, and it gets up from the last one.
func TestKeeperDies(t *testing.T) {
	for _, durability := range durabilities {
		t.Run(string(durability), func(t *testing.T) {
			c := launch(t, coordinator.Config{StateDir: stateDir(t), Durability: durability, CheckpointEvery: -1, Bounds: coordinator.LogMemory(64 << 10)})
			w := c.join(0)
			next := 0
			for range 3 {
				load(t, []*worker{w}, next, 5000, 100)
				next += 5000
				if _, err := w.Save(t.Context()); err != nil {
					t.Fatal(err)
				}
				c.killKeeper()
				c.event(wire.HappeningLost)
				load(t, []*worker{w}, next, 5000, 100)
				next += 5000
				saved := make(chan error)
				go func() {
					_, err := w.Save(t.Context())
					saved <- err
				}()
				c.keep()
				if err := <-saved; err != nil {
					t.Fatal(err)
				}
			}
			exactlyOnce(t, agree(t, w), 1, next)
			if err := c.finish(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
