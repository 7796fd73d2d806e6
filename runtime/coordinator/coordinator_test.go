package coordinator_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dsss/checkpoint/statedir"
	"dsss/comm/wire"
	"dsss/runtime/coordinator"
)

// load has each worker append n values, keeping up to window in flight, and checks every future.
func load(t *testing.T, ws []*worker, from, n, window int) {
	t.Helper()
	var wg sync.WaitGroup
	for rank, w := range ws {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var flight []*future
			last := 0
			settle := func() {
				f := flight[0]
				flight = flight[1:]
				<-f.done
				if f.err != nil || f.n != 1 {
					t.Errorf("rank %d: %v, resolved %d times", rank, f.err, f.n)
				}
				if f.at <= last {
					t.Errorf("rank %d: position %d after %d", rank, f.at, last)
				}
				last = f.at
			}
			for i := from; i < from+n; i++ {
				flight = append(flight, w.start(value(rank, i), window == 1))
				if len(flight) >= window {
					settle()
				}
			}
			for len(flight) > 0 {
				settle()
			}
		}()
	}
	wg.Wait()
}

func TestOneOrder(t *testing.T) {
	for _, durability := range []coordinator.Durability{coordinator.Memory, coordinator.Interval, coordinator.Sync} {
		for _, window := range []int{1, 500} {
			t.Run(string(durability), func(t *testing.T) {
				c := launch(t, coordinator.Config{StateDir: stateDir(t), Durability: durability})
				ws := []*worker{c.join(0), c.join(1), c.join(2), c.join(3)}
				n := 200 * min(window, 10)
				load(t, ws, 0, n, window)
				exactlyOnce(t, agree(t, ws...), 4, n)
				if err := c.finish(); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

// TestCutConnections breaks every worker's connection again and again while mutations are in flight: each is applied
// once, and each future says so.
func TestCutConnections(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t)})
	ws := []*worker{c.join(0), c.join(1), c.join(2), c.join(3)}
	stop := make(chan struct{})
	var cutter sync.WaitGroup
	cutter.Add(1)
	cuts := 0
	go func() {
		defer cutter.Done()
		for {
			c.network.cut()
			cuts++
			select {
			case <-stop:
				return
			case <-time.After(3 * time.Millisecond):
			}
		}
	}()
	const n = 3000
	load(t, ws, 0, n, 100)
	close(stop)
	cutter.Wait()
	exactlyOnce(t, agree(t, ws...), 4, n)
	t.Logf("%d cuts", cuts)
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// TestResume ends a job in both ways, and goes on from it on another number of workers.
func TestResume(t *testing.T) {
	for _, durability := range []coordinator.Durability{coordinator.Memory, coordinator.Interval, coordinator.Sync} {
		for _, abrupt := range []bool{false, true} {
			t.Run(string(durability), func(t *testing.T) {
				cfg := coordinator.Config{StateDir: stateDir(t), Durability: durability, CheckpointEvery: -1}
				c := launch(t, cfg)
				ws := []*worker{c.join(0), c.join(1)}
				load(t, ws, 0, 100, 10)
				if _, err := ws[0].Save(t.Context()); err != nil {
					t.Fatal(err)
				}
				load(t, ws, 100, 100, 10)
				if abrupt {
					c.crash()
				} else if err := c.finish(); err != nil {
					t.Fatal(err)
				}

				cfg.Resume, cfg.Size = true, 1
				c = launch(t, cfg)
				w := c.join(0)
				w.sync()
				exactlyOnce(t, w.values(), 2, 200)
				if run := w.Welcome().Run; run != 2 {
					t.Errorf("run %d, want 2", run)
				}
				w.append(value(0, 200))
				if err := c.finish(); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

// TestDamagedCheckpoint: the newest checkpoint does not verify; the one before it and the log do as well.
func TestDamagedCheckpoint(t *testing.T) {
	cfg := coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1}
	c := launch(t, cfg)
	w := c.join(0)
	for round := range 3 {
		load(t, []*worker{w}, 100*round, 100, 10)
		if _, err := w.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
	kept, err := statedir.StoreOf(cfg.StateDir).List()
	if err != nil || len(kept) != coordinator.DefaultKeep {
		t.Fatalf("%d checkpoints, %v", len(kept), err)
	}
	raw, err := os.ReadFile(kept[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(kept[0].Path, raw, 0o666); err != nil {
		t.Fatal(err)
	}
	cfg.Resume = true
	c, err = start(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.startKeeper()
	if e := c.event(wire.HappeningWarned); !strings.Contains(e.Text, filepath.Base(kept[0].Path)) {
		t.Errorf("warning %q does not name the file", e.Text)
	}
	c.event(wire.HappeningJoined)
	w = c.join(0)
	w.sync()
	exactlyOnce(t, w.values(), 1, 300)
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// TestPanic: the job stops at the mutation that panicked; resumed, it goes on without it.
func TestPanic(t *testing.T) {
	for _, durability := range []coordinator.Durability{coordinator.Memory, coordinator.Interval, coordinator.Sync} {
		t.Run(string(durability), func(t *testing.T) {
			cfg := coordinator.Config{StateDir: stateDir(t), Durability: durability, CheckpointEvery: -1}
			c := launch(t, cfg)
			w := c.join(0)
			before := w.append(value(0, 0))
			f := newFuture()
			if err := w.Submit(t.Context(), w.list.ID, panicID, nil, f, true); err != nil {
				t.Fatal(err)
			}
			<-f.done
			if f.err == nil {
				t.Error("the caller of a mutator that panicked was told that all is well")
			}
			e := c.event(wire.HappeningPanicked)
			if e.Sequence != before.seq+1 || !strings.Contains(e.Text, "Panic of list") || !strings.Contains(e.Text, "boom") {
				t.Errorf("event %+v", e)
			}
			if err := <-c.result; err == nil || !strings.Contains(err.Error(), "Panic of list") {
				t.Errorf("coordinator ended with %v", err)
			}
			c.control.Close()
			c.wg.Wait()

			cfg.Resume = true
			c, err := start(t, cfg)
			if err != nil {
				t.Fatal(err)
			}
			c.startKeeper()
			if w := c.event(wire.HappeningWarned); w.Sequence != e.Sequence || !strings.Contains(w.Text, "leaving out") {
				t.Errorf("resumed with %+v", w)
			}
			c.event(wire.HappeningJoined)
			w = c.join(0)
			w.append(value(0, 1))
			exactlyOnce(t, w.values(), 1, 2)
			if err := c.finish(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestStateDirRefusals: every directory that this job may not have is refused as the user's error, and left as it was.
func TestStateDirRefusals(t *testing.T) {
	dir := stateDir(t)
	refused := func(cfg coordinator.Config, want string) {
		t.Helper()
		cfg.StateDir = dir
		before := listing(t, dir)
		_, err := start(t, cfg)
		if !errors.Is(err, coordinator.ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want a usage error with %q", err, want)
		}
		if after := listing(t, dir); after != before {
			t.Errorf("%s: directory changed from %s to %s", want, before, after)
		}
	}
	refused(coordinator.Config{Resume: true}, "nothing to resume")
	c := launch(t, coordinator.Config{StateDir: dir, Durability: coordinator.Sync})
	c.join(0).append(value(0, 0)) // it and all before it are on disk now, and nothing is being written
	refused(coordinator.Config{}, "in use")
	refused(coordinator.Config{Resume: true}, "in use")
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
	refused(coordinator.Config{}, "--resume")

	// Another program, and another build, are seen when the keeper says hello.
	for _, other := range []string{"program", "classes"} {
		before := listing(t, dir)
		c, err := start(t, coordinator.Config{StateDir: dir, Resume: true})
		if err != nil {
			t.Fatal(err)
		}
		if other == "program" {
			c.program = "other"
		} else {
			listClass.Schema = "changed"
		}
		c.startKeeper()
		e := c.event(wire.HappeningRefused)
		listClass.Schema = ""
		if !strings.Contains(e.Text, other) || !strings.Contains(e.Text, "another directory") {
			t.Errorf("refused with %q", e.Text)
		}
		if err := <-c.result; err == nil {
			t.Error("the coordinator went on")
		}
		if after := listing(t, dir); after != before {
			t.Errorf("directory changed from %s to %s", before, after)
		}
	}
	// A build that knows what the directory holds is let in, and the directory is its from then on.
	was := listClass.Fingerprint()
	listClass.Schema, listClass.Reads = "changed", []uint64{1, was}
	defer func() { listClass.Schema, listClass.Reads = "", nil }()
	c = launch(t, coordinator.Config{StateDir: dir, Resume: true})
	c.join(0).append(value(0, 1))
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
	job, _, err := statedir.Peek(dir)
	if err != nil || job.Classes[0].Fingerprint != listClass.Fingerprint() {
		t.Errorf("the directory's classes are %v, %v", job.Classes, err)
	}
}

// TestWhoMayResume: a program that knows all that those before it knew, of every run and not only of the last.
func TestWhoMayResume(t *testing.T) {
	defer func() { listClass.IDs = "" }()
	dir := stateDir(t)
	for i, step := range []struct{ ids, lacks string }{
		{"a\nb", ""},
		{"b\na\nc", ""},
		{"a\nb", "lacks 1 of the 3 ids"},
		{"a\nc\nd", "lacks 1 of the 3 ids"},
		{"", "lacks 3 of the 3 ids"},
		{"c\nd\nb\na", ""},
	} {
		listClass.IDs = step.ids
		cfg := coordinator.Config{StateDir: dir, Resume: i > 0}
		if step.lacks == "" {
			c := launch(t, cfg)
			c.join(0).append(value(0, i))
			if err := c.finish(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		c, err := start(t, cfg)
		if err != nil {
			t.Fatal(err)
		}
		c.startKeeper()
		if e := c.event(wire.HappeningRefused); !strings.Contains(e.Text, step.lacks) || !strings.Contains(e.Text, "dsss.lock") {
			t.Errorf("%q: refused with %q", step.ids, e.Text)
		}
		if err := <-c.result; err == nil {
			t.Error("the coordinator went on")
		}
	}
}

// listing is what a directory holds, as text; times do not count.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			b.WriteString("absent")
			return nil
		}
		if err != nil {
			return err
		}
		if !e.IsDir() {
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b.WriteString(path + " " + string(raw))
		}
		b.WriteString(path + "\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestNewDirectoryIsTakenBack: a job that never began leaves nothing behind.
func TestNewDirectoryIsTakenBack(t *testing.T) {
	dir := stateDir(t)
	c, err := start(t, coordinator.Config{StateDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	c.crash()
	if got := listing(t, dir); got != "absent" {
		t.Errorf("left behind: %s", got)
	}
}

// TestLeaveIsSaidAgain: a worker whose connection breaks between its word that it leaves and the answer leaves all the same.
func TestLeaveIsSaidAgain(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1})
	w := c.join(0)
	w.append(value(0, 0))
	c.network.mu.Lock()
	mine := len(c.network.conns) - 1
	conn := c.network.conns[mine].(*flakyConn)
	c.network.mu.Unlock()
	c.network.hold(mine) // the answer does not arrive
	left := make(chan error, 1)
	go func() { left <- w.Leave(t.Context()) }()
	<-conn.leaves
	c.network.cut()
	c.network.release()
	select {
	case err := <-left:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the worker does not leave")
	}
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// TestNewestIsDamagedInMidRun: the only checkpoint turns out to be damaged when a worker joins, and the log does not reach back.
// Another is written, and the worker gets that.
func TestNewestIsDamagedInMidRun(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1, Keep: 1, Segment: 4 << 10, Bounds: coordinator.LogMemory(16 << 10)})
	w := c.join(0)
	load(t, []*worker{w}, 0, 1000, 10)
	if _, err := w.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	load(t, []*worker{w}, 1000, 10, 10)
	damage(t, c.cfg.StateDir)
	late := c.join(1)
	if got := agree(t, w, late); len(got) != 1010 {
		t.Errorf("%d values", len(got))
	}
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// TestTheClockGoesOn: the coordinator's clock, which mutators read, does not go back when one takes over, or the job is
// resumed, on a machine whose clock is behind.
func TestTheClockGoesOn(t *testing.T) {
	for _, durability := range durabilities {
		cfg := coordinator.Config{StateDir: stateDir(t), Durability: durability, CheckpointEvery: -1}
		ahead := cfg
		coordinator.SetNow(&ahead, func() time.Time { return time.Now().Add(time.Hour) })
		c := launch(t, ahead)
		w := c.join(0)
		w.append(value(0, 0))
		last := w.Replica().Position().Nanos
		check := func(when string, w *worker) {
			t.Helper()
			now := w.Replica().Position().Nanos
			if now < last || now == 0 {
				t.Errorf("%s, %s: the clock went from %v to %v", durability, when, time.Unix(0, last), time.Unix(0, now))
			}
			last = now
		}
		c.kill()
		coordinator.SetNow(&c.cfg, time.Now)
		c.takeOver(-1, 0)
		c.event(wire.HappeningRecovered)
		w.append(value(0, 1))
		check("taken over", w)
		if durability != coordinator.Memory {
			c.crash() // no checkpoint: the log alone has the time
		} else if err := c.finish(); err != nil {
			t.Fatal(err)
		}
		cfg.Resume = true
		c = launch(t, cfg)
		w = c.join(0)
		w.append(value(0, 2))
		check("resumed", w)
		if err := c.finish(); err != nil {
			t.Fatal(err)
		}
	}
}
