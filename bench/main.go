// Command bench measures what DSSS costs beside the least that anybody pays: in one run on one machine, the same shapes
// over raw TCP and over DSSS, round by round one right after the other.
//
// Usage:
//
//	go run ./bench [--quick] [--only closed|pipelined|hosted|crowd|pause|codec|getter|checkpoint|state] [flags]
//
// It prints a table and writes OUT/bench.json, one flat object. Measured are
//
//   - closed: one client, one mutation at a time; beside a client and a relay that returns its 64-byte messages. The
//     processes of both sides share one core, because where the scheduler puts them moves this figure three to four times.
//   - pipelined: four clients with up to 1000 mutations outstanding each, all of which all four apply; beside four
//     clients of a relay that forwards everything to all.
//     The same with the log on disk, behind (interval) and before anybody sees it (sync), beside itself with memory.
//   - hosted: calls with results of a hosted object, beside those of a replicated one: four clients with up to 1000 outstanding each, and
//     one at a time, which is four hops in place of two, beside what two and four hops take over bare TCP; its getters; and what
//     a worker's memory grows by when the host holds 1 GiB.
//   - crowd: the same beside 10,000 connections of strangers, beside itself without them.
//   - pause: one call after the other while checkpoints of --checkpoint-mib of state are written, beside the same calls
//     while none is.
//   - codec: the generated encoders and decoders of a 64-byte call and of 8 MiB of numbers, beside copying the same bytes.
//   - checkpoint: writing one of --checkpoint-mib, which ends when it is verified, beside writing and syncing a plain file
//     of the same bytes in the same folder; restoring it, from disk and from memory, beside reading that file.
//   - state: a worker that joins a job of --checkpoint-mib of state, beside a process that takes the same bytes over one
//     connection into new memory.
//   - getter: a read of the replica beside a read of a bare map under a sync.RWMutex in the same process.
//
// The program starts itself in every role. Exit status: 0 when everything was measured, whether or not a target was
// met; 1 when something failed, such as replicas that differ; 2 for wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"dsss/internal/cli"
)

func main() { os.Exit(realMain()) }

// realMain is the program, or one of its children; it returns the exit status.
func realMain() int {
	if t := os.Getenv(varTask); t != "" {
		if err := child(t); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			return 1
		}
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	return bench(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

type options struct {
	quick, json       bool
	rounds            int
	seconds           float64
	checkpointMiB     int
	out, only         string
	results, profiles string
}

func (o *options) duration() time.Duration { return time.Duration(o.seconds * float64(time.Second)) }

// things are what --only may name.
var things = []string{"closed", "pipelined", "hosted", "crowd", "pause", "codec", "getter", "checkpoint", "state"}

var errUsage = errors.New("see bench --help")

// bench measures and reports; it returns the exit status.
func bench(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, help, err := parse(args)
	if help != "" {
		fmt.Fprint(stdout, help)
		return 0
	}
	if err == nil {
		err = measureAndReport(ctx, o, args, stdout, stderr)
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	fmt.Fprintln(stderr, "bench:", err)
	return 1
}

func parse(args []string) (o options, help string, err error) {
	flags := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	flags.BoolVar(&o.quick, "quick", false, "a run of about 15 seconds, to see that everything works: 2 rounds of 0.25 s")
	flags.IntVar(&o.rounds, "rounds", 5, "how often everything is measured")
	flags.Float64Var(&o.seconds, "seconds", 1.5, "how long each measurement lasts, warm-up apart")
	flags.StringVar(&o.out, "out", filepath.Join("bench", "out"), "folder for bench.json")
	flags.BoolVar(&o.json, "json", false, "print the JSON object in place of the table")
	flags.IntVar(&o.checkpointMiB, "checkpoint-mib", 1024, "size of the checkpoint; three times that is needed in the folder for bench.json")
	flags.StringVar(&o.only, "only", "", "measure one thing: "+strings.Join(things, ", "))
	flags.StringVar(&o.results, "results", "", "also write the table and its conditions to this markdown file")
	flags.StringVar(&o.profiles, "cpuprofile", "", "folder for CPU profiles: each process writes one, the last round's stay")
	wanted := flags.BoolP("help", "h", false, "print this help and exit")
	fail := func(format string, args ...any) (options, string, error) {
		return o, "", fmt.Errorf(format+"; %w", append(args, errUsage)...)
	}
	if err := flags.Parse(args); err != nil {
		return fail("%s", cli.FlagError(flags, err))
	}
	if *wanted {
		return o, "usage: go run ./bench [flags]\n\n" + flags.FlagUsages(), nil
	}
	if o.quick {
		if !flags.Changed("rounds") {
			o.rounds = 2
		}
		if !flags.Changed("seconds") {
			o.seconds = 0.25
		}
		if !flags.Changed("checkpoint-mib") {
			o.checkpointMiB = 32
		}
	}
	switch {
	case flags.NArg() > 0:
		return fail("unexpected argument %q", flags.Arg(0))
	case o.rounds < 1 || o.rounds > 1000:
		return fail("--rounds is %d: want 1 to 1000", o.rounds)
	case !(o.seconds >= 0.05 && o.seconds <= 600): // NaN too
		return fail("--seconds is %v: want 0.05 to 600", o.seconds)
	case o.checkpointMiB < 1 || o.checkpointMiB > 1<<20:
		return fail("--checkpoint-mib is %d: want 1 to %d", o.checkpointMiB, 1<<20)
	case o.only != "" && !slices.Contains(things, o.only):
		return fail("--only is %q: want %s", o.only, strings.Join(things, ", "))
	}
	return o, "", nil
}

func measureAndReport(ctx context.Context, o options, args []string, stdout, stderr io.Writer) error {
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o755); err != nil {
			return err
		}
	}
	r := &report{series: map[string][]float64{}, conditions: newConditions(o, args)}
	if err := measure(ctx, o, r, stderr); err != nil {
		return err
	}
	r.conditions.finish()
	if err := writeFile(filepath.Join(o.out, "bench.json"), r.json); err != nil {
		return err
	}
	if o.results != "" {
		if err := writeFile(o.results, r.markdown); err != nil {
			return err
		}
	}
	if o.json {
		return r.json(stdout)
	}
	return r.print(stdout)
}
