package coordinator_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/comm/wire"
	"dsss/runtime/coordinator"
)

// lines makes one text of what is said.
func lines(b *strings.Builder) func(string) {
	return func(line string) { b.WriteString(line + "\n") }
}

// resume goes on from a directory. It returns the values there and what was warned of, or why it was refused.
func resume(t *testing.T, cfg coordinator.Config) (values []uint64, said, refused string) {
	t.Helper()
	cfg.Resume = true
	c, err := start(t, cfg)
	if err != nil {
		return nil, "", err.Error()
	}
	c.startKeeper()
	late := time.After(30 * time.Second)
	for {
		select {
		case e := <-c.events:
			switch e.What {
			case wire.HappeningWarned:
				said += e.Text + "\n"
			case wire.HappeningFailed, wire.HappeningRefused:
				<-c.result
				return nil, said, e.Text
			case wire.HappeningJoined:
				w := c.join(0)
				w.sync()
				values = w.values()
				if err := c.finish(); err != nil {
					t.Error(err)
				}
				return values, said, ""
			}
		case <-late:
			t.Fatal("neither joined nor refused")
		}
	}
}

// sound checks that a refusal is one line with the next step.
func sound(t *testing.T, refused string) {
	t.Helper()
	if strings.Contains(refused, "\n") || !strings.Contains(refused, ": put back ") && !strings.Contains(refused, "use the DSSS version") && !strings.Contains(refused, "name another directory") {
		t.Errorf("refused with %q, want one line with the next step", refused)
	}
}

// TestEveryPartCounts removes each file of a stopped job's directory in turn, empties each, and puts each back from an earlier
// copy; and log and checkpoints as a whole: either the job is refused in one line with the next step, or nothing is lost.
func TestEveryPartCounts(t *testing.T) {
	for _, durability := range durabilities {
		for _, how := range []string{"finished", "interrupted"} {
			t.Run(string(durability)+"/"+how, func(t *testing.T) {
				t.Parallel()
				testEveryPart(t, durability, how == "interrupted")
			})
		}
	}
}

// testEveryPart does so for a job that was interrupted once, and then again or ended as planned.
func testEveryPart(t *testing.T, durability coordinator.Durability, interrupted bool) {
	const each = 250
	cfg := coordinator.Config{StateDir: stateDir(t), Durability: durability, CheckpointEvery: -1, Segment: 4 << 10, Bounds: coordinator.LogMemory(64 << 10)}
	run := func(from int, crash bool) {
		c := launch(t, cfg)
		w := c.join(0)
		for _, n := range []int{100, 100} {
			load(t, []*worker{w}, from, n, 10)
			if _, err := w.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			from += n
		}
		load(t, []*worker{w}, from, 50, 10) // which no checkpoint holds yet
		if crash {
			c.crash()
		} else if err := c.finish(); err != nil {
			t.Fatal(err)
		}
		cfg.Resume = true
	}
	run(0, true)
	earlier := copied(t, cfg.StateDir)
	run(each, interrupted)
	last := cfg.StateDir
	var refused, whole []string
	try := func(what string, change func(dir string) error) {
		t.Helper()
		try := cfg
		try.StateDir = copied(t, last)
		if err := change(try.StateDir); err != nil {
			t.Fatal(err)
		}
		values, said, why := resume(t, try)
		if why != "" {
			sound(t, why)
			refused = append(refused, what)
			return
		}
		whole = append(whole, what)
		if len(values) != 2*each {
			t.Errorf("%s: %d of %d values, and only this was said: %s", what, len(values), 2*each, said)
		}
	}
	try("as it is", func(string) error { return nil })
	for _, name := range filesIn(t, last) {
		try("without "+name, func(dir string) error { return os.Remove(filepath.Join(dir, name)) })
		try("empty "+name, func(dir string) error { return os.Truncate(filepath.Join(dir, name), 0) })
	}
	for _, name := range filesIn(t, earlier) {
		try("earlier "+name, func(dir string) error {
			b, err := os.ReadFile(filepath.Join(earlier, name))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, name), b, 0o666)
		})
	}
	for _, part := range []string{"log", "checkpoints"} {
		try("without "+part+"/*", func(dir string) error { return empty(filepath.Join(dir, part)) })
		try("without "+part, func(dir string) error { return os.RemoveAll(filepath.Join(dir, part)) })
	}
	try("earlier log", func(dir string) error { return replaced(dir, earlier, "log") })
	musts := []string{"without job.json", "empty job.json", "earlier job.json", "without log", "without log/*"}
	if durability == coordinator.Memory && !interrupted { // only checkpoints hold what this run did
		musts = append(musts, "without checkpoints", "without checkpoints/*")
	} else {
		musts = append(musts, "earlier log")
	}
	for _, must := range musts {
		if !slices.Contains(refused, must) {
			t.Errorf("%s was not refused", must)
		}
	}
	if len(whole) < 2 || whole[0] != "as it is" {
		t.Errorf("nothing was lost only in these cases: %q", whole)
	}
	t.Logf("refused:\n  %s\nnothing lost:\n  %s", strings.Join(refused, "\n  "), strings.Join(whole, "\n  "))
}

