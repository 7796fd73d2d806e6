package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/inspect"
)

// look runs 'dsss checkpoint' and checks its exit code and that its output, or its one line on stderr, matches.
func look(t *testing.T, dir string, code int, want string, args ...string) string {
	t.Helper()
	got, out, errs := dsssIn(t, dir, append([]string{"checkpoint"}, args...)...)
	text := out
	if errs != "" {
		text = errs
		if strings.Count(errs, "\n") != 1 {
			t.Errorf("dsss checkpoint %s: stderr %q, want one line", args, errs)
		}
	}
	if got != code || !regexp.MustCompile("(?s)^"+want+"$").MatchString(text) {
		t.Errorf("dsss checkpoint %s: exit code %d, %q; want %d, %s", strings.Join(args, " "), got, text, code, want)
	}
	return out
}

// TestCheckpointVerbs runs a program with a generated class and looks at what it leaves, without it.
func TestCheckpointVerbs(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "pi"), "dsss/examples/hpc/pi")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run, _, _ := command(dir, "run", "-n", "2", "--checkpoint-every", "50ms", "--keep", "3", "--verbose", "--", "./pi")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	run.Stderr = w
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for range 2 {
		until(t, r, "dsss: checkpoint at ")
	}
	if err := run.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Error(err)
	}
	if _ = run.Wait(); run.ProcessState.ExitCode() != 130 {
		t.Fatal(run.ProcessState)
	}
	infos, err := statedir.StoreOf(filepath.Join(dir, "pi.dsss")).List()
	if err != nil || len(infos) < 2 {
		t.Fatalf("%d checkpoints, %v", len(infos), err)
	}
	newest, older := infos[0], infos[1]
	at := func(i snapshot.Info) string { return fmt.Sprintf("pi.dsss@%d", i.Seq) }

	look(t, dir, 0, `job pi, program pi: interrupted, run 1, epoch 1, durability interval\nsequence .*`+fmt.Sprint(newest.Seq)+` .*\nlog: \d+ segments from sequence number \d+ on, \d+ bytes\n`, "ls", "pi.dsss")
	look(t, dir, 0, `\{\n  "job": \{.*"name": "pi".*"checkpoints": \[\n.*"sequence": `+fmt.Sprint(newest.Seq)+`,.*"log": \[.*`, "ls", "--json", "pi.dsss")
	look(t, dir, 0, `(\S+\.(db|seg): sound\n)+`, "verify", "pi.dsss")
	look(t, dir, 0, `job pi at sequence number `+fmt.Sprint(newest.Seq)+`, .*\ntally +main.Tally +\d+\n`, "show", "pi.dsss")
	look(t, dir, 0, `darts: \d+\nhits: \d+\n`, "show", newest.Path, "tally")
	look(t, dir, 0, `\d+\n`, "show", "pi.dsss", "tally.hits")
	look(t, dir, 0, `\{"tally":\{"darts":\d+,"hits":\d+\}\}\n`, "export", at(older))
	look(t, dir, 0, `\d+\n`, "export", "pi.dsss", "tally.darts")
	look(t, dir, 1, `tally\.darts: \d+, then \d+\ntally\.hits: \d+, then \d+\n`, "diff", at(older), at(newest))
	look(t, dir, 0, ``, "diff", at(newest), newest.Path)

	look(t, dir, 2, `dsss: no object is named other: look .*\n`, "show", "pi.dsss", "other")
	look(t, dir, 2, `dsss: .*no such place: \.other\n`, "export", "pi.dsss", "tally.other")
	for _, path := range []string{"tally[", "tally[]", "tally.darts.", "tally.", "tally..darts", "tally[0]", "tally.darts[0]"} {
		look(t, dir, 2, `dsss: .*\n`, "show", "pi.dsss", path)
		look(t, dir, 2, `dsss: .*\n`, "export", "pi.dsss", path)
	}
	look(t, dir, 2, `dsss: pi.dsss has no checkpoint at sequence number 1000000000000: look .*\n`, "show", "pi.dsss@1000000000000")
	look(t, dir, 2, `dsss: none holds no job: name the state directory.*\n`, "ls", "none")
	look(t, dir, 2, `dsss: accepts 1 arg.*\n`, "verify")

	b, err := os.ReadFile(older.Path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(older.Path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, errs := dsssIn(t, dir, "checkpoint", "verify", "pi.dsss")
	if code != 1 || !strings.Contains(errs, "found wrong: 1;") || !strings.Contains(out, filepath.Base(older.Path)+": ") {
		t.Errorf("verify of a damaged one: exit code %d, %q, %q", code, out, errs)
	}
}

// TestHandWrittenClass: a class that view cannot read is named, sized and compared all the same.
func TestHandWrittenClass(t *testing.T) {
	dir := t.TempDir()
	write := func(seq uint64, state string) {
		w, err := snapshot.Store{Dir: dir}.Create(snapshot.Meta{Seq: seq, Job: "job"})
		if err == nil {
			err = w.BeginObject(snapshot.Object{ID: 1, Name: "own", Class: "main.own", Schema: "my own"})
		}
		if err == nil {
			err = w.Chunk([]byte(state))
		}
		if err == nil {
			_, err = w.Commit()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write(1, "one")
	write(2, "two")
	infos, err := snapshot.Store{Dir: dir}.List()
	if err != nil || len(infos) != 2 {
		t.Fatal(infos, err)
	}
	look(t, dir, 0, `job job at sequence number 2.*own +main.own +3\n`, "show", infos[0].Path)
	look(t, dir, 1, `dsss: object own: class main.own was written by hand, so only its program can read it: `+regexp.QuoteMeta(inspect.ErrSchema.Error())+`.*\n`, "show", infos[0].Path, "own")
	look(t, dir, 1, `own: differs.*\n`, "diff", infos[0].Path, infos[1].Path)
}
