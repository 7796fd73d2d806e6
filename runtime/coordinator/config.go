package coordinator

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/internal/limits"
)

// A Durability says what "returned" means for the disk.
type Durability string

// The levels.
const (
	// Memory: nothing is written but checkpoints. What returned survives any one process.
	Memory Durability = "memory"
	// Interval: the log is written behind, at most Config.LogInterval of it is lost on a power failure.
	Interval Durability = "interval"
	// Sync: what returned, and what anybody saw, is on disk.
	Sync Durability = "sync"
)

// ErrUsage is wrapped by errors that the person who started the job can mend: nothing was changed.
var ErrUsage = errors.New("usage")

// usageError keeps the message as it is and matches ErrUsage.
type usageError struct{ error }

func (e usageError) Is(target error) bool { return target == ErrUsage }
func (e usageError) Unwrap() error        { return e.error }

// Config says how to coordinate one job.
type Config struct {
	// Network and Listen are where workers connect. Zero: TCP on a free port of 127.0.0.1.
	Network comm.Network
	Listen  string
	// Listener, when not nil, is where workers connect instead. Run closes it. A launcher that keeps a duplicate can
	// hand it to the next coordinator, and connections made in between wait.
	Listener net.Listener
	// Takeover goes on with the running job in the state directory, whose coordinator died: the same run, the next
	// epoch. Expect are the ranks whose processes live, -1 being the keeper: nothing is ordered before all of them
	// have said what they know, or limits.Rejoin has passed, or Control has said that they are gone.
	Takeover bool
	Expect   []int32
	// Least is, with Takeover, for each rank the least incarnation whose process may live: those before it have ended.
	Least map[int32]uint64
	// Job is the job's name; required.
	Job string
	// Token is the job's secret: a Hello without it is refused.
	Token []byte
	// Size is the number of worker ranks; at least 1.
	Size int
	// StateDir is the job's state directory, created when missing; required.
	StateDir string
	// Resume goes on from what the directory holds. Without it a directory that holds a job is refused, with it an
	// empty one is, unless Either is set.
	Resume bool
	// Either goes on from what the directory holds if it holds something.
	Either bool
	// Durability is Interval when empty.
	Durability Durability
	// LogInterval is limits.LogInterval when zero.
	LogInterval time.Duration
	// CheckpointEvery is the time between checkpoints while something changes; zero: as OptimalInterval says of the newest
	// one's cost, MTBF and Overhead, the first after limits.CheckpointFirst. Negative: only at the end and when asked for.
	CheckpointEvery time.Duration
	// MTBF is the mean time between failures of the job that OptimalInterval counts with; zero: DefaultMTBF.
	MTBF time.Duration
	// Overhead is the largest share of time that checkpoints may take, above 0 and at most 1; zero: DefaultOverhead.
	Overhead float64
	// Keep is how many checkpoints stay; zero: 2.
	Keep int
	// Bounds are the bounds of queues and windows; zero: limits.Default().
	Bounds limits.Bounds
	// Segment is the size of the log's segments in bytes; zero: limits.Segment.
	Segment int64
	// Ready is called once with the address when connections are accepted. May be nil.
	Ready func(addr string)
	// Log receives refusals, joins and losses. nil: nothing is logged.
	Log *slog.Logger

	// ports are those of a process, but for tests.
	ports Ports
}

// DefaultKeep is what Config.Keep means when zero.
const DefaultKeep = 2

