package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A proc is a living process of a job, found by the environment that all of them share.
type proc struct {
	pid, parent int
	role        Role // empty: of another kind, such as the guard
	rank        int
	birth       string // in clock ticks after boot
}

// gone tells whether the process is no more: not only has it been killed, all its threads have let go of their files.
func (p proc) gone() bool {
	base := filepath.Join("/proc", strconv.Itoa(p.pid))
	fields := statOf(base)
	if len(fields) < 20 || fields[19] != p.birth {
		return true
	}
	threads, _ := os.ReadDir(base + "/task") // none when it goes meanwhile
	return fields[0] == "Z" && len(threads) < 2
}

// statOf returns the fields of a process's stat behind its name, state first; none when there is no such process.
func statOf(base string) []string {
	b, _ := os.ReadFile(base + "/stat") // it may be gone
	return strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
}

// procsOf lists the living processes that have the job's directory in their environment.
func procsOf(dir string) ([]proc, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var out []proc
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		base := filepath.Join("/proc", e.Name())
		b, _ := os.ReadFile(base + "/environ") // it may be gone, or somebody else's
		env := strings.Split(string(b), "\x00")
		fields := statOf(base)
		if !slices.Contains(env, VarProgram+"="+dir) || len(fields) < 20 {
			continue
		}
		p := proc{pid: pid, rank: -1, birth: fields[19]}
		p.parent, _ = strconv.Atoi(fields[1])
		args, _ := os.ReadFile(base + "/cmdline")
		switch arg := strings.Split(string(args)+"\x00\x00", "\x00")[1]; {
		case slices.Contains(env, "DSSS_ROLE=keeper"):
			p.role = Keeper
		case slices.Contains(env, "DSSS_ROLE=worker"):
			p.role = Worker
			for _, v := range env {
				if s, ok := strings.CutPrefix(v, "DSSS_RANK="); ok {
					p.rank, _ = strconv.Atoi(s)
				}
			}
		case arg == "coordinator":
			p.role = Coordinator
		case arg == "run":
			p.role = Launcher
		}
		out = append(out, p)
	}
	return out, nil
}

// ranksOf lists the ranks that the launcher counts on, ascending, from the file that it keeps for commands.
func ranksOf(stateDir string) ([]int, error) {
	b, err := os.ReadFile(filepath.Join(stateDir, "access"))
	if err != nil {
		return nil, err
	}
	var a struct {
		Ranks []struct {
			Rank            int
			Leaving, Failed bool
		}
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return nil, fmt.Errorf("%s/access: %w", stateDir, err)
	}
	var out []int
	for _, r := range a.Ranks {
		if !r.Leaving && !r.Failed {
			out = append(out, r.Rank)
		}
	}
	return out, nil
}
