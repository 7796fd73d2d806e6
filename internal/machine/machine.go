// Package machine reads what the kernel says about itself and about processes: the project's one reader of /proc,
// on top of github.com/prometheus/procfs. All of it is about this machine and this process namespace; a process id
// means nothing elsewhere, and names of hosts do not tell machines apart, since two may have the same. A leaf
// package.
package machine

import (
	"os"
	"slices"
	"strconv"
	"sync"

	"github.com/prometheus/procfs"
)

// Boot identifies the running kernel from its start on, random_boot_id(4); empty where /proc does not say.
func Boot() string {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return ""
	}
	id, err := fs.SysctlStrings("kernel.random.boot_id")
	if err != nil || len(id) != 1 {
		return ""
	}
	return id[0]
}

// PIDNamespace names the process namespace that this process is in, namespaces(7); empty where /proc does not say.
//
// It is read here because procfs returns all namespaces or none, and the one of future children may have no name.
func PIDNamespace() string {
	name, _ := os.Readlink("/proc/self/ns/pid")
	return name
}

// OwnProc tells whether /proc shows the process namespace that this process is in. In a new one without a /proc of
// its own (as after unshare --pid without --mount-proc) the numbers in it are those of other processes and must not
// be used. It is worked out once: a process stays in its namespace.
var OwnProc = sync.OnceValue(func() bool {
	self, err := procfs.Self()
	if err != nil || self.PID != os.Getpid() {
		return false
	}
	status, err := self.NewStatus()
	// There is one number for each namespace, from that of /proc down to ours. Linux before 4.1 does not say.
	return err == nil && len(status.NSpids) <= 1
})

// A Process is what /proc says about one process, proc_pid_stat(5).
type Process struct {
	PID, Parent, Group int
	Zombie             bool   // it has ended and was not waited for
	Stopped            bool   // by a signal, or a debugger
	Birth              uint64 // when it was started, in clock ticks (1/100 s) after boot: with the id it names a process for good
}

// Find reads about one process of this process namespace; false when there is none, or /proc is that of another.
func Find(pid int) (Process, bool) {
	if !OwnProc() {
		return Process{}, false
	}
	p, err := procfs.NewProc(pid)
	if err != nil {
		return Process{}, false
	}
	return read(p)
}

// Processes lists the processes of this process namespace; none when /proc is that of another. One that starts or ends
// meanwhile may be missing.
func Processes() []Process {
	if !OwnProc() {
		return nil
	}
	all, err := procfs.AllProcs()
	if err != nil {
		return nil
	}
	var out []Process
	for _, p := range all {
		if s, ok := read(p); ok {
			out = append(out, s)
		}
	}
	return out
}

func read(p procfs.Proc) (Process, bool) {
	s, err := p.Stat()
	if err != nil {
		return Process{}, false // it is gone
	}
	is := func(states ...string) bool { return slices.Contains(states, s.State) }
	return Process{PID: p.PID, Parent: s.PPID, Group: s.PGRP, Zombie: is("Z", "X"), Stopped: is("T", "t"), Birth: s.Starttime}, true
}

// Environ returns the environment that a process was executed with, each variable ended by a NUL. One that has
// ended, that executes another program just now, or that this user may not look at, has none.
//
// It is read here because procfs reads 1 MiB at most, and what is looked for may stand behind that.
func Environ(pid int) []byte {
	env, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	return env
}

// ThreadsOf counts the threads that a user has in this process namespace.
func ThreadsOf(uid int) (count uint64) {
	if !OwnProc() {
		return 0
	}
	all, err := procfs.AllProcs()
	if err != nil {
		return 0
	}
	for _, p := range all {
		status, err := p.NewStatus()
		if err != nil || status.UIDs[0] != uint64(uid) {
			continue
		}
		if s, err := p.Stat(); err == nil {
			count += uint64(s.NumThreads)
		}
	}
	return count
}
