package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKilled kills a worker in the middle of a job, then the launcher, and resumes the job on another number of workers:
// each task is counted once.
func TestKilled(t *testing.T) {
	bin := t.TempDir()
	for name, pkg := range map[string]string{"dsss": "dsss/cmd/dsss", "primes": "."} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, name), pkg).CombinedOutput(); err != nil {
			t.Fatalf("go build %s: %v\n%s", pkg, err, out)
		}
	}
	const limit = 5_000_000
	want := fmt.Sprintf("%d primes below %d, counted in %d tasks\n", sieved(limit), limit, limit/size)
	for _, policy := range []string{"continue", "respawn"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			run := func(flags string) *exec.Cmd {
				args := append([]string{"run", "--state-dir", dir + "/state", "--durability", "sync", "--output", "plain", "--verbose"}, strings.Fields(flags)...)
				cmd := exec.Command(filepath.Join(bin, "dsss"), append(args, "--", filepath.Join(bin, "primes"), strconv.Itoa(limit))...)
				timeout := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
				t.Cleanup(func() { timeout.Stop() })
				return cmd
			}
			// start starts a run and kills rank 1 once there is a checkpoint at that sequence number.
			inUse := time.Now().Add(20 * time.Second)
			var start func(flags string, at int) (*exec.Cmd, *bufio.Scanner, *bytes.Buffer)
			start = func(flags string, at int) (*exec.Cmd, *bufio.Scanner, *bytes.Buffer) {
				cmd, out := run(flags+" --checkpoint-every 10ms --on-failure "+policy), &bytes.Buffer{}
				cmd.Stdout = out
				news, err := cmd.StderrPipe()
				if err == nil {
					err = cmd.Start()
				}
				if err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewScanner(news)
				if last, ok := ordered(lines, at); !ok && strings.Contains(last, " is in use ") && time.Now().Before(inUse) {
					_ = cmd.Wait()
					return start(flags, at) // what was killed is not quite gone
				} else if !ok {
					t.Fatalf("the job ended before sequence number %d: %s", at, last)
				}
				pid := joined(dir+"/state", 1)
				for pid == 0 { // one that dies before it has joined ends the job
					if last, ok := ordered(lines, at); !ok {
						t.Fatalf("the job ended before rank 1 had joined: %s", last)
					}
					pid = joined(dir+"/state", 1)
				}
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				return cmd, lines, out
			}
			killed, lines, _ := start("-n 3", 60) // of some 500
			if last, ok := ordered(lines, 200); !ok {
				t.Fatal("the job ended too early: " + last)
			}
			if err := killed.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			for lines.Scan() { // until nobody is left
			}
			_ = killed.Wait()
			resumed, lines, out := start("-n 2 --resume", 300)
			var said []string
			for lines.Scan() {
				if !checkpointAt.MatchString(lines.Text()) {
					said = append(said, lines.Text())
				}
			}
			if err := resumed.Wait(); err != nil || out.String() != want {
				t.Errorf("resumed: %v, %q, want %q, stderr:\n%s", err, out, want, strings.Join(said, "\n"))
			}
		})
	}
}

var checkpointAt = regexp.MustCompile(`^dsss: checkpoint at sequence number (\d+): `)

// ordered reads what dsss says until a checkpoint is at that sequence number or beyond; false, and the last line, when it ends before.
func ordered(lines *bufio.Scanner, least int) (last string, ok bool) {
	for lines.Scan() {
		last = lines.Text()
		if m := checkpointAt.FindStringSubmatch(last); m != nil {
			if n, _ := strconv.Atoi(m[1]); n >= least {
				return last, true
			}
		}
	}
	return last, false
}

// joined returns the process of a rank of a running job, 0 before it has joined.
func joined(state string, rank int) int {
	var access struct {
		Ranks []struct {
			Rank, PID int
			Joined    bool
		}
	}
	b, err := os.ReadFile(filepath.Join(state, "access"))
	if err != nil || json.Unmarshal(b, &access) != nil {
		return 0
	}
	for _, r := range access.Ranks {
		if r.Rank == rank && r.Joined {
			return r.PID
		}
	}
	return 0
}

// sieved counts primes in another way.
func sieved(limit int) (n int) {
	crossed := make([]bool, limit)
	for i := 2; i < limit; i++ {
		if !crossed[i] {
			n++
			for j := i * i; j < limit; j += i {
				crossed[j] = true
			}
		}
	}
	return n
}
