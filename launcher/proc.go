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
	birth              uint64 // in clock ticks after boot
}

// statOf reads about one process; false when there is none.
func statOf(pid int) (procStat, bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return procStat{}, false
	}
	return parseStat(string(b))
}

// processes lists the processes of this machine. One that ends meanwhile may be missing.
func processes() []procStat {
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
