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
		stat, _ := os.ReadFile(base + "/stat")
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if !slices.Contains(env, VarProgram+"="+dir) || len(fields) < 2 || fields[0] == "Z" {
			continue
		}
		p := proc{pid: pid, rank: -1}
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
