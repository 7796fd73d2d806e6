package main

import (
	"cmp"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/procfs"
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
	cpu, memory := hardware()
	return conditions{
		CPU: cmp.Or(cpu.ModelName, "unknown"), Kernel: unix.ByteSliceToString(uts.Sysname[:]) + " " + unix.ByteSliceToString(uts.Release[:]), Go: runtime.Version(),
		Date: time.Now().Format(time.DateOnly), Command: strings.Join(append([]string{"go run ./bench"}, args...), " "),
		CPUs: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0), Rounds: o.rounds, Duration: o.duration(),
		MemoryGiB: float64(memory) / (1 << 20), VM: slices.Contains(cpu.Flags, "hypervisor"),
		Pinning:  "closed loop: all processes on one core; the rest not pinned",
		Revision: revision(), begin: usageNow(),
	}
}

// hardware returns what /proc says about the first processor and how much memory there is, in KiB: as far as it
// says it.
func hardware() (cpu procfs.CPUInfo, memory uint64) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return cpu, 0
	}
	if all, err := fs.CPUInfo(); err == nil && len(all) > 0 {
		cpu = all[0]
	}
	if m, err := fs.Meminfo(); err == nil && m.MemTotal != nil {
		memory = *m.MemTotal
	}
	return cpu, memory
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

// usage is processor time since the machine started: of all cores together, busy, stolen, and that of this process and
// of its children that have been waited for.
type usage struct{ all, busy, steal, ours time.Duration }

func usageNow() (u usage) {
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if stat, err := fs.Stat(); err == nil { // else nothing is known, and all shares are 0
			c, second := stat.CPUTotal, float64(time.Second)
			busy := c.User + c.Nice + c.System + c.IRQ + c.SoftIRQ
			u.busy, u.steal = time.Duration(busy*second), time.Duration(c.Steal*second)
			u.all = time.Duration((busy + c.Steal + c.Idle + c.Iowait) * second)
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
