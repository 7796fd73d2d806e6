package dsss

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"time"

	"dsss/internal/launchenv"
	"dsss/internal/setting"
)

// Config says how to join. The zero value is right under the launcher, and gives a program without one a state
// directory beside it.
//
// Name, StateDir, Durability, CheckpointEvery and Keep are for programs without the launcher; under it, its flags
// decide and these are not looked at. Where they are zero, the variables decide that dsss run has for its flags:
// DSSS_NAME, DSSS_STATE_DIR, DSSS_DURABILITY, DSSS_CHECKPOINT_EVERY and DSSS_KEEP.
type Config struct {
	// Name is the job's name: at most 200 bytes that can be printed, without slashes. Empty: that of the job in
	// StateDir, or else the program's.
	Name string
	// StateDir keeps the log and the checkpoints. Empty: NAME.dsss in the current directory. It is created when missing;
	// when it holds a job of this program, that job goes on.
	StateDir string
	// Durability says what a mutation that returned means for the disk: "memory", "interval" or "sync". Empty:
	// "interval".
	Durability string
	// CheckpointEvery is the time between checkpoints while something changes. Zero: from what one costs, so that they
	// take at most 1 % of the time. From 1 ms to ten years.
	CheckpointEvery time.Duration
	// Keep is how many checkpoints stay, at most 1000. Zero: 2.
	Keep int
	// Log receives lost connections and the like, for people who look for trouble. nil: nothing is logged.
	Log *slog.Logger
}

func (c *Config) validate() error {
	if c.Name != "" {
		if err := setting.Name(c.Name); err != nil {
			return fmt.Errorf("Config.Name is %q: %w", c.Name, err)
		}
	}
	return cmp.Or(
		setting.Durability.Field("Config.Durability", c.Durability),
		setting.Interval.Field("Config.CheckpointEvery", c.CheckpointEvery),
		setting.Keep.Field("Config.Keep", c.Keep),
	)
}

// readVariables fills in what is zero. CheckpointEvery may become setting.EndOnly.
func (c *Config) readVariables() error {
	return cmp.Or(
		fill(&c.Name, "name", func(s string) (string, error) { return s, setting.Name(s) }),
		fill(&c.StateDir, "state-dir", func(s string) (string, error) { return s, nil }),
		fill(&c.Durability, "durability", func(s string) (string, error) { return s, setting.Durability.Check(s) }),
		fill(&c.CheckpointEvery, "checkpoint-every", setting.Every),
		fill(&c.Keep, "keep", func(s string) (int, error) { return setting.Int(s, setting.Keep) }),
	)
}

// fill sets a field that is zero to what the variable of a flag says, when that is not empty.
func fill[T comparable](field *T, flag string, read func(string) (T, error)) error {
	var zero T
	name := launchenv.Setting(flag)
	text := os.Getenv(name)
	if *field != zero || text == "" {
		return nil
	}
	v, err := read(text)
	if err != nil {
		return fmt.Errorf("%s=%q: %w", name, text, err)
	}
	*field = v
	return nil
}
