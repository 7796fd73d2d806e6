package coordinator_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dsss/checkpoint"
	"dsss/comm/wire"
	"dsss/runtime/coordinator"
)

// TestNothingIsLostInSilence removes each file of a stopped job's state directory in turn, and puts each back from an earlier
// copy. A resume is refused, in one line with the next step, or has everything.
func TestNothingIsLostInSilence(t *testing.T) {
	const first, second, third = 150, 100, 50 // appended before the earlier copy, before the last checkpoint but one, and at the end
	for _, durability := range []coordinator.Durability{coordinator.Memory, coordinator.Interval, coordinator.Disk} {
		for _, how := range []string{"finished", "interrupted"} {
			t.Run(string(durability)+"/"+how, func(t *testing.T) {
				t.Parallel()
				cfg := coordinator.Config{StateDir: stateDir(t), Durability: durability, CheckpointEvery: -1, Segment: 4 << 10}
				c := launch(t, cfg)
				ws := []*worker{c.join(0)}
				load(t, ws, 0, first, 10)
				if _, err := ws[0].Save(t.Context()); err != nil {
					t.Fatal(err)
				}
				c.crash()
				earlier := copied(t, cfg.StateDir)

				cfg.Resume = true
				c = launch(t, cfg)
				ws = []*worker{c.join(0)}
				load(t, ws, first, second, 10)
				if _, err := ws[0].Save(t.Context()); err != nil {
					t.Fatal(err)
				}
				load(t, ws, first+second, third, 10)
				if how == "interrupted" {
					c.crash()
				} else if err := c.finish(); err != nil {
					t.Fatal(err)
				}

				refused, whole := 0, 0
				for _, file := range filesIn(t, cfg.StateDir) {
					for _, from := range []string{"", earlier} {
						dir := copied(t, cfg.StateDir)
						switch old, err := os.ReadFile(filepath.Join(from, file)); {
						case from == "":
							if err := os.Remove(filepath.Join(dir, file)); err != nil {
								t.Fatal(err)
							}
						case err != nil:
							continue // it was not there
						default:
							if err := os.WriteFile(filepath.Join(dir, file), old, 0o666); err != nil {
								t.Fatal(err)
							}
						}
						reason, n := resumed(t, dir, durability)
						switch what := map[bool]string{true: "without ", false: "with an older "}[from == ""] + file; {
						case reason != "":
							refused++
							if strings.Contains(reason, "\n") || !strings.Contains(reason, dir) || !strings.Contains(reason, "put back a copy") && !strings.Contains(reason, "a segment is missing") {
								t.Errorf("%s: %s", what, reason)
							}
						case n != first+second+third:
							t.Errorf("%s: %d of %d are there, and nothing is said", what, n, first+second+third)
						default:
							whole++
						}
					}
				}
				if refused == 0 || whole == 0 {
					t.Errorf("%d refused, %d whole", refused, whole)
				}
			})
		}
	}
}

// resumed resumes the job in dir and returns how many values it has, or why it is refused.
func resumed(t *testing.T, dir string, durability coordinator.Durability) (reason string, values int) {
	t.Helper()
	c, err := start(t, coordinator.Config{StateDir: dir, Durability: durability, CheckpointEvery: -1, Resume: true})
	if err != nil {
		return err.Error(), 0
	}
	defer c.crash()
	c.startKeeper()
	for e := range c.events {
		switch e.What {
		case wire.HappeningRefused:
			return e.Text, 0
		case wire.HappeningJoined:
			w := c.join(0)
			w.sync()
			n := len(w.values())
			w.Close()
			return "", n
		}
	}
	t.Fatal("no word")
	return "", 0
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

// TestOtherFormats: what another version of DSSS has written is refused by name, also when it is only the log.
func TestOtherFormats(t *testing.T) {
	made := func() string {
		cfg := coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1}
		c := launch(t, cfg)
		load(t, []*worker{c.join(0)}, 0, 50, 10)
		c.crash()
		return cfg.StateDir
	}
	for name, c := range map[string]struct {
		change func(dir string) error
		want   string
	}{
		"segments of another name": {func(dir string) error {
			return os.Rename(filepath.Join(dir, "log", "00000000000000000001.00000.seg"), filepath.Join(dir, "log", "00000000000000000001.seg"))
		}, "log/00000000000000000001.seg is not named as segments are"},
		"a record of another format": {func(dir string) error {
			path := filepath.Join(dir, "job.json")
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, []byte(strings.Replace(string(b), `"format": 5`, `"format": 1`, 1)), 0o666)
		}, "has format 1, this program reads format 5"},
		"an empty record": {func(dir string) error { return os.Truncate(filepath.Join(dir, "job.json"), 0) }, "put back a copy"},
	} {
		dir := made()
		if err := c.change(dir); err != nil {
			t.Fatal(err)
		}
		if reason, _ := resumed(t, dir, coordinator.Interval); !strings.Contains(reason, c.want) || strings.Contains(reason, "\n") {
			t.Errorf("%s: %q, want %q", name, reason, c.want)
		}
	}
	// Without --resume an unrecorded job is not begun anew either.
	dir := made()
	if err := os.Remove(filepath.Join(dir, "job.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := start(t, coordinator.Config{StateDir: dir}); err == nil || !strings.Contains(err.Error(), "job.json is missing") {
		t.Errorf("without a record, and without --resume: %v", err)
	}
	if _, _, err := checkpoint.Peek(dir); err == nil {
		t.Error("a look finds nothing wrong")
	}
}
