package dsss

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"dsss/internal/launchenv"
	"dsss/internal/setting"
)

// Config says how to join. The zero value is right under the launcher, and gives a program without one a state
// directory beside it.
//
// Name, StateDir, Durability, CheckpointEvery and Keep are for programs without the launcher. Under it, its flags decide:
// fields that are set are ignored, and Log says so once. Without it, variables decide where they are zero, the same that
// dsss run has for its flags: DSSS_NAME, DSSS_STATE_DIR, DSSS_DURABILITY, DSSS_CHECKPOINT_EVERY and DSSS_KEEP.
type Config struct {
	// Name is the job's name: at most 200 bytes that can be printed, without slashes. Empty: that of the job in
	// StateDir, or else the program's.
	Name string
	// StateDir keeps the log and the checkpoints. Empty: NAME.dsss in the current directory. It is created when missing;
	// when it holds a job of this program, that job goes on.
	StateDir string
	// Durability says what a mutation that returned means for the disk. Empty: Interval.
	Durability Durability
	// CheckpointEvery is the time between checkpoints while something changes. Zero: from what one costs, so that they
	// take at most 1 % of the time. From 1 ms to ten years.
	CheckpointEvery time.Duration
	// Keep is how many checkpoints stay, at most 1000. Zero: 2.
	Keep int
	// ReturnRoles has Join, in a process that is not a worker but the keeper or the host, return ErrRoleEnded when the job
	// ends, in place of ending the process. It is for language bindings, whose runtime has to end first. A mutator that
	// panics and the launcher's death end the process in any case.
	ReturnRoles bool
	// Log receives lost connections and the like, for diagnosis. nil: nothing is logged.
	Log *slog.Logger
}

// A Durability says what a mutation that returned means for the disk.
type Durability string

// The durabilities.
const (
	// Memory: it survives the end of any one process. Only checkpoints are written.
	Memory Durability = "memory"
	// Interval: the log is written soon after. A power failure loses a moment's mutations, never one and not an earlier one.
	Interval Durability = "interval"
	// Sync: it is on disk, and was before anybody could see it.
	Sync Durability = "sync"
)

func (c *Config) validate() error {
	if c.Name != "" {
		if err := setting.Name(c.Name); err != nil {
			return fmt.Errorf("Config.Name is %q: %w", c.Name, err)
		}
	}
	return cmp.Or(
		setting.Durability.Field("Config.Durability", string(c.Durability)),
		setting.Interval.Field("Config.CheckpointEvery", c.CheckpointEvery),
		setting.Keep.Field("Config.Keep", c.Keep),
	)
}

// readVariables fills in what is zero. CheckpointEvery may become setting.EndOnly.
func (c *Config) readVariables() error {
	return cmp.Or(
		fill(&c.Name, "name", func(s string) (string, error) { return s, setting.Name(s) }),
		fill(&c.StateDir, "state-dir", func(s string) (string, error) { return s, nil }),
		fill(&c.Durability, "durability", func(s string) (Durability, error) { return Durability(s), setting.Durability.Check(s) }),
		fill(&c.CheckpointEvery, "checkpoint-every", setting.Every),
		fill(&c.Keep, "keep", func(s string) (int, error) { return setting.Int(s, setting.Keep) }),
	)
}

// logIgnored says which fields are set and ignored, under the launcher.
func (c *Config) logIgnored() {
	var fields, flags []string
	for _, f := range []struct {
		set         bool
		field, flag string
	}{
		{c.Name != "", "Name", "--name"}, {c.StateDir != "", "StateDir", "--state-dir"},
		{c.Durability != "", "Durability", "--durability"},
		{c.CheckpointEvery != 0, "CheckpointEvery", "--checkpoint-every"}, {c.Keep != 0, "Keep", "--keep"},
	} {
		if f.set {
			fields, flags = append(fields, "Config."+f.field), append(flags, f.flag)
		}
	}
	if c.Log != nil && len(fields) > 0 {
		c.Log.Warn(fmt.Sprintf("%s ignored: under 'dsss run' its flags decide; give it %s", strings.Join(fields, ", "), strings.Join(flags, ", ")))
	}
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
