package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"dsss/internal/machine"
)

// A proc is a living process of a job, found by the environment that all of them share.
type proc struct {
	pid, parent int
	role        Role // empty: of another kind, such as the guard
	rank        int
	birth       uint64 // in clock ticks after boot
}

// gone tells whether the process is no more: not only has it been killed, all its threads have let go of their files.
func (p proc) gone() bool {
	now, ok := machine.Find(p.pid)
	if !ok || now.Birth != p.birth {
		return true
	}
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.pid)) // none when it goes meanwhile
	return now.Zombie && len(threads) < 2
}

// procsOf lists the living processes that have the job's directory in their environment.
func procsOf(dir string) ([]proc, error) {
	all := machine.Processes()
	if len(all) == 0 {
		return nil, errors.New("/proc does not show this process namespace")
	}
	var out []proc
	for _, each := range all {
		env := strings.Split(string(machine.Environ(each.PID)), "\x00")
		if !slices.Contains(env, VarProgram+"="+dir) {
			continue
		}
		p := proc{pid: each.PID, parent: each.Parent, rank: -1, birth: each.Birth}
		args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid)) // it may be gone
		switch arg := strings.Split(string(args)+"\x00\x00", "\x00")[1]; {
		case slices.Contains(env, "DSSS_ROLE=keeper"):
			p.role = Keeper
		case slices.Contains(env, "DSSS_ROLE=host"):
			p.role = Host
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
