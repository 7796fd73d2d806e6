package dsss

import (
	"fmt"
	"log/slog"
	"time"
)

// Config says how to join. The zero value is right under the launcher, and gives a program without one a state
// directory beside it.
//
// Name, StateDir, Durability, CheckpointEvery and Keep are for programs without the launcher; under it, its flags
// decide and these are not looked at.
type Config struct {
	// Name is the job's name. Empty: the program's.
	Name string
	// StateDir keeps the log and the checkpoints. Empty: the environment's DSSS_STATE_DIR, or else NAME.dsss in the
	// current directory. It is created when missing; when it holds a job of this program, that job goes on.
	StateDir string
	// Durability says what a mutation that returned means for the disk: "memory", "interval" or "sync". Empty:
	// "interval".
	Durability string
	// CheckpointEvery is the time between checkpoints while something changes. Zero: from what one costs, so that they
	// take at most 1 % of the time. At least 1 ms.
	CheckpointEvery time.Duration
	// Keep is how many checkpoints stay. Zero: 2.
	Keep int
	// Log receives lost connections and the like, for people who look for trouble. nil: nothing is logged.
	Log *slog.Logger
}

func (c *Config) validate() error {
	switch c.Durability {
	case "", "memory", "interval", "sync":
	default:
		return fmt.Errorf("Config.Durability is %q: want memory, interval or sync", c.Durability)
	}
	if c.CheckpointEvery < 0 || c.CheckpointEvery > 0 && c.CheckpointEvery < time.Millisecond {
		return fmt.Errorf("Config.CheckpointEvery is %v: want at least 1ms, or 0 for the default", c.CheckpointEvery)
	}
	if c.Keep < 0 {
		return fmt.Errorf("Config.Keep is %d: want at least 1, or 0 for the default", c.Keep)
	}
	return nil
}
