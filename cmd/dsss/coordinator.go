package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"dsss/internal/launchenv"
	"dsss/runtime/coordinator"
)

// coordinatorFlags are what the launcher says on the command line; see coordinatorArgs in package launcher. The
// token comes through the environment, where other users cannot read it.
type coordinatorFlags struct {
	job, stateDir, durability string
	size, keep                int
	every                     time.Duration
	resume, verbose           bool
}

// readyFD is the pipe on which the launcher waits for our address.
const readyFD = 3

func coordinatorCommand() *cobra.Command {
	var flags coordinatorFlags
	c := &cobra.Command{
		Use:    "coordinator",
		Short:  "Order a job's mutations (started by dsss run)",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return runCoordinator(flags) },
	}
	f := c.Flags()
	f.StringVar(&flags.job, "job", "", "name of the job")
	f.IntVar(&flags.size, "size", 0, "number of workers")
	f.StringVar(&flags.stateDir, "state-dir", "", "state directory")
	f.StringVar(&flags.durability, "durability", "interval", "memory, interval or sync")
	f.DurationVar(&flags.every, "checkpoint-every", 0, "interval of checkpoints")
	f.IntVar(&flags.keep, "keep", 2, "number of checkpoints kept")
	f.BoolVar(&flags.resume, "resume", false, "go on with the job in the state directory")
	f.BoolVar(&flags.verbose, "verbose", false, "log more")
	return c
}

func runCoordinator(flags coordinatorFlags) error {
	token, err := hex.DecodeString(os.Getenv(launchenv.VarToken))
	if err != nil || len(token) == 0 {
		return &exitError{2, launchenv.VarToken + " is not set: the coordinator is started by 'dsss run', not by hand"}
	}
	ready := os.NewFile(readyFD, "ready")
	if _, err := ready.Stat(); err != nil {
		return &exitError{2, "descriptor 3 is closed: the coordinator is started by 'dsss run', not by hand"}
	}
	syscall.CloseOnExec(readyFD)
	// The launcher's death is the end of the job, whatever it was doing: the log on disk is what a resumed job reads.
	_ = launchenv.WatchLifeline(func() { os.Exit(1) })
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	level := slog.LevelError
	if flags.verbose {
		level = slog.LevelInfo
	}
	if flags.every == 0 {
		flags.every = -1 // our zero is "only at the end", the coordinator's is its default
	}
	err = coordinator.Run(ctx, coordinator.Config{
		Job: flags.job, Token: token, Size: flags.size, StateDir: flags.stateDir, Resume: flags.resume,
		Durability: coordinator.Durability(flags.durability), CheckpointEvery: flags.every, Keep: flags.keep,
		Ready: func(addr string) { announce(ready, addr) },
		Log:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, coordinator.ErrUsage):
		return &exitError{2, err.Error()}
	case errors.Is(err, context.Canceled):
		return &exitError{1, ""} // by the launcher, which knows why
	}
	return &exitError{1, err.Error()}
}

// announce tells the launcher where we listen. If it is gone, the lifeline says so.
func announce(ready io.WriteCloser, addr string) {
	_, _ = fmt.Fprintln(ready, addr)
	_ = ready.Close()
}
