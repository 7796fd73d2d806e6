package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"dsss/internal/setting"
	"dsss/launcher"
)

// The commands that act on a running job from another terminal.

const operateLong = `

DIR is the state directory of the running job; without it, the only ./NAME.dsss in which a job runs.

Exit code: 0 when it is done; 1 when it cannot be; 2 when the request must change.`

func joinCommand() *cobra.Command {
	var count int
	c := operateCommand("join", "Add workers to a running job",
		`Add workers to a running job: the same program with the same arguments, on the ranks of workers that were lost or have
left, lowest first, and then on new ones. They begin with the job's state as it is. It waits until they have joined.`,
		func(ctx context.Context, o *launcher.Operator) error { return o.Join(ctx, count) })
	c.Example = "  dsss join -n 2 job.dsss"
	define(c.Flags(), "workers", "n", "1", "int", "number of workers", whole(&count, setting.Workers))
	choose(c, "workers")
	return c
}

func leaveCommand() *cobra.Command {
	var rank int
	c := operateCommand("leave", "End one worker of a running job",
		`End one worker of a running job: it gets SIGTERM, and SIGKILL after the job's --grace; the others go on, and its
exit is no failure. When the last one leaves, the job ends as finished. It waits until the worker is gone.`,
		func(ctx context.Context, o *launcher.Operator) error { return o.Leave(ctx, rank) })
	c.Example = "  dsss leave --rank 3 job.dsss"
	define(c.Flags(), "rank", "", "", "int", "rank of the worker", whole(&rank, setting.Rank))
	_ = c.RegisterFlagCompletionFunc("rank", completeRank)
	_ = c.MarkFlagRequired("rank") // it exists
	return c
}

func saveCommand() *cobra.Command {
	c := operateCommand("save", "Write a checkpoint of a running job now",
		`Write a checkpoint of a running job now, and wait until it is written and verified. No worker pauses for it. SIGUSR1
to the launcher does the same.`,
		func(ctx context.Context, o *launcher.Operator) error { return o.Save(ctx) })
	c.Example = "  dsss save job.dsss"
	return c
}

// operateCommand is a command that calls do with the job that its argument names.
func operateCommand(name, short, long string, do func(context.Context, *launcher.Operator) error) *cobra.Command {
	var stateDir string
	c := &cobra.Command{
		Use:               name + " [flags] [DIR]",
		Short:             short,
		Long:              long + operateLong,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: each(completeStateDir),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				if c.Flag("state-dir").Changed {
					return fmt.Errorf("two state directories given, %s and %s: want one", stateDir, args[0])
				}
				stateDir = args[0]
			}
			return operate(c.OutOrStdout(), stateDir, do)
		},
	}
	fromVariable(define(c.Flags(), "state-dir", "", "", "DIR", "state directory of the job; the same as DIR", word(&stateDir, given("a directory"))))
	_ = c.RegisterFlagCompletionFunc("state-dir", completeStateDir)
	return c
}

func operate(out io.Writer, stateDir string, do func(context.Context, *launcher.Operator) error) error {
	ends := []os.Signal{syscall.SIGTERM}
	if !signal.Ignored(os.Interrupt) { // by a shell that put us into the background: so it stays
		ends = append(ends, os.Interrupt)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()
	o, err := launcher.Operate(stateDir, func(line string) { _, _ = fmt.Fprintln(out, line) }) // a closed pipe changes nothing
	if err == nil {
		err = do(ctx, o)
		o.Close()
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, launcher.ErrUsage):
		return &exitError{2, err.Error()}
	case ctx.Err() != nil:
		return &exitError{1, "interrupted; what was asked for goes on"}
	}
	return &exitError{1, err.Error()}
}
