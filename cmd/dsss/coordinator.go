package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"dsss/internal/launchenv"
	"dsss/launcher/fleet"
	"dsss/runtime/coordinator"
)

// coordinatorFlags are what the launcher says on the command line; see coordinatorSpec in package launcher. The
// token comes through the environment, where other users cannot read it.
type coordinatorFlags struct {
	job, stateDir, durability string
	size, keep, listenFD      int
	every, mtbf               time.Duration
	overhead                  float64
	resume, takeover, verbose bool
	expect                    []int32
	least                     []string
}

// readyFD is the pipe on which the launcher waits for our address.
const readyFD = fleet.ReadyFD

func coordinatorCommand() *cobra.Command {
	var flags coordinatorFlags
	c := &cobra.Command{
		Use:    "coordinator",
		Short:  "Order a job's mutations (started by dsss run)",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return runCoordinator(flags) },
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cmp.Or(foreignLauncher(), err) })
	f := c.Flags()
	f.StringVar(&flags.job, "job", "", "name of the job")
	f.IntVar(&flags.size, "size", 0, "number of workers")
	f.StringVar(&flags.stateDir, "state-dir", "", "state directory")
	f.StringVar(&flags.durability, "durability", "interval", "memory, interval or sync")
	f.DurationVar(&flags.every, "checkpoint-every", 0, "interval of checkpoints; 0: by what one costs, negative: only at the end")
	f.DurationVar(&flags.mtbf, "mtbf", 0, "mean time between failures that is expected")
	f.Float64Var(&flags.overhead, "checkpoint-overhead", 0, "largest share of time for checkpoints")
	f.IntVar(&flags.listenFD, "listen-fd", -1, "inherited socket to listen on")
	f.BoolVar(&flags.takeover, "takeover", false, "go on with the running job, whose coordinator died")
	f.Int32SliceVar(&flags.expect, "expect", nil, "with --takeover: ranks whose processes live, -1 is the keeper, -2 the host")
	f.StringSliceVar(&flags.least, "least", nil, "with --takeover: RANK:INCARNATION, the least whose process may live")
	f.IntVar(&flags.keep, "keep", 2, "number of checkpoints kept")
	f.BoolVar(&flags.resume, "resume", false, "go on with the job in the state directory")
	f.BoolVar(&flags.verbose, "verbose", false, "log more")
	return c
}

// foreignLauncher is the error of a coordinator whose launcher is of another version: its flags may be others.
func foreignLauncher() error {
	if err := launchenv.CheckProtocol(); err != nil && os.Getenv(launchenv.VarToken) != "" {
		return &exitError{2, err.Error()}
	}
	return nil
}

func runCoordinator(flags coordinatorFlags) error {
	if err := foreignLauncher(); err != nil {
		return err
	}
	token, err := hex.DecodeString(os.Getenv(launchenv.VarToken))
	if err != nil || len(token) == 0 {
		return &exitError{2, launchenv.VarToken + " is not set: the coordinator is started by 'dsss run', not by hand"}
	}
	least := map[int32]uint64{}
	for _, text := range flags.least {
		var rank int32
		var incarnation uint64
		if _, err := fmt.Sscanf(text, "%d:%d", &rank, &incarnation); err != nil {
			return &exitError{2, fmt.Sprintf("--least %s: want RANK:INCARNATION", text)}
		}
		least[rank] = incarnation
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
	syscall.CloseOnExec(flags.listenFD)
	file := os.NewFile(uintptr(flags.listenFD), "listener")
	listener, err := net.FileListener(file)
	if err != nil {
		return &exitError{2, fmt.Sprintf("--listen-fd %d is no listening socket (%v): the coordinator is started by 'dsss run', not by hand", flags.listenFD, err)}
	}
	_ = file.Close() // listener has its own
	err = coordinator.Run(ctx, coordinator.Config{
		Job: flags.job, Token: token, Size: flags.size, StateDir: flags.stateDir, Resume: flags.resume,
		Listener: listener, Takeover: flags.takeover, Expect: flags.expect, Least: least,
		Durability: coordinator.Durability(flags.durability), CheckpointEvery: flags.every, Keep: flags.keep,
		MTBF: flags.mtbf, Overhead: flags.overhead,
		Ready: func(addr string) { announce(ready, addr) },
		Log:   newPlainLog(os.Stderr, level),
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
