package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/applying"
	"dsss/internal/build"
	"dsss/internal/launchenv"
	"dsss/internal/protocol"
)

// TestProtocolHasANumber holds a digest of everything that launcher, coordinator and programs say to one another beside the
// protocol's number.
func TestProtocolHasANumber(t *testing.T) {
	for _, part := range []struct{ name, layout, digest string }{
		{"messages (comm/schema/comm.fbs)", schemaText(t), "6 62b5000c2041"},
		{"frames and batches (comm/frame.go, batch.go)", frames(), "6 4406a5cd7b7f"},
		{"variables (internal/launchenv, applying and build)", variables(t), "6 96d9165cf1a2"},
		{"what a process shows (internal/applying)", slot(t), "6 af746d1ec43e"},
		{"the coordinator's command line and descriptors (coordinator.go, and coordinatorSpec in launcher/job.go)", coordinatorLine(), "6 a6e3dc73ba45"},
	} {
		got := fmt.Sprintf("%d %x", protocol.Version, sha256.Sum256([]byte(part.layout)))[:14]
		if got != part.digest {
			t.Errorf("%s: number and layout are %q, here is %q: raise protocol.Version (internal/protocol) when a layout changes, so that programs and "+
				"launchers of different versions refuse each other by name, and put the new digests here; a number that moves alone is wrong, too", part.name, got, part.digest)
		}
	}
}

func schemaText(t *testing.T) string {
	b, err := os.ReadFile("../../comm/schema/comm.fbs")
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`\s+`).ReplaceAllString(regexp.MustCompile(`//[^\n]*`).ReplaceAllString(string(b), ""), " ")
}

func frames() string {
	batch := comm.AppendCall(comm.BeginBatch(nil), 1, 2, []byte("args"))
	comm.FinishBatch(batch, 3, 4, 1)
	comm.Order(batch, 5, 6, 7, 0)
	layout := fmt.Sprintf("%x %x", comm.Frame(comm.KindRefuse, &wire.RefuseT{Code: 1, Reason: "r"}), batch)
	for k := comm.Kind(1); !strings.HasPrefix(k.String(), "kind "); k++ {
		layout += " " + k.String()
	}
	return layout
}

// variables are what a worker finds in its environment, with each number that is another each time as N.
func variables(t *testing.T) string {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	lifeline, err := launchenv.LifelineVar(3, r)
	if err != nil {
		t.Fatal(err)
	}
	table, err := applying.NewTable(1)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	self, err := build.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	env := launchenv.Env{Role: launchenv.Worker, Job: "j", Rank: 1, Size: 2, Node: "n", Coordinator: "h:1", Token: []byte{1}}
	keeper := launchenv.Env{Role: launchenv.Keeper, Rank: -1, StateDir: "d"}
	host := launchenv.Env{Role: launchenv.Host, Rank: -2}
	vars := append(slices.Concat(env.Vars(), keeper.Vars(), host.Vars()), launchenv.VarJoined, lifeline, table.Var(4, 0),
		regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllString(self.Var(), "digest"))
	return regexp.MustCompile(`\d+`).ReplaceAllString(strings.Join(vars, "\n"), "N")
}

func slot(t *testing.T) string {
	table, err := applying.NewTable(2)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	s := table.Slot(1)
	s.Object("object", "class")
	s.Method("method")
	s.Applied(5)
	s.Enter(6)
	s.Ask()
	mem := make([]byte, 4096)
	n, _ := table.File().ReadAt(mem, 0) // to its end
	return fmt.Sprintf("%x %v", mem[:n], reflect.TypeFor[applying.Slot]())
}

func coordinatorLine() string {
	layout := fmt.Sprintf("%s %s ready=%d", launchenv.VarToken, launchenv.VarLifeline, readyFD)
	coordinatorCommand().Flags().VisitAll(func(f *pflag.Flag) { layout += " --" + f.Name + " " + f.Value.Type() })
	return layout
}

// TestOtherVersionOfDSSS: a program, and a coordinator, whose launcher is of another version say so at once, in one line, with
// both versions.
func TestOtherVersionOfDSSS(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for change, theirs := range map[string]string{"DSSS_PROTOCOL=99": "version 99", "-u DSSS_PROTOCOL": "an older one"} {
		dir := t.TempDir()
		args := append(strings.Fields("run --name job -n 1 -- env "+change), self, "program", "0", "0")
		code, out, errs := dsssIn(t, dir, args...)
		want := fmt.Sprintf("another version of DSSS: this process speaks version %d of its protocol, its launcher %s: build the program with the DSSS that 'dsss run' is of, or run it by ", protocol.Version, theirs)
		if code != 1 || out != "" || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("program, %s: exit code %d, stdout %q, stderr %q", change, code, out, errs)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
		for _, flags := range []string{"--job j", "--a-flag-of-99"} {
			c, _, errw := command(dir, append([]string{"coordinator"}, strings.Fields(flags)...)...)
			c.Env = append(c.Env, "DSSS_TOKEN=00")
			if strings.Contains(change, "=") {
				c.Env = append(c.Env, change)
			}
			_ = c.Run() // the state tells
			if said := errw.String(); c.ProcessState.ExitCode() != 2 || !strings.Contains(said, want) || strings.Count(said, "\n") != 1 {
				t.Errorf("coordinator %s, %s: exit code %d, stderr %q", flags, change, c.ProcessState.ExitCode(), said)
			}
		}
	}
}
