package launcher

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/machine"
)

// A resource is what the system limits for a process or a user (getrlimit(2)). Without enough of it Go's runtime ends a
// process with the stacks of all its goroutines, which say nothing that helps.
type resource int

const (
	noResource resource = iota
	threads             // and processes
	memory
	files
)

// scarce tells what there was too little of by the words of those who met it: Go's runtime, and errors.
var scarce = map[resource]*regexp.Regexp{
	threads: regexp.MustCompile(`pthread_create failed|failed to create new OS thread|newosproc|fork/exec .*resource temporarily unavailable`),
	memory:  regexp.MustCompile(`^(fatal error|runtime): .*(out of memory|cannot allocate|failed to reserve|cannot map pages)|fork/exec .*cannot allocate memory`),
	files:   regexp.MustCompile(`too many open files|^runtime: \w+ failed with 2[34]$`),
}

// shortageIn returns what a line says that there was too little of.
func shortageIn(line string) resource {
	for r, words := range scarce {
		if words.MatchString(line) {
			return r
		}
	}
	return noResource
}

// reached says that the limit on r was reached, and what to do.
func (r resource) reached(l machine.Limits) string {
	return r.limit(l) + " is reached: raise it, or start fewer workers"
}

// named adds to an error which of our limits it comes from and what to do, if it comes from one.
func named(err error) error {
	if err != nil {
		if r := shortageIn(err.Error()); r != noResource {
			return fmt.Errorf("%w: %s", err, r.reached(machine.LimitsOf(0)))
		}
	}
	return err
}

// limit names the limit on r and its value, as ulimit(1) has them.
func (r resource) limit(l machine.Limits) string {
	what, kinds := "open files", []int{unix.RLIMIT_NOFILE}
	switch r {
	case threads: // each takes address space, too
		what, kinds = "processes and threads", []int{unix.RLIMIT_NPROC, unix.RLIMIT_AS}
	case memory:
		what, kinds = "memory", []int{unix.RLIMIT_AS, unix.RLIMIT_DATA}
	}
	var values []string
	for _, kind := range kinds {
		if v, finite := l[kind]; finite {
			u := ulimits[kind]
			values = append(values, fmt.Sprintf("ulimit -%s %d", u.flag, v/u.unit))
		}
	}
	if values == nil {
		values = []string{"of the machine or a control group"}
	}
	return fmt.Sprintf("the limit on %s (%s)", what, strings.Join(values, ", "))
}

// ulimits says how ulimit(1) calls a limit, and in which unit it has it.
var ulimits = map[int]struct {
	flag string
	unit uint64
}{unix.RLIMIT_NOFILE: {"n", 1}, unix.RLIMIT_AS: {"v", 1 << 10}, unix.RLIMIT_DATA: {"d", 1 << 10}, unix.RLIMIT_NPROC: {"u", 1}}

// affordable refuses a job for which the limits are certainly too low: the launcher itself would end with a dump.
func affordable(workers int) error {
	have, used := machine.LimitsOf(0), uint64(0)
	if os.Getuid() == 0 {
		delete(have, unix.RLIMIT_NPROC) // it does not bind root
	} else if _, finite := have[unix.RLIMIT_NPROC]; finite {
		used = machine.ThreadsOf(os.Getuid())
	}
	return affordableWith(workers, have, used)
}

// affordableWith is affordable for limits and the threads that count already.
func affordableWith(workers int, have machine.Limits, used uint64) error {
	n := uint64(workers)
	for _, c := range []struct {
		r    resource
		kind int
		need uint64
	}{
		{files, unix.RLIMIT_NOFILE, limits.LauncherFiles + n*limits.WorkerFiles},
		{memory, unix.RLIMIT_AS, limits.LauncherSpace + n*limits.WorkerSpace},
		{threads, unix.RLIMIT_NPROC, limits.JobThreads + n*limits.WorkerThreads + used},
	} {
		if v, finite := have[c.kind]; finite && v < c.need {
			unit := ulimits[c.kind].unit
			return usagef("%s is too low: a job of %d workers needs %d: raise it, or start fewer workers", c.r.limit(machine.Limits{c.kind: v}), workers, (c.need+unit-1)/unit)
		}
	}
	return nil
}

// A dump is what Go's runtime writes as it ends a process for want of something: held back, up to limits.HeldOutput.
type dump struct {
	short resource // noResource: nothing of the kind has been written
	text  []byte
}

// dumpLine matches the lines of a dump: stacks, registers, memory.
var dumpLine = regexp.MustCompile(`^(\s.*|runtime( stack)?: ?.*|fatal error: .*|runtime/cgo: .*|goroutine \d+.*|SIG[A-Z]+: .*|PC=0x.*|stack: frame=.*|` +
	`\w+ +0x[0-9a-f]+( .*)?|[0-9a-f]{16}: .*|created by .*|\[signal .*|\.\.\..*|[^\s(]+\(.*\))?$`)

// take tells whether a line belongs to a dump, and keeps it then. A dump of memory that is not limited is none: the
// program asked for more than there is, and its stack says where.
func (d *dump) take(line string) bool {
	if d.short == noResource && (strings.HasPrefix(line, "runtime") || strings.HasPrefix(line, "fatal error: ")) {
		r := shortageIn(line)
		l := machine.LimitsOf(0)
		if r != memory || l[unix.RLIMIT_AS]+l[unix.RLIMIT_DATA] > 0 {
			d.short = r
		}
	}
	if d.short == noResource || !dumpLine.MatchString(line) {
		return false
	}
	if len(d.text) < limits.HeldOutput {
		d.text = append(append(d.text, line...), '\n')
	}
	return true
}

// dumpFile is the name of the file in the state directory with the dump of the process that ended the last run.
const dumpFile = "dump"

// shortage says which limit ended p, and where its dump is; empty when none did.
func (j *job) shortage(p *process) string {
	if p == nil || p.last == nil {
		return ""
	}
	d := p.last.dumped()
	if d.short == noResource {
		return ""
	}
	text := d.short.reached(p.rlimits)
	switch {
	case j.cfg.Verbose || j.cfg.outDir != "" || j.cfg.Output == "plain" && p.Role == wire.RoleWorker: // it was shown, or is in a file
	case j.status == Refused: // there may be no state directory
		text += " (--verbose shows the whole dump)"
	default:
		if err := os.WriteFile(filepath.Join(j.stateDir, dumpFile), d.text, 0o666); err == nil {
			text += fmt.Sprintf(" (its dump is in %s)", j.cfg.StateDir+"/"+dumpFile)
		}
	}
	return text
}
