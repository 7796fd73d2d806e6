package launcher

import (
	"os"
	"strconv"
	"strings"
)

// A procStat is what we need of one process in /proc (proc_pid_stat(5)).
type procStat struct {
	pid, parent, group int
	zombie             bool
	stopped            bool   // by a signal, or a debugger
	birth              uint64 // in clock ticks after boot
}

// ownProc tells whether /proc shows the process namespace that we are in. In a new one without a /proc of its own (as after
// unshare --pid without --mount-proc) the numbers in it are those of others, and must not be used.
func ownProc() bool {
	self, err := os.Readlink("/proc/self")
	if err != nil || self != strconv.Itoa(os.Getpid()) {
		return false
	}
	status, err := os.ReadFile("/proc/self/status")
	// There is one number for each namespace, from that of /proc down to ours.
	_, numbers, ok := strings.Cut(string(status), "\nNSpid:")
	numbers, _, _ = strings.Cut(numbers, "\n")
	return err == nil && (!ok || len(strings.Fields(numbers)) == 1) // Linux before 4.1 does not say
}

// statOf reads about one process of this process namespace; false when there is none, or /proc is that of another.
func statOf(pid int) (procStat, bool) {
	if !ownProc() {
		return procStat{}, false
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return procStat{}, false
	}
	return parseStat(string(b))
}

// processes lists the processes of this process namespace; none when /proc is that of another. One that ends meanwhile
// may be missing.
func processes() []procStat {
	if !ownProc() {
		return nil
	}
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // what could be read is what there is
	var out []procStat
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		b, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		if s, ok := parseStat(string(b)); ok {
			out = append(out, s)
		}
	}
	return out
}

// parseStat reads "pid (command) state ppid pgrp …", where the start time is the 22nd field. The command may hold anything, parentheses and spaces too.
func parseStat(s string) (procStat, bool) {
	pid, _, ok1 := strings.Cut(s, " ")
	i := strings.LastIndexByte(s, ')')
	if !ok1 || i < 0 {
		return procStat{}, false
	}
	f := strings.Fields(s[i+1:])
	if len(f) < 3 {
		return procStat{}, false
	}
	var out procStat
	for _, n := range []struct {
		text string
		to   *int
	}{{pid, &out.pid}, {f[1], &out.parent}, {f[2], &out.group}} {
		v, err := strconv.Atoi(n.text)
		if err != nil {
			return procStat{}, false
		}
		*n.to = v
	}
	out.zombie = f[0] == "Z" || f[0] == "X"
	out.stopped = f[0] == "T" || f[0] == "t"
	if len(f) > 19 {
		out.birth, _ = strconv.ParseUint(f[19], 10, 64) // 0 compares with no other
	}
	return out, true
}

// descendants returns the ids of all below root.
func descendants(root int, all []procStat) []int {
	byParent := map[int][]int{}
	for _, s := range all {
		byParent[s.parent] = append(byParent[s.parent], s.pid)
	}
	var out []int
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		below := byParent[queue[0]]
		out, queue = append(out, below...), append(queue, below...)
	}
	return out
}
