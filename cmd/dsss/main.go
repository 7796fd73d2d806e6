// Command dsss runs programs that share their state: 'dsss run' starts one as a job on this machine.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"dsss/internal/cli"
	"dsss/internal/version"
)

func main() { os.Exit(execute(os.Args[1:])) }

// exitError ends dsss with a code, and with one line on stderr unless text is empty.
type exitError struct {
	code int
	text string
}

func (e *exitError) Error() string { return e.text }

// execute runs one command and returns the exit code: 0, 1 for failure, 2 for a request that must change, or what a
// job's end asks for.
func execute(args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	command, err := root.ExecuteC()
	if err == nil {
		return 0
	}
	var e *exitError
	if !errors.As(err, &e) {
		// All other errors are cobra's and pflag's: the request was not understood.
		if at, rest, _ := root.Find(args); at.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
			err = verbs(at, rest) // the flags behind it may be another command's
		}
		e = &exitError{2, fmt.Sprintf("%s; see '%s --help'", cli.FlagError(command.Flags(), err), command.CommandPath())}
	}
	if e.text != "" {
		fmt.Fprintln(os.Stderr, "dsss: "+e.text)
	}
	return e.code
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "dsss",
		Short: "Run programs that share their state",
		Long: `dsss runs the processes of a parallel job that share memory made of ordinary Go objects. The state is
ordered, logged and checkpointed beside them, and survives them.`,
		Example:       "  dsss run -n 4 -- ./program args",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          verbs,
		RunE:          verbs,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			return readVariables(c.Flags())
		},
	}
	root.Flags().Bool("version", false, "print what 'dsss version' prints")
	root.Version = version.Line("dsss")
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(runCommand(), joinCommand(), leaveCommand(), saveCommand(), skipCommand(), checkpointCommand(), coordinatorCommand(), guardCommand(), vetCommand(), versionCommand())
	return root
}