// replaced puts another job's part into dir in place of its own.
func replaced(dir, other, part string) error {
	to := filepath.Join(dir, part)
	return errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(filepath.Join(other, part))))
}

func filesIn(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		all = append(all, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func empty(dir string) error {
	return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o777))
}

// TestForeignParts: a log, or the newest checkpoint, of another job with the same numbers is refused, as is what another
// version of DSSS wrote.
func TestForeignParts(t *testing.T) {
	t.Parallel()
	job := func(salt int) string {
		cfg := coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1}
		c := launch(t, cfg)
		load(t, []*worker{c.join(0)}, salt, 100, 10)
		if err := c.finish(); err != nil {
			t.Fatal(err)
		}
		return cfg.StateDir
	}
	mine, other := job(0), job(0)
	for what, c := range map[string]struct {
		change func(dir string) error
		said   string
	}{
		"log":        {func(dir string) error { return replaced(dir, other, "log") }, "is of another job's log"},
		"checkpoint": {func(dir string) error { return replaced(dir, other, "checkpoints") }, "is of another job"},
		"segments of another name": {func(dir string) error {
			return os.Rename(filepath.Join(dir, "log", "00000000000000000001.seg"), filepath.Join(dir, "log", "00000000000000000001.00000.seg"))
		}, "log/00000000000000000001.00000.seg is not named as segments are"},
		"segment of another format": {func(dir string) error { return patch(filepath.Join(dir, "log", "00000000000000000001.seg"), 40) },
			fmt.Sprintf("has format %d, this program reads format %d", wal.Format+1, wal.Format)},
		"record of another format": {func(dir string) error {
			path, here := filepath.Join(dir, "job.json"), fmt.Sprintf(`"format": %d,`, statedir.Format)
			b, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path, []byte(strings.Replace(string(b), here, `"format": 1,`, 1)), 0o666))
		}, fmt.Sprintf("has format 1, this program reads format %d", statedir.Format)},
	} {
		t.Run(what, func(t *testing.T) {
			dir := copied(t, mine)
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
			_, _, refused := resume(t, coordinator.Config{StateDir: dir})
			sound(t, refused)
			if !strings.Contains(refused, c.said) {
				t.Errorf("refused with %q, want %q", refused, c.said)
			}
		})
	}
}

// patch changes the version in a segment's header, and gives it the right checksum.
func patch(path string, at int) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[at]++
	binary.LittleEndian.PutUint32(b[52:], crc32.Checksum(b[:52], crc32.MakeTable(crc32.Castagnoli)))
	return os.WriteFile(path, b, 0o666)
}

// TestLogOfKilledJobIsMissed: the log is bounded from the beginning, not only once a job has ended.
func TestLogOfKilledJobIsMissed(t *testing.T) {
	for _, durability := range []coordinator.Durability{coordinator.Memory, coordinator.Interval, coordinator.Sync} {
		t.Run(string(durability), func(t *testing.T) {
			t.Parallel()
			cfg := coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1, Durability: durability}
			c := launch(t, cfg)
			w := c.join(0)
			load(t, []*worker{w}, 0, 100, 10)
			w.Close()
			c.killKeeper()
			c.kill()
			if err := empty(filepath.Join(cfg.StateDir, "log")); err != nil {
				t.Fatal(err)
			}
			_, said, refused := resume(t, cfg)
			sound(t, refused)
			if refused == "" {
				t.Errorf("not refused: %s", said)
			}
		})
	}
}

// TestOlderRecord: a record of an earlier run is told by the log alone, too, and one of this run loses nothing.
func TestOlderRecord(t *testing.T) {
	t.Parallel()
	cfg := coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1, Durability: coordinator.Sync}
	var records [][]byte
	for run := range 2 {
		c := launch(t, cfg)
		w := c.join(0)
		for half := range 2 {
			load(t, []*worker{w}, 100*run+50*half, 50, 10)
			record, err := os.ReadFile(filepath.Join(cfg.StateDir, "job.json"))
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, record)
		}
		w.Close()
		c.killKeeper()
		c.kill()
		cfg.Resume = true
	}
	for i, record := range records {
		try := cfg
		try.StateDir = copied(t, cfg.StateDir)
		if err := os.WriteFile(filepath.Join(try.StateDir, "job.json"), record, 0o666); err != nil {
			t.Fatal(err)
		}
		values, _, refused := resume(t, try)
		switch {
		case i < 2:
			sound(t, refused)
		case len(values) != 200:
			t.Errorf("record %d: %d values, refused: %s", i, len(values), refused)
		}
	}
}

