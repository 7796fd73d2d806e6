package launcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/launcher/fleet"
)

// outputs says where the output of each process goes.
type outputs struct {
	*console
	plain   bool
	verbose bool
	width   int                 // of the largest rank
	dir     string              // where the files are; empty: no files
	files   map[string]*os.File // by name, until a feed takes them
}

// openOutputs makes the files of "dir=PATH", all before anything is started.
func openOutputs(cfg *Config) (*outputs, error) {
	o := &outputs{plain: cfg.Output == "plain", verbose: cfg.Verbose, width: len(strconv.Itoa(cfg.Workers - 1))}
	if cfg.outDir != "" {
		if err := o.openFiles(cfg.outDir, cfg.Workers); err != nil {
			return nil, err
		}
	}
	o.console = newConsole(cfg.Stdout, cfg.Stderr)
	return o, nil
}

func (o *outputs) openFiles(dir string, workers int) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return usagef("--output dir=%s cannot be made: %v: name a directory that can be written", dir, reason(err))
	}
	names := []string{"coordinator.err", "keeper.err"}
	for rank := range workers {
		names = append(names, rankFile(rank, "out"), rankFile(rank, "err"))
	}
	o.dir, o.files = dir, map[string]*os.File{}
	for _, name := range names {
		f, err := o.openFile(name)
		if err != nil {
			o.closeFiles()
			return usagef("--output dir=%s: cannot create %s: %v: name a directory that can be written", dir, name, reason(err))
		}
		o.files[name] = f
	}
	return nil
}

// openFile opens a file to append to, which keeps what an earlier run or process wrote, even when this one is refused. A
// FIFO that nobody reads is refused, too: a launcher that waited for a reader would hear no signal.
func (o *outputs) openFile(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(o.dir, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0o666)
}

// closeFiles closes the files that no feed took.
func (o *outputs) closeFiles() {
	for _, f := range o.files {
		_ = f.Close() // empty
	}
	o.files = nil
}

func rankFile(rank int, ext string) string { return fmt.Sprintf("rank-%04d.%s", rank, ext) }

// feed returns the feed of one stream of m. A file of a process that is started later, and cannot be opened, counts
// as output that is lost.
func (o *outputs) feed(m fleet.Member, to stream) *feed {
	f := &feed{console: o.console, to: to, dumps: o.verbose, done: make(chan struct{}), lines: splitter{max: limits.OutputLine}}
	name := map[wire.Role]string{wire.RoleControl: "coordinator", wire.RoleKeeper: "keeper", wire.RoleHost: "host"}[m.Role]
	file := name + ".err"
	if m.Role == wire.RoleWorker {
		name, file = fmt.Sprintf("%*d", o.width, m.Rank), rankFile(m.Rank, [2]string{"out", "err"}[to])
	}
	if o.dir != "" {
		f.file = o.files[file]
		delete(o.files, file)
		if f.file == nil {
			var err error
			if f.file, err = o.openFile(file); err != nil {
				o.lose(fmt.Errorf("opening %s in %s: %w", file, o.dir, reason(err)))
			}
		}
	} else if o.plain && m.Role == wire.RoleWorker {
		f.raw = true
	} else {
		f.tag = "[" + name + "] "
	}
	return f
}

// reason is err without the operation and path that its message begins with.
func reason(err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// shown renders lines for a notice.
func shown(lines []byte) []string {
	if len(lines) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(lines), "\n"), "\n")
}