func (c *Config) validate() error {
	usage := func(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
	if c.Network == nil {
		c.Network = comm.TCP{}
	}
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	switch c.Durability {
	case "":
		c.Durability = Interval
	case Memory, Interval, Sync:
	default:
		return usage("durability %q: want memory, interval or sync", c.Durability)
	}
	switch {
	case c.Job == "":
		return usage("coordinator: Job is empty")
	case c.StateDir == "":
		return usage("coordinator: StateDir is empty")
	case c.Size < 1:
		return usage("coordinator: Size is %d: want at least 1", c.Size)
	case c.LogInterval < 0:
		return usage("coordinator: LogInterval is %v: want a positive duration", c.LogInterval)
	case c.MTBF < 0:
		return usage("coordinator: MTBF is %v: want a positive duration", c.MTBF)
	case !(c.Overhead >= 0 && c.Overhead <= 1): // NaN is neither
		return usage("coordinator: Overhead is %v: want a share above 0 and at most 1", c.Overhead)
	case c.Keep < 0:
		return usage("coordinator: Keep is %d: want at least 1", c.Keep)
	case c.Segment < 0:
		return usage("coordinator: Segment is %d: want a positive number of bytes", c.Segment)
	}
	if c.Bounds == (limits.Bounds{}) {
		c.Bounds = limits.Default()
	}
	if c.LogInterval == 0 {
		c.LogInterval = limits.LogInterval
	}
	if c.MTBF == 0 {
		c.MTBF = DefaultMTBF
	}
	if c.Overhead == 0 {
		c.Overhead = DefaultOverhead
	}
	if c.Keep == 0 {
		c.Keep = DefaultKeep
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// openDir takes the state directory, or says why this job may not have it. A directory that is refused is left as it
// was, an absent one absent.
func openDir(cfg *Config, ports *Ports) (*statedir.Dir, error) {
	_, exists, err := statedir.Peek(cfg.StateDir)
	if err != nil {
		return nil, usageError{err}
	}
	if !exists && cfg.Resume && !cfg.Either {
		return nil, usageError{fmt.Errorf("state directory %s holds no job: nothing to resume; run without --resume or name another directory", cfg.StateDir)}
	}
	dir, err := takeDir(cfg.StateDir, statedir.Config{Job: cfg.Job, FS: ports.FS, Now: ports.Now})
	if err != nil {
		return nil, err
	}
	if job, exists := dir.Job(); exists {
		if err := refuseJob(cfg, job); err != nil {
			return nil, usageError{errors.Join(err, dir.Close())}
		}
	}
	return dir, nil
}

// takeDir makes this process the owner of a state directory; others are told the name in cfg.
func takeDir(stateDir string, cfg statedir.Config) (*statedir.Dir, error) {
	dir, err := statedir.Open(stateDir, cfg)
	for late := time.Now().Add(limits.Dying); errors.Is(err, statedir.ErrInUse) && cfg.FS == nil && time.Now().Before(late); {
		time.Sleep(limits.Dying / 20) // its owner may be dying
		dir, err = statedir.Open(stateDir, cfg)
	}
	if err != nil {
		return nil, usageError{err}
	}
	return dir, nil
}

// refuseJob says why cfg cannot go on with the job that its directory holds; nil when it can.
func refuseJob(cfg *Config, job statedir.Job) error {
	switch {
	case !cfg.Resume && !cfg.Either && !cfg.Takeover:
		return fmt.Errorf("state directory %s holds job %q (%s): go on from it with --resume, or name another directory", cfg.StateDir, job.Name, describe(job.Status))
	case job.Name != cfg.Job && cfg.Either:
		return fmt.Errorf("state directory %s holds job %q, not %q: leave Config.Name and DSSS_NAME empty to go on with it, or name another directory", cfg.StateDir, job.Name, cfg.Job)
	case job.Name != cfg.Job:
		return fmt.Errorf("state directory %s holds job %q, not %q: leave out --name to go on with it, or name another directory", cfg.StateDir, job.Name, cfg.Job)
	}
	return nil
}

// NameOf returns the name of the job that a state directory holds; empty when it holds none that can be read.
func NameOf(stateDir string) string {
	job, exists, err := statedir.Peek(stateDir)
	if err != nil || !exists {
		return ""
	}
	return job.Name
}

func describe(s statedir.Status) string {
	if s == statedir.Running {
		return "interrupted" // it says running, but nobody is: it died without a word
	}
	return string(s)
}