// TestAccept: what is left of an incomplete directory can be gone on from, on demand only; what is given up is said.
func TestAccept(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct {
		change func(dir string) error
		left   int
		said   string
	}{
		"nothing missing":                       {func(string) error { return nil }, 200, "nothing is missing"},
		"record":                                {func(dir string) error { return os.Remove(filepath.Join(dir, "job.json")) }, 200, "the record is rebuilt from checkpoint and log"},
		"log":                                   {func(dir string) error { return empty(filepath.Join(dir, "log")) }, 100, "what only the log had is given up"},
		"checkpoints, of which the log has all": {func(dir string) error { return empty(filepath.Join(dir, "checkpoints")) }, 200, "nothing is missing"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			cfg := coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1, Durability: coordinator.Sync}
			c := launch(t, cfg)
			w := c.join(0)
			load(t, []*worker{w}, 0, 100, 10)
			if _, err := w.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			load(t, []*worker{w}, 100, 100, 10)
			w.Close()
			c.killKeeper()
			c.kill()
			before, _, err := statedir.Peek(cfg.StateDir)
			if err == nil {
				err = tc.change(cfg.StateDir)
			}
			if err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			if err := coordinator.Accept(cfg.StateDir, lines(&said)); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(said.String(), tc.said) {
				t.Errorf("said %q, want %q", said.String(), tc.said)
			}
			// All that the record says but the job's status is in the order, too.
			after, _, err := statedir.Peek(cfg.StateDir)
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range []*statedir.Job{&before, &after} {
				j.Created, j.Updated, j.Status, j.Log, j.Checkpoint = time.Time{}, time.Time{}, "", wal.Bound{}, statedir.CheckpointBound{}
			}
			if !reflect.DeepEqual(before, after) {
				t.Errorf("record %+v, before %+v", after, before)
			}
			values, _, refused := resume(t, cfg)
			if refused != "" || len(values) != tc.left {
				t.Errorf("%d values, want %d; refused: %s", len(values), tc.left, refused)
			}
		})
	}
	var said strings.Builder
	if err := coordinator.Accept(stateDir(t), lines(&said)); err == nil {
		t.Errorf("an absent directory was accepted: %s", said.String())
	}
}

// TestMovedDirectory: the state directory, or a part of it, is moved or removed while the job runs. Under sync the job
// stops; else it is said, once, and again at the end, which is none then.
func TestMovedDirectory(t *testing.T) {
	for _, durability := range []coordinator.Durability{coordinator.Interval, coordinator.Sync} {
		for what, change := range map[string]func(dir string) error{
			"moved":    func(dir string) error { return os.Rename(dir, dir+".aside") },
			"removed":  os.RemoveAll,
			"replaced": func(dir string) error { return errors.Join(os.Rename(dir, dir+".aside"), os.Mkdir(dir, 0o777)) },
			"log moved": func(dir string) error {
				return os.Rename(filepath.Join(dir, "log"), filepath.Join(dir, "log.aside"))
			},
			"checkpoints removed": func(dir string) error { return os.RemoveAll(filepath.Join(dir, "checkpoints")) },
		} {
			t.Run(fmt.Sprintf("%s, %s", durability, what), func(t *testing.T) {
				t.Parallel()
				cfg := coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1, Durability: durability}
				c := launch(t, cfg)
				w := c.join(0)
				w.append(value(0, 0))
				if err := change(cfg.StateDir); err != nil {
					t.Fatal(err)
				}
				if durability == coordinator.Interval {
					said(t, c.event(wire.HappeningWarned).Text, what, cfg.StateDir)
					w.append(value(0, 1)) // it goes on
					if err := c.finish(); !errors.Is(err, statedir.ErrMoved) {
						t.Errorf("the job ended with %v", err)
					}
				} else if err := <-c.result; !errors.Is(err, statedir.ErrMoved) {
					t.Errorf("the job ended with %v", err)
				}
				said(t, c.event(wire.HappeningFailed).Text, what, cfg.StateDir)
				left, err := os.ReadDir(cfg.StateDir)
				if what == "replaced" && (err != nil || len(left) > 0) {
					t.Errorf("in the other directory there is %v, %v", left, err)
				}
				if _, err := os.Stat(cfg.StateDir); what == "moved" && !errors.Is(err, os.ErrNotExist) {
					t.Errorf("the directory was made again: %v", err)
				}
				if what == "moved" { // and put back
					if err := os.Rename(cfg.StateDir+".aside", cfg.StateDir); err != nil {
						t.Fatal(err)
					}
					if values, _, refused := resume(t, cfg); refused != "" || len(values) == 0 {
						t.Errorf("%d values, refused: %s", len(values), refused)
					}
				}
			})
		}
	}
}

// said checks that a text says where the directory is.
func said(t *testing.T, text, what, dir string) {
	t.Helper()
	want := " was removed: "
	switch what {
	case "moved", "replaced":
		want = dir + " is " + dir + ".aside now"
	case "log moved":
		want = filepath.Join(dir, "log") + " is " + filepath.Join(dir, "log.aside") + " now"
	}
	if first, _, _ := strings.Cut(text, "\n"); !strings.Contains(first, want) || !strings.Contains(first, dir) {
		t.Errorf("said %q, want %q", first, want)
	}
}
