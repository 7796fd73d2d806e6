package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"dsss/internal/limits"
	"dsss/internal/outfile"
	"dsss/internal/setting"
	"dsss/launcher"
)

const runLong = `Run PROGRAM as a job of N workers on this machine, with a coordinator and a keeper beside them.

The keeper is PROGRAM once more: it checks the arguments and joins before any worker is started, and writes the
checkpoints. The host, which holds hosted objects, is PROGRAM once more when one is first used. Flags behind PROGRAM
belong to it. Workers, keeper and host read nothing from stdin.

The state of the job is kept in the state directory: log, checkpoints and how the job ended. A later run with
--resume goes on from there, on any number of workers.

Ctrl-C, SIGTERM and SIGHUP mean: write a checkpoint, tell the workers to end, kill those left after --grace. The
second one kills everything at once. SIGUSR1 means: write a checkpoint. SIGUSR2 is passed on to the workers. No process of
the job is left behind. A reader of the output that takes none is waited for, in an ended job for --grace after a signal.

A coordinator that dies or hangs, and a keeper or host that dies, is replaced while the workers run on. A worker that
fails ends the job, unless --on-failure says otherwise: continue goes on without it, respawn starts it again. dsss join, dsss leave and dsss save
act on the running job from another terminal.

Without --checkpoint-every, checkpoints come as often as loses the least to them and to failures together, given what
one costs and a failure every --mtbf (Daly 2006), taking at most the share --checkpoint-overhead of the time; another
is written before --deadline, which SLURM and Torque tell by themselves.

--output tag puts each line's rank before it, and cuts one of more than 64 KiB into several; plain passes every byte as it
is. dir=PATH appends each worker's output to PATH/rank-0000.out and .err, and what keeper, host and
coordinator say to keeper.err, host.err and coordinator.err. Progress is a status line on a terminal, else lines on stderr.

Flags can be set by the variables in brackets, too. A flag counts more than its variable, and that more than the default;
--verbose says which it was. The variables are for this command alone: PROGRAM and what it starts do not see them.

Exit code: 0 when all workers exited with 0; the exit code of the worker that failed first, or 128 + signal; 128 +
signal when the job was interrupted; 2 when the request must change and no worker was started; PROGRAM's own when it
ended before it joined; 1 otherwise. The last line on stderr says how the job ended and why.

--json adds that as one JSON object, as the very last line on stderr; --json=FILE writes it to FILE instead: a plain file
is replaced once it is complete, a device or FIFO is written to, links are followed. Its fields: job, status (finished,
interrupted, failed, refused), exit_code, cause (text, rank, pid, code, signal, stderr), workers, seconds, mutations,
checkpoints, checkpointed, state_dir, lost (what --on-failure continue went on without, each as cause), mutation (one that
ended processes or did not end: sequence, object, class, method, processes, endless, applied), unread (output is missing,
because nobody read it and the job was told to end).`

const runExample = `  dsss run -n 4 -- ./program args
  dsss run -n 2 --resume -- ./program args
  dsss run -n 8 --durability sync --json=report.json --output dir=out -- ./program args
  dsss run -n 8 --on-failure respawn --deadline 1h -- ./program args`

func runCommand() *cobra.Command {
	var cfg launcher.Config
	var report string
	c := &cobra.Command{
		Use:     "run [flags] [--] PROGRAM [ARGS]",
		Short:   "Run a program as a job on this machine",
		Long:    runLong,
		Example: runExample,
		Args:    cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) (err error) {
			cfg.Program = args
			if c.Flag("deadline").Value.String() == "" {
				cfg.Deadline, err = launcher.ParseDeadline("", time.Now())
			}
			if err != nil {
				return err
			}
			if cfg.Verbose {
				fmt.Fprintf(os.Stderr, "dsss: %s\n", origins(c.Flags()))
			}
			return run(cfg, report)
		},
	}
	runFlags(c, &cfg, &report)
	return c
}

