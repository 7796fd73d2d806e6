package coordinator_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"dsss/checkpoint/statedir"
	"dsss/comm/wire"
	"dsss/runtime/coordinator"
)

// rewrite changes the job's record in a state directory that nobody owns.
func rewrite(t *testing.T, stateDir string, change func(*statedir.Job)) {
	t.Helper()
	dir, err := statedir.Open(stateDir, statedir.Config{})
	if err != nil {
		t.Fatal(err)
	}
	job, _ := dir.Job()
	change(&job)
	if err := errors.Join(dir.PutJob(job), dir.Close()); err != nil {
		t.Fatal(err)
	}
}

// crashed returns the state directory of a job that was killed after 10 values, with a checkpoint behind the fourth, and
// the sequence numbers of the values.
func crashed(t *testing.T) (cfg coordinator.Config, seqs []uint64) {
	t.Helper()
	cfg = coordinator.Config{StateDir: stateDir(t), Durability: coordinator.Sync, CheckpointEvery: -1}
	c := launch(t, cfg)
	w := c.join(0)
	for i := range uint64(10) {
		seqs = append(seqs, w.append(i).seq)
		if i == 3 {
			if _, err := w.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.crash()
	return cfg, seqs
}

func suspects(seqs ...uint64) []statedir.Suspect {
	var out []statedir.Suspect
	for _, seq := range seqs {
		out = append(out, statedir.Suspect{Sequence: seq, Object: "list", Class: "test.list", Method: "Append", Count: statedir.SuspectAt})
	}
	return out
}

// A mutation that was skipped is left out by all who join, also after the job has been resumed again and taken over.
func TestSkip(t *testing.T) {
	cfg, seqs := crashed(t)
	rewrite(t, cfg.StateDir, func(j *statedir.Job) { j.Suspects = suspects(seqs[6]) })
	s, err := coordinator.Skip(cfg.StateDir, seqs[6])
	if err != nil || s.String() != statedir.Suspect(suspects(seqs[6])[0]).String() || len(s.Hash) != 64 {
		t.Fatalf("%+v, %v", s, err)
	}
	cfg.Resume = true
	for range 2 {
		c, err := start(t, cfg)
		if err != nil {
			t.Fatal(err)
		}
		c.startKeeper()
		if e := c.event(wire.HappeningWarned); e.Sequence != seqs[6] || !strings.HasPrefix(e.Text, `leaving out test.list.Append on object "list"`) {
			t.Errorf("resumed with %+v", e)
		}
		c.event(wire.HappeningJoined)
		w := c.join(0)
		c.kill()
		c.takeOver(-1, 0)
		c.event(wire.HappeningRecovered)
		if got := agree(t, w, c.join(1)); !slices.Equal(got, []uint64{0, 1, 2, 3, 4, 5, 7, 8, 9}) {
			t.Errorf("the list is %v", got)
		}
		c.crash()
	}
}

// A record from before the skip, put back after it, does not bring the mutation back.
func TestSkipOutlivesTheRecord(t *testing.T) {
	cfg, seqs := crashed(t)
	rewrite(t, cfg.StateDir, func(j *statedir.Job) { j.Suspects = suspects(seqs[6]) })
	if _, err := coordinator.Skip(cfg.StateDir, seqs[6]); err != nil {
		t.Fatal(err)
	}
	rewrite(t, cfg.StateDir, func(j *statedir.Job) { j.Skips, j.Suspects = nil, suspects(seqs[6]) })
	cfg.Resume = true
	c := launch(t, cfg)
	if got := agree(t, c.join(0)); !slices.Equal(got, []uint64{0, 1, 2, 3, 4, 5, 7, 8, 9}) {
		t.Errorf("the list is %v", got)
	}
	c.crash()
}

// What cannot be skipped, and what a resume refuses.
func TestSkipRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		suspects func(seqs []uint64) []statedir.Suspect
		seq      func(seqs []uint64) uint64
		want     string
	}{
		"nothing noted":   {func([]uint64) []statedir.Suspect { return nil }, func(s []uint64) uint64 { return s[6] }, "no mutation may be skipped"},
		"another noted":   {func(s []uint64) []statedir.Suspect { return suspects(s[7]) }, func(s []uint64) uint64 { return s[6] }, `only test.list.Append on object "list" (sequence number `},
		"in a checkpoint": {func(s []uint64) []statedir.Suspect { return suspects(s[2]) }, func(s []uint64) uint64 { return s[2] }, "'dsss run --resume' goes on behind it"},
		"beyond the log":  {func(s []uint64) []statedir.Suspect { return suspects(1000) }, func(s []uint64) uint64 { return 1000 }, "the log in "},
		"once": {func(s []uint64) []statedir.Suspect {
			one := suspects(s[6])
			one[0].Count = 1
			return one
		}, func(s []uint64) uint64 { return s[6] }, "no mutation may be skipped"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, seqs := crashed(t)
			rewrite(t, cfg.StateDir, func(j *statedir.Job) { j.Suspects = c.suspects(seqs) })
			if _, err := coordinator.Skip(cfg.StateDir, c.seq(seqs)); !errors.Is(err, coordinator.ErrUsage) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
			if job, _, err := statedir.Peek(cfg.StateDir); err != nil || len(job.Skips) > 0 {
				t.Errorf("noted %v, %v", job.Skips, err)
			}
		})
	}
	t.Run("another mutation in the log", func(t *testing.T) {
		cfg, seqs := crashed(t)
		rewrite(t, cfg.StateDir, func(j *statedir.Job) { j.Suspects = suspects(seqs[6]) })
		if _, err := coordinator.Skip(cfg.StateDir, seqs[6]); err != nil {
			t.Fatal(err)
		}
		rewrite(t, cfg.StateDir, func(j *statedir.Job) { j.Skips[0].Sequence = seqs[5] })
		cfg.Resume = true
		c, err := start(t, cfg)
		if err != nil {
			t.Fatal(err)
		}
		c.startKeeper()
		if e := c.event(wire.HappeningRefused); !strings.Contains(e.Text, "the log holds another mutation at sequence number ") {
			t.Errorf("refused with %+v", e)
		}
		c.control.Close()
		<-c.result
	})
	t.Run("the log lost it", func(t *testing.T) {
		cfg, seqs := crashed(t)
		rewrite(t, cfg.StateDir, func(j *statedir.Job) {
			j.Suspects = suspects(seqs[6], 1000)
			j.Skips = []statedir.Skip{{Suspect: suspects(1001)[0]}}
		})
		cfg.Resume = true
		c := launch(t, cfg)
		c.crash()
		if job, _, err := statedir.Peek(cfg.StateDir); err != nil || len(job.Skips) > 0 || len(job.Suspects) != 1 {
			t.Errorf("kept %v and %v, %v", job.Skips, job.Suspects, err)
		}
	})
}

