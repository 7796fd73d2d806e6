package launcher

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/internal/limits"
	"dsss/internal/setting"
)

// ErrUsage is wrapped by errors that mean: nothing was started, the request itself must change.
var ErrUsage = errors.New("usage")

// usageError is one line that ends with the next step.
type usageError string

func (e usageError) Error() string        { return string(e) }
func (e usageError) Is(target error) bool { return target == ErrUsage }

func usagef(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

// Config says what to run and how.
type Config struct {
	// Program is the command of workers, keeper and host, with its arguments. It is looked up in $PATH when
	// it has no slash. Required.
	Program []string
	// Workers is how many workers to start, 1 to limits.Workers. Zero is refused.
	Workers int
	// Name is the job's. Empty: the base name of the program, or of the job that Resume goes on with.
	Name string
	// Difference names the first difference between two checkpoint files of one sequence number, a worker's and the keeper's, when
	// a worker's replica has diverged. nil: the two files alone are named.
	Difference func(worker, keeper string) string `json:"-"`
	// StateDir is where log and checkpoints are kept. Empty: ./NAME.dsss.
	StateDir string
	// Resume goes on with the job in StateDir. False: StateDir must not hold one.
	Resume bool
	// CheckpointEvery is the interval of checkpoints. Zero: what one costs decides, with MTBF and Overhead. Negative:
	// only at the end and on demand.
	CheckpointEvery time.Duration
	// MTBF is the mean time between failures that is expected of the job as a whole. Zero: a day.
	MTBF time.Duration
	// Overhead is the largest share of time that checkpoints may take when their cost decides. Zero: 0.01.
	Overhead float64
	// Durability is "memory", "interval" or "sync". Empty: "interval".
	Durability string
	// Keep is how many checkpoints are kept. Zero: 2.
	Keep int
	// Output says where the workers' output goes: "tag" (here, each line with its rank), "plain" (here, as it
	// comes) or "dir=PATH" (files). Empty: "tag".
	Output string
	// Grace is how long workers that were told to end may take before they are killed. Zero: no time at all.
	Grace time.Duration
	// OnFailure says what follows from the failure of a worker. Empty: Abort.
	OnFailure Policy
	// Deadline is when the job will be ended from outside; a checkpoint is written before. Zero: not known.
	Deadline time.Time
	// Silence is how long a coordinator may say nothing before it is killed and another takes over. Zero:
	// limits.ControlSilence.
	Silence time.Duration
	// Verbose adds what is rarely of interest: connections refused and lost, checkpoints written.
	Verbose bool
	// Coordinator is the command that runs the coordinator; flags are added (see coordinatorSpec). Empty: this
	// executable with the argument "coordinator".
	Coordinator []string
	// Guard is the command that runs Guard. Empty: this executable with the argument "guard".
	Guard []string
	// Stdout and Stderr take the output. Nil: this process's own. A terminal gets a status line.
	Stdout, Stderr io.Writer
	// Network reaches the coordinator. Nil: TCP.
	Network comm.Network

	path   string // Program[0], resolved
	outDir string // PATH of "dir=PATH"
}

const defaultKeep = 2

// withDefaults fills in what was left empty.
func (c Config) withDefaults() (Config, error) {
	unnamed := c.Name == ""
	if unnamed && len(c.Program) > 0 {
		c.Name = filepath.Base(c.Program[0])
	}
	if c.StateDir == "" {
		c.StateDir = "./" + c.Name + ".dsss"
	}
	if unnamed && c.Resume {
		if job, exists, err := statedir.Peek(c.StateDir); err == nil && exists { // else the coordinator says what is wrong
			c.Name = job.Name
		}
	}
	if c.Durability == "" {
		c.Durability = "interval"
	}
	if c.Keep == 0 {
		c.Keep = defaultKeep
	}
	if c.Output == "" {
		c.Output = "tag"
	}
	if c.OnFailure == "" {
		c.OnFailure = Abort
	}
	if c.Silence == 0 {
		c.Silence = limits.ControlSilence
	}
	if c.Stdout == nil {
		c.Stdout = os.Stdout
	}
	if c.Stderr == nil {
		c.Stderr = os.Stderr
	}
	if c.Network == nil {
		c.Network = comm.TCP{}
	}
	if len(c.Coordinator) > 0 && len(c.Guard) > 0 {
		return c, nil
	}
	self, err := os.Executable()
	if err != nil {
		return c, fmt.Errorf("finding this executable, which the coordinator runs too: %w", err)
	}
	if len(c.Coordinator) == 0 {
		c.Coordinator = []string{self, "coordinator"}
	}
	if len(c.Guard) == 0 {
		c.Guard = []string{self, "guard"}
	}
	return c, nil
}

// validate names the field that cannot be. It changes nothing on disk.
func (c *Config) validate() error {
	if len(c.Program) == 0 || c.Program[0] == "" {
		return usagef("no program given: put it behind the flags, as in 'dsss run -n 4 -- ./program args'")
	}
	if err := setting.Workers.Check(c.Workers); err != nil {
		return usagef("Workers is %d: %v", c.Workers, err)
	}
	if err := setting.Name(c.Name); err != nil {
		return usagef("--name %q: %v", c.Name, err) // as the program is called, when none was given
	}
	for _, err := range []error{
		setting.Interval.Field("CheckpointEvery", max(c.CheckpointEvery, 0)),
		setting.MTBF.Field("MTBF", c.MTBF),
		setting.Overhead.Field("Overhead", c.Overhead),
		setting.Silence.Field("Silence", c.Silence),
		setting.Keep.Field("Keep", c.Keep),
		setting.Grace.Field("Grace", c.Grace),
		setting.Durability.Field("Durability", c.Durability),
		setting.OnFailure.Field("OnFailure", string(c.OnFailure)),
	} {
		if err != nil {
			return usageError(err.Error())
		}
	}
	if err := CheckOutput(c.Output); err != nil {
		return usagef("Output is %q: %v", c.Output, err)
	}
	if dir, isDir := strings.CutPrefix(c.Output, "dir="); isDir {
		c.outDir = dir
	}
	return c.findProgram()
}

// CheckOutput returns an error that says what is wanted when s cannot be Config.Output.
func CheckOutput(s string) error {
	if dir, isDir := strings.CutPrefix(s, "dir="); s == "tag" || s == "plain" || isDir && dir != "" {
		return nil
	}
	return errors.New("want tag, plain or dir=PATH")
}

// findProgram resolves the program as a shell would.
func (c *Config) findProgram() error {
	name := c.Program[0]
	path, err := exec.LookPath(name)
	if err == nil {
		c.path = path
		return nil
	}
	if !strings.Contains(name, "/") {
		if _, here := os.Stat(name); here == nil {
			return usagef("program %s not found in $PATH: if the one in this directory is meant, write ./%s", name, name)
		}
		return usagef("program %s not found in $PATH: give its path, or build it first", name)
	}
	info, statErr := os.Stat(name)
	switch {
	case errors.Is(statErr, fs.ErrNotExist):
		return usagef("program %s not found: check the path, or build it first", name)
	case statErr != nil:
		return usagef("program %s cannot be run: %v", name, errors.Unwrap(statErr))
	case info.IsDir():
		return usagef("program %s is a directory: name the executable in it", name)
	case info.Mode()&0o111 == 0:
		return usagef("program %s is not executable: build it, or use 'chmod +x %s'", name, name)
	}
	return usagef("program %s cannot be run: %v", name, err)
}
