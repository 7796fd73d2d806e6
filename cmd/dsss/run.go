package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"dsss/launcher"
)

const runLong = `Run PROGRAM as a job of N workers on this machine, with a coordinator and a keeper beside them.

The keeper is PROGRAM once more: it checks the arguments and joins before any worker is started, and writes the
checkpoints. Flags behind PROGRAM belong to it. Workers and keeper read nothing from stdin.

The state of the job is kept in the state directory: log, checkpoints and how the job ended. A later run with
--resume goes on from there, on any number of workers.

Ctrl-C, SIGTERM and SIGHUP mean: write a checkpoint, tell the workers to end, kill those left after --grace. The
second one kills everything at once. SIGUSR1 means: write a checkpoint. SIGUSR2 is passed on to the workers. No process
is left behind.

A coordinator or keeper that dies or hangs is replaced while the workers run on. A worker that fails ends the job, unless
--on-failure says otherwise: continue goes on without it, respawn starts it anew. dsss join, dsss leave and dsss save
act on the running job from another terminal.

Without --checkpoint-every, checkpoints come as often as loses the least to them and to failures together, given what
one costs and a failure every --mtbf (Daly 2006), taking at most the share --checkpoint-overhead of the time; another
is written before --deadline, which SLURM and Torque tell by themselves.

--output dir=PATH appends each worker's output to PATH/rank-0000.out and .err, and what keeper and coordinator say
to keeper.err and coordinator.err. Progress is a status line on a terminal, else lines on stderr.

Exit code: 0 when all workers exited with 0; the exit code of the worker that failed first, or 128 + signal; 128 +
signal when the job was interrupted; 2 when the request must change and no worker was started; PROGRAM's own when it
ended before it joined; 1 otherwise. The last line on stderr says how the job ended and why.

--json adds that as one JSON object, as the very last line on stderr; --json=FILE writes it to FILE instead, which
appears only once it is complete. Its fields: job, status (finished, interrupted, failed, refused), exit_code,
cause (text, rank, pid, code, signal, stderr), workers, seconds, mutations, checkpoints, checkpointed, state_dir, lost
(what --on-failure continue went on without, each as cause), mutation (one that ended processes or did not end: sequence,
object, class, method, processes, endless, applied).`

const runExample = `  dsss run -n 4 -- ./program args
  dsss run -n 2 --resume -- ./program args
  dsss run -n 8 --durability sync --json=report.json --output dir=out -- ./program args
  dsss run -n 8 --on-failure respawn --deadline 1h -- ./program args`

func runCommand() *cobra.Command {
	var cfg launcher.Config
	var report, every, overhead, deadline string
	c := &cobra.Command{
		Use:     "run [flags] [--] PROGRAM [ARGS]",
		Short:   "Run a program as a job on this machine",
		Long:    runLong,
		Example: runExample,
		Args:    cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			cfg.Program = args
			var err error
			if cfg.CheckpointEvery, err = parseEvery(every); err != nil {
				return &exitError{2, err.Error()}
			}
			if cfg.Overhead, err = parseShare(overhead); err != nil {
				return &exitError{2, err.Error()}
			}
			if cfg.Deadline, err = launcher.ParseDeadline(deadline, time.Now()); err != nil {
				return &exitError{2, err.Error()}
			}
			return run(cfg, report)
		},
	}
	f := c.Flags()
	f.SetInterspersed(false) // flags behind the program are the program's
	f.SortFlags = false
	f.IntVarP(&cfg.Workers, "workers", "n", runtime.GOMAXPROCS(0), "number of workers; by default one per CPU that this process may use (a quota of a control group counts, and so does GOMAXPROCS)")
	f.StringVar(&cfg.Name, "name", "", "name of the job (default the program's base name)")
	f.StringVar(&cfg.StateDir, "state-dir", "", "where log and checkpoints are kept (default ./NAME.dsss)")
	f.BoolVar(&cfg.Resume, "resume", false, "go on with the job in the state directory")
	f.StringVar(&every, "checkpoint-every", "auto", "interval of checkpoints: auto, a duration, or 0 for the end only")
	f.DurationVar(&cfg.MTBF, "mtbf", 24*time.Hour, "time between failures of the job that auto counts with")
	f.StringVar(&overhead, "checkpoint-overhead", "1%", "largest share of time that auto spends on checkpoints")
	f.StringVar(&deadline, "deadline", "", "when the job will be ended from outside: a time (RFC 3339), a duration, or none (default what SLURM or Torque say)")
	f.StringVar((*string)(&cfg.OnFailure), "on-failure", "abort", "when a worker fails: abort, continue without it, or respawn it")
	f.StringVar(&cfg.Durability, "durability", "interval", "when a mutation is safe: memory (from the death of any one process), interval (on disk soon), sync (on disk first)")
	f.IntVar(&cfg.Keep, "keep", 2, "number of checkpoints kept")
	f.StringVar(&cfg.Output, "output", "tag", "workers' output: tag (each line with its rank), plain, dir=PATH")
	f.DurationVar(&cfg.Grace, "grace", 5*time.Second, "how long workers that were told to end may take")
	f.BoolVar(&cfg.Verbose, "verbose", false, "also report checkpoints, and connections refused or lost")
	f.StringVar(&report, "json", "", "report the job's end as JSON too, on stderr or to FILE")
	f.Lookup("json").NoOptDefVal = "-"
	f.DurationVar(&cfg.Silence, "control-silence", 0, "how long the coordinator may say nothing before it is replaced")
	_ = f.MarkHidden("control-silence") // there is; it is for tests
	return c
}

// parseEvery reads --checkpoint-every as launcher.Config wants it.
func parseEvery(s string) (time.Duration, error) {
	if s == "auto" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil || d < 0:
		return 0, fmt.Errorf("--checkpoint-every %q: want auto, a duration such as 30s, or 0 for the end only", s)
	case d == 0:
		return -1, nil
	}
	return d, nil
}

// parseShare reads --checkpoint-overhead: a share, or one in percent.
func parseShare(s string) (float64, error) {
	number, percent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v > 0 && v <= 1) { // NaN is neither
		return 0, fmt.Errorf("--checkpoint-overhead %q: want a share above 0 and at most 1, such as 1%% or 0.01", s)
	}
	return v, nil
}

// run runs the job and reports it: one line, then JSON if report says so ("": no, "-": stderr, else a file).
func run(cfg launcher.Config, report string) error {
	if report != "" && report != "-" {
		if err := unix.Access(filepath.Dir(report), unix.W_OK); err != nil {
			return &exitError{2, fmt.Sprintf("--json=%s cannot be written: %v: name a file in a directory that can be", report, err)}
		}
	}
	r, err := launcher.Run(context.Background(), cfg)
	line := r.Line()
	if err != nil {
		line = err.Error()
	}
	if line != "" {
		fmt.Fprintln(os.Stderr, "dsss: "+line)
	}
	end := &exitError{code: r.ExitCode}
	if err := writeReport(r, report); err != nil {
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
	return replaceFile(to, b)
}

// replaceFile writes path whole or not at all.
func replaceFile(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(b)
	if modeErr := f.Chmod(0o644); err == nil {
		err = modeErr
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
