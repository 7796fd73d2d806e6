// Command tsp finds the shortest round trip through the cities of a TSPLIB file, with proof, by parallel branch and bound.
//
//	dsss run -n 4 --state-dir DIR -- tsp europe.tsp
//
// The processes share one object, Search in shared.go: the shortest tour known, the pool of open subproblems, and
// who holds which. Every process takes subproblems from the pool, searches them for a time slice and puts back what is
// left. While it searches it reads the length of the shortest tour before every node, at the price of a read of
// its own memory. Killed at any moment, the job resumes with the pool as it was, on any number of processes; and under
// --on-failure respawn any one process may be killed while the others run on.
//
// The bound is kept weaker than it could be, see quick and strong: at full strength one process proves the capitals of
// Europe in a fraction of a second, and there would be nothing to share. Either way the tour is the shortest.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"

	"dsss/examples/hpc/tsp/search"
	"dsss/examples/hpc/tsp/tourmap"
	"dsss/examples/hpc/tsp/tsplib"
	"dsss/internal/outfile"
)

const usage = `usage: tsp [--png FILE] [--json] [--strong] FILE.tsp

Finds the shortest round trip through the cities of a TSPLIB file, with proof.

`

var (
	// quick is the default bound: an ascent at the root that stops halfway, and one 1-tree under its multipliers for every
	// subproblem. A subproblem takes 5 microseconds, and data/europe.tsp takes four to five million of them.
	quick = search.Config{RootSteps: 137, Steps: 1}
	// strong goes up to where the bound hardly moves, and on in every subproblem: 50 microseconds each, and a few
	// thousand of them. It is what to solve instances of one's own with.
	strong = search.Config{RootSteps: 300, Steps: 30}
)

// options is what the command line asks for.
type options struct {
	file   string
	png    string // where to draw the tour, or ""
	json   bool
	config search.Config
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout)
	cancel()
	var bad usageError
	switch {
	case errors.Is(err, pflag.ErrHelp):
	case errors.As(err, &bad):
		fmt.Fprintf(os.Stderr, "tsp: %v\n", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "tsp: %v\n", err)
		os.Exit(1)
	}
}

// usageError is an error that nothing was started for.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// command reads and checks everything there is to check, and only then joins the job.
func command(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	in, err := tsplib.ReadFile(o.file)
	if err != nil {
		return usageError{err}
	}
	if o.png != "" && in.Coords == nil {
		return usageError{fmt.Errorf("--png %s: %w", o.png, tourmap.ErrNoPlaces)}
	}
	return solve(ctx, o, in, out)
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	flags := pflag.NewFlagSet("tsp", pflag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(out, usage, flags.FlagUsages()) }
	flags.StringVar(&o.png, "png", "", "draw the tour on a map in this `FILE`")
	flags.BoolVar(&o.json, "json", false, "print the result as one JSON object")
	full := flags.Bool("strong", false, "bound as well as possible: the quickest search, but it leaves less to share")
	if err := flags.Parse(args); errors.Is(err, pflag.ErrHelp) {
		return o, err
	} else if err != nil {
		return o, usageError{fmt.Errorf("%w; see tsp --help", err)}
	}
	if flags.NArg() != 1 {
		return o, usageError{fmt.Errorf("%d files given, want one: tsp [--png FILE] [--json] [--strong] FILE.tsp", flags.NArg())}
	}
	o.file, o.config = flags.Arg(0), quick
	if *full {
		o.config = strong
	}
	if o.png != "" {
		if err := outfile.Check(o.png); err != nil {
			return o, usageError{fmt.Errorf("--png %s: %w; name a file that can be written", o.png, err)}
		}
	}
	return o, nil
}
