package dsss_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dsss"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/launchenv"
	"dsss/runtime/coordinator"
)

// TestReturnRoles: with Config.ReturnRoles, Join returns in the keeper when its role has ended, with what went wrong if
// something did. Main ends with exit code 0 otherwise. What the keeper ignores of its Config is logged once.
func TestReturnRoles(t *testing.T) {
	dir, token := filepath.Join(t.TempDir(), "state"), []byte("0123456789abcdef")
	ctx, cancel := context.WithCancel(t.Context())
	addr, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- coordinator.Run(ctx, coordinator.Config{Job: "roles", Token: token, Size: 1, StateDir: dir, CheckpointEvery: -1, Ready: func(a string) { addr <- a }})
	}()
	defer func() { cancel(); <-ended }()
	at := <-addr
	program := func(keeperDir string) (*exec.Cmd, *strings.Builder) {
		env := launchenv.Env{Role: launchenv.Keeper, Job: "roles", Rank: -1, Size: 1, Node: "here", Coordinator: at, Token: token, StateDir: keeperDir}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(append(os.Environ(), env.Vars()...), "DSSS_TEST_MAIN=keeps")
		var said strings.Builder
		cmd.Stderr = &said
		return cmd, &said
	}

	cmd, said := program(filepath.Join(dir, "not there"))
	_ = cmd.Run() // its state tells
	if want := ": dsss: Join: the role of this process has ended: "; cmd.ProcessState.ExitCode() != 1 || strings.Count(said.String(), want) != 1 {
		t.Errorf("a keeper that fails: %v, said %q, want %q", cmd.ProcessState, said, want)
	}

	control, err := comm.DialControl(comm.TCP{}, at, "roles", token)
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	cmd, said = program(dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		e, err := control.Next()
		if err != nil {
			t.Fatalf("the keeper did not join: %v", err)
		}
		if e.What == wire.HappeningJoined && e.Role == wire.RoleKeeper {
			break
		}
	}
	if err := control.Finish("finished"); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the keeper: %v, said %s", err, said)
	}
	want := "Config.Name, Config.StateDir, Config.Durability ignored: under 'dsss run' its flags decide; give it --name, --state-dir, --durability"
	if strings.Count(said.String(), want) != 1 || strings.Count(said.String(), "\n") != 1 {
		t.Errorf("the keeper said\n%s, want once %s", said, want)
	}
}

// keeperProgram is the program of TestReturnRoles.
func keeperProgram() {
	dsss.Main(func(context.Context, *dsss.Job) error { return errors.New("it is a worker") }, func(c *dsss.Config) {
		c.Name, c.StateDir, c.Durability, c.ReturnRoles = "main", "elsewhere", dsss.Sync, true
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	})
}