// A wish for the end that comes before the order goes on is heard once it does: what replicas alone know is in the last
// checkpoint.
func TestFinishDuringTakeover(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t), Durability: coordinator.Memory, CheckpointEvery: -1})
	w := c.join(0)
	w.append(1)
	c.network.hold(2) // the worker, which is expected
	c.kill()
	c.takeOver(-1, 0)
	if err := c.control.Finish("interrupted"); err != nil {
		t.Fatal(err)
	}
	c.network.release()
	if e := c.event(wire.HappeningCheckpointed); e.Sequence < 2 {
		t.Errorf("checkpointed %+v", e)
	}
	if err := <-c.result; err != nil {
		t.Error(err)
	}
}

// FinishUnsaved ends a job whose keeper takes nothing, whether or not the end was wished for before.
func TestFinishUnsaved(t *testing.T) {
	for _, before := range []bool{false, true} {
		c := launch(t, coordinator.Config{StateDir: stateDir(t), CheckpointEvery: -1})
		w := c.join(0)
		w.append(1)
		c.network.hold(1) // the keeper
		if before {
			if err := c.control.Finish("interrupted"); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.control.FinishUnsaved("interrupted"); err != nil {
			t.Fatal(err)
		}
		c.event(wire.HappeningCheckpointFailed)
		c.network.release()
		if err := <-c.result; err != nil {
			t.Error(err)
		}
		if job, _, err := statedir.Peek(c.cfg.StateDir); err != nil || job.Status != statedir.Interrupted {
			t.Errorf("status %s, %v", job.Status, err)
		}
	}
}