func runFlags(c *cobra.Command, cfg *launcher.Config, report *string) {
	f := c.Flags()
	f.SetInterspersed(false) // flags behind the program are the program's
	f.SortFlags = false
	define(f, "workers", "n", strconv.Itoa(min(runtime.GOMAXPROCS(0), setting.Workers.Most)), "int", "number of workers; by default one per CPU that this process may use (a quota of a control group counts, and so does GOMAXPROCS)", whole(&cfg.Workers, setting.Workers))
	define(f, "name", "", "", "string", "name of the job (default the program's base name, or with --resume the job's)", word(&cfg.Name, setting.Name))
	define(f, "state-dir", "", "", "DIR", "where log and checkpoints are kept (default ./NAME.dsss)", word(&cfg.StateDir, given("a directory")))
	f.BoolVar(&cfg.Resume, "resume", false, "go on with the job in the state directory")
	define(f, "checkpoint-every", "", "auto", "duration", "interval of checkpoints: auto, a duration, or 0 for the end only", into(&cfg.CheckpointEvery, setting.Every))
	define(f, "mtbf", "", "24h", "duration", "time between failures of the job that auto counts with", duration(&cfg.MTBF, setting.MTBF))
	define(f, "checkpoint-overhead", "", "1%", "share", "largest share of time that auto spends on checkpoints", into(&cfg.Overhead, setting.Share))
	define(f, "deadline", "", "", "time", "when the job will be ended from outside: a time (RFC 3339), a duration, or none (default what SLURM or Torque say)", into(&cfg.Deadline, deadlineOf))
	define(f, "on-failure", "", "abort", "string", "when a worker fails: abort, continue without it, or respawn it", word(&cfg.OnFailure, setting.OnFailure.Check))
	define(f, "durability", "", "interval", "string", "when a mutation is safe: memory (from the death of any one process), interval (on disk soon), sync (on disk first)", word(&cfg.Durability, setting.Durability.Check))
	define(f, "keep", "", "2", "int", "number of checkpoints kept", whole(&cfg.Keep, setting.Keep))
	define(f, "output", "", "tag", "string", "workers' output: tag (each line with its rank), plain, dir=PATH", word(&cfg.Output, launcher.CheckOutput))
	define(f, "grace", "", "5s", "duration", "how long workers that were told to end may take", duration(&cfg.Grace, setting.Grace))
	f.BoolVar(&cfg.Verbose, "verbose", false, "also report checkpoints, connections refused or lost, and where flags have their values from")
	define(f, "json", "", "", "FILE", "report the job's end as JSON too, on stderr or to FILE", word(report, given("a file, as in --json=report.json, or --json alone")))
	f.Lookup("json").NoOptDefVal = "-"
	f.VisitAll(fromVariable)
	define(f, "control-silence", "", "", "duration", "how long the coordinator may say nothing before it is replaced", duration(&cfg.Silence, setting.Silence))
	_ = f.MarkHidden("control-silence") // there is; it is for tests
	choose(c, "durability", setting.Durability...)
	choose(c, "on-failure", setting.OnFailure...)
	choose(c, "checkpoint-every", "auto", "0")
	choose(c, "deadline", "none")
	for _, name := range []string{"workers", "name", "mtbf", "checkpoint-overhead", "keep", "grace"} {
		choose(c, name)
	}
	_ = c.RegisterFlagCompletionFunc("output", completeOutput)
	_ = c.RegisterFlagCompletionFunc("state-dir", completeStateDir)
}

// deadlineOf reads --deadline.
func deadlineOf(s string) (time.Time, error) {
	if err := given("a time, a duration or none")(s); err != nil {
		return time.Time{}, err
	}
	return launcher.ParseDeadline(s, time.Now())
}

// run runs the job and reports it: one line, then JSON if report says so ("": no, "-": stderr, else a file).
func run(cfg launcher.Config, report string) error {
	if report != "" && report != "-" {
		if err := outfile.Check(report); err != nil {
			return &exitError{2, fmt.Sprintf("--json=%s cannot be written: %v: name a file that can be", report, err)}
		}
	}
	cfg.Difference = difference
	r, err := launcher.Run(context.Background(), cfg)
	line := r.Line()
	if err != nil {
		line = err.Error()
	}
	written := make(chan error, 1)
	go func() {
		var err error
		if report != "-" { // a file does not wait for the reader of stderr
			err = writeReport(r, report)
		}
		if line != "" {
			fmt.Fprintln(os.Stderr, "dsss: "+line)
		}
		if report == "-" {
			err = writeReport(r, report)
		}
		written <- err
	}()
	var late <-chan time.Time
	if r.Unread { // this may not be read either
		late = time.After(limits.Unread)
	}
	select {
	case err = <-written:
	case <-late:
		err = nil
	}
	end := &exitError{code: r.ExitCode}
	if err != nil {
		end = &exitError{max(1, r.ExitCode), fmt.Sprintf("--json=%s: %v", report, err)}
	}
	if end.code == 0 {
		return nil
	}
	return end
}

func writeReport(r launcher.Report, to string) error {
	if to == "" {
		return nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if to == "-" {
		_, err := os.Stderr.Write(b)
		return err
	}
	return outfile.Write(to, b)
}
