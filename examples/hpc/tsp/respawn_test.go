package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLostRanks kills all workers but one, rank 0 among them, of a job that goes on without them: the one that is left
// takes up what they had in hand and reports the optimum.
func TestLostRanks(t *testing.T) {
	k, want, _ := newKiller(t, 1)
	k.state = filepath.Join(k.dir, "lost")
	var out bytes.Buffer
	cmd := exec.Command(filepath.Join(k.dir, "dsss"), "run", "-n", "4", "--state-dir", k.state, "--on-failure", "continue", "--",
		filepath.Join(k.dir, "tsp"), k.instance)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	killed := map[string]bool{}
	for deadline := time.Now().Add(5 * time.Minute); ; {
		select {
		case err := <-ended:
			if err != nil || !strings.Contains(out.String(), want) {
				t.Fatalf("%v, want %q in\n%s", err, want, &out)
			}
			if len(killed) == 0 {
				t.Fatalf("nobody was killed before the job was done\n%s", &out)
			}
			t.Logf("killed %v", killed)
			return
		case <-time.After(5 * time.Millisecond):
		}
		if who, pid := k.victim(cmd.Process.Pid); strings.HasPrefix(who, "rank") && who != "rank 3" && !killed[who] {
			killed[who] = syscall.Kill(pid, syscall.SIGKILL) == nil
		}
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			t.Fatalf("it did not end: %v\n%s", <-ended, &out)
		}
	}
}

// TestRespawnedJobs kills, one after the other, coordinator, keeper and single workers of jobs that start them anew, and
// asks of each job the same optimum, without a resume. DSSS_KILLS and DSSS_KILL_INSTANCE are as for TestKilledJobs.
func TestRespawnedJobs(t *testing.T) {
	k, want, jobs := newKiller(t, 2)
	kills := map[string]int{}
	for job := range jobs {
		k.state = filepath.Join(k.dir, fmt.Sprintf("respawned%d", job))
		var out bytes.Buffer
		cmd := exec.Command(filepath.Join(k.dir, "dsss"), "run", "-n", "4", "--state-dir", k.state, "--checkpoint-every", "100ms",
			"--on-failure", "respawn", "--", filepath.Join(k.dir, "tsp"), k.instance)
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		err := k.killSingles(cmd.Process.Pid, kills, ended)
		if err != nil || !strings.Contains(out.String(), want) {
			t.Fatalf("job %d, after %v: %v, want %q in\n%s", job, kills, err, want, &out)
		}
	}
	t.Logf("%d jobs, killed: %v; each time %s", jobs, kills, want)
	if len(kills) == 0 {
		t.Error("nobody was killed before the jobs were done")
	}
}

// killSingles kills processes of a job, a few of each kind, until it has ended, and returns how. The launcher bears
// with three keepers in a row that write no checkpoint, and with five deaths of a rank.
func (k *killer) killSingles(launcher int, kills map[string]int, ended <-chan error) error {
	left := map[string]int{"coordinator": 5, "keeper": 3}
	deadline := time.After(5 * time.Minute)
	for {
		select {
		case err := <-ended:
			return err
		case <-deadline:
			_ = syscall.Kill(launcher, syscall.SIGKILL)
			return fmt.Errorf("it did not end: %w", <-ended)
		case <-time.After(time.Duration(20+rand.IntN(150)) * time.Millisecond):
		}
		who, pid := k.victim(launcher)
		if pid == 0 {
			continue
		}
		if _, limited := left[who]; !limited {
			left[who] = 4
		}
		if left[who] == 0 {
			continue
		}
		left[who]--
		if syscall.Kill(pid, syscall.SIGKILL) == nil {
			kills[strings.Fields(who)[0]]++
		}
	}
}

// victim picks a process of the job: the coordinator, the keeper, or a worker that has joined; 0 when that one is not
// to be found just now.
func (k *killer) victim(launcher int) (who string, pid int) {
	var access struct {
		Ranks []struct {
			Rank, PID int
			Joined    bool
		}
	}
	b, err := os.ReadFile(filepath.Join(k.state, "access"))
	if err != nil || json.Unmarshal(b, &access) != nil || len(access.Ranks) == 0 {
		return "", 0 // it does not run yet, or is about to end
	}
	switch rand.IntN(4) {
	case 0:
		return "coordinator", child(launcher, "\x00coordinator\x00")
	case 1:
		return "keeper", child(launcher, "\x00DSSS_ROLE=keeper\x00")
	}
	r := access.Ranks[rand.IntN(len(access.Ranks))]
	if !r.Joined {
		return "", 0
	}
	return fmt.Sprintf("rank %d", r.Rank), r.PID
}

// child returns the process id of a child whose command line or environment has text in it; 0 when there is none.
func child(parent int, text string) int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		b, _ := os.ReadFile(stat) // it may be gone
		fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		args, _ := os.ReadFile(filepath.Join(filepath.Dir(stat), "cmdline"))
		env, _ := os.ReadFile(filepath.Join(filepath.Dir(stat), "environ"))
		if strings.Contains(string(args)+"\x00"+string(env), text) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
			return pid
		}
	}
	return 0
}
