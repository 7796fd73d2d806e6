package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// conditions are the circumstances of a run, as far as a program can see them.
type conditions struct {
	CPU, Kernel, Go, Date, Command string
	// Revision is what git calls the source in the current folder, with "-dirty" when it is not as committed; "unknown"
	// without git.
	Revision                 string
	CPUs, GOMAXPROCS, Rounds int
	MemoryGiB                float64
	VM                       bool
	Pinning                  string
	Duration                 time.Duration
	// Others is the share of the machine's processor time that other programs used meanwhile, Steal that which the
	// hypervisor gave to other machines.
	Others, Steal float64
	begin         usage
}

// quiet is the share of others up to which the machine counts as quiet.
const quiet = 0.03

func newConditions(o options, args []string) conditions {
	var uts unix.Utsname
	_ = unix.Uname(&uts) // fails for a bad address only
	cpuinfo := field("/proc/cpuinfo", "model name")
	memory, _ := strconv.ParseFloat(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 64)
	return conditions{
		CPU: cpuinfo, Kernel: unix.ByteSliceToString(uts.Sysname[:]) + " " + unix.ByteSliceToString(uts.Release[:]), Go: runtime.Version(),
		Date: time.Now().Format(time.DateOnly), Command: strings.Join(append([]string{"go run ./bench"}, args...), " "),
		CPUs: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0), Rounds: o.rounds, Duration: o.duration(),
		MemoryGiB: memory / (1 << 20), VM: strings.Contains(" "+field("/proc/cpuinfo", "flags")+" ", " hypervisor "),
		Pinning:  "closed loop: all processes on one core; the rest not pinned",
		Revision: revision(), begin: usageNow(),
	}
}

func revision() string {
	text, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

// finish notes what others used since newConditions. All children have been waited for.
func (c *conditions) finish() {
	now := usageNow()
	if all := (now.all - c.begin.all).Seconds(); all > 0 {
		c.Others = max(0, ((now.busy-c.begin.busy)-(now.ours-c.begin.ours)).Seconds()/all)
		c.Steal = (now.steal - c.begin.steal).Seconds() / all
	}
}

func (c *conditions) machine() string {
	kind := ""
	if c.VM {
		kind = ", virtual"
	}
	return fmt.Sprintf("%d x %s%s, %.0f GiB, %s", c.CPUs, c.CPU, kind, c.MemoryGiB, c.Kernel)
}

func (c *conditions) load() string {
	word := "shared"
	if c.Others+c.Steal <= quiet {
		word = "quiet"
	}
	return fmt.Sprintf("%s: other programs used %.1f %% of its processor time meanwhile, the hypervisor took %.1f %%", word, 100*c.Others, 100*c.Steal)
}

// lines are the conditions for people, as name and value.
func (c *conditions) lines() [][2]string {
	return [][2]string{
		{"machine", c.machine()}, {"load", c.load()}, {"Go", c.Go}, {"source", c.Revision}, {"date", c.Date}, {"command", "`" + c.Command + "`"},
		{"rounds", fmt.Sprintf("%d of %v each", c.Rounds, c.Duration)}, {"pinning", c.Pinning},
		{"GOMAXPROCS", fmt.Sprintf("%d, and 1 where pinned", c.GOMAXPROCS)},
	}
}

func (c *conditions) flat() map[string]any {
	return map[string]any{
		"cpu_model": c.CPU, "cpus": c.CPUs, "virtual_machine": c.VM, "memory_gib": c.MemoryGiB, "kernel": c.Kernel,
		"go_version": c.Go, "revision": c.Revision, "date": c.Date, "command": c.Command, "gomaxprocs": c.GOMAXPROCS, "pinning": c.Pinning,
		"rounds": c.Rounds, "seconds": c.Duration.Seconds(), "others_cpu_share": c.Others, "steal_share": c.Steal,
		"durability": "memory; the figures named interval: interval",
		// A run whose replicas disagree ends with an error and writes no report.
		"replicas_agree": true,
	}
}

// field returns the value of the first "name : value" line of a file under /proc.
func field(file, name string) string {
	text, _ := os.ReadFile(file) // absent: the value is unknown
	for line := range bytes.Lines(text) {
		if key, value, ok := strings.Cut(string(line), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// usage is processor time since the machine started: of all cores together, busy, stolen, and that of this process and
// of its children that have been waited for.
type usage struct{ all, busy, steal, ours time.Duration }

// userHz is the unit of /proc/stat, the same on every Linux that Go runs on; see proc(5).
const userHz = 100

func usageNow() (u usage) {
	text, _ := os.ReadFile("/proc/stat") // absent: nothing is known, and all shares are 0
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal guest guest_nice
	for i, f := range fields {
		if i == 0 || i > 8 {
			continue
		}
		ticks, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			continue
		}
		d := time.Duration(ticks) * time.Second / userHz
		u.all += d
		switch i {
		case 4, 5:
		case 8:
			u.steal += d
		default:
			u.busy += d
		}
	}
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var r unix.Rusage
		if unix.Getrusage(who, &r) == nil {
			u.ours += time.Duration(r.Utime.Nano() + r.Stime.Nano())
		}
	}
	return u
}
