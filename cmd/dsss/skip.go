package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"dsss/checkpoint/statedir"
	"dsss/runtime/coordinator"
)

func skipCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "skip DIR SEQUENCE",
		Short: "Leave out a mutation that ends or hangs every process",
		Long: `Have the stopped job in the state directory DIR leave out the mutation at SEQUENCE when it is resumed: one in whose middle
processes have ended twice, or that did not end. The end of the job names it, and only that one can be skipped, as long as
no checkpoint holds its effect.

All processes of resumed jobs leave it out, and its caller, if that is still there to ask, is not answered. Where some
process had applied it before the job ended, what that process has told others may rest on it.

Exit code: 0 when it is noted; 1 when it cannot be; 2 when the request must change.`,
		Example: "  dsss skip job.dsss 17",
		Args:    cobra.ExactArgs(2),

		ValidArgsFunction: each(completeStateDir, completeSuspect),

		RunE: func(c *cobra.Command, args []string) error {
			seq, err := strconv.ParseUint(args[1], 10, 64)
			if err != nil {
				return &exitError{2, fmt.Sprintf("SEQUENCE %q: want the number that the end of the job named", args[1])}
			}
			s, err := coordinator.Skip(args[0], seq)
			switch {
			case errors.Is(err, coordinator.ErrUsage):
				return &exitError{2, err.Error()}
			case err != nil:
				return &exitError{1, err.Error()}
			}
			return saySkipped(c.OutOrStdout(), s)
		},
	}
}

// saySkipped says what follows from a skip.
func saySkipped(w io.Writer, s statedir.Skip) error {
	applied := "no process had applied it"
	if s.Applied {
		applied = "some process had applied it before the job ended, so that what it did, and what it told others, may be seen to be undone"
	}
	_, err := fmt.Fprintf(w, "a resumed job leaves out %v; %s\n", s.Suspect, applied)
	return err
}
