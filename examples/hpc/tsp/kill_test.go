package main

import (
	"bytes"
	"errors"
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

	"dsss/examples/hpc/tsp/search"
	"dsss/examples/hpc/tsp/tsplib"
)

// TestKilledJobs starts jobs, kills them with SIGKILL at random moments, the launcher alone or its whole process group,
// resumes them on other numbers of workers, kills some of them again, and asks of each the same optimum in the end.
// DSSS_KILLS is the number of jobs, DSSS_KILL_INSTANCE the instance.
func TestKilledJobs(t *testing.T) {
	k, want, jobs := newKiller(t, 3)

	// How long a job takes when nobody kills it says when to kill.
	began := time.Now()
	k.state = filepath.Join(k.dir, "unkilled")
	if out := k.run(4, false, 0, false); !strings.Contains(out, want) {
		t.Fatalf("a job that nobody killed: no %q in\n%s", want, out)
	}
	whole := time.Since(began)
	kills, early := 0, 0
	for job := range jobs {
		k.state = filepath.Join(k.dir, fmt.Sprintf("job%d", job))
		for try := 0; ; try++ {
			n, group := 1+rand.IntN(4), rand.IntN(2) == 0
			after := time.Duration(rand.Int64N(int64(whole)))
			if try == 3 {
				after = 0 // nobody kills it any more
			}
			_, err := os.Stat(filepath.Join(k.state, "job.json"))
			out := k.run(n, err == nil, after, group)
			if after > 0 && !strings.Contains(out, want) {
				kills++
				if err != nil {
					early++
				}
				continue
			}
			if !strings.Contains(out, want) {
				t.Fatalf("job %d, after %d kills: no %q in\n%s", job, try, want, out)
			}
			break
		}
	}
	t.Logf("%d jobs of %v, %d kills, %d of them in a first run: each time %s", jobs, whole.Round(time.Millisecond), kills, early, want)
	if kills == 0 {
		t.Error("no job was killed before it was done")
	}
}

// newKiller builds the programs and returns what is to be found in the output, and how many jobs are asked for.
func newKiller(t *testing.T, jobs int) (k *killer, want string, _ int) {
	t.Helper()
	if s := os.Getenv("DSSS_KILLS"); s != "" {
		var err error
		if jobs, err = strconv.Atoi(s); err != nil {
			t.Fatalf("DSSS_KILLS: %v", err)
		}
	}
	dir := t.TempDir()
	instance := os.Getenv("DSSS_KILL_INSTANCE")
	if instance == "" {
		instance = filepath.Join(dir, "random.tsp")
		if err := os.WriteFile(instance, randomInstance(60, 5), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	in, err := tsplib.ReadFile(instance)
	if err != nil {
		t.Fatal(err)
	}
	best, err := search.Solve(in.Matrix, strong)
	if err != nil {
		t.Fatal(err)
	}
	want = fmt.Sprintf("tour length: %d (proved optimal)", best.Length)
	for name, pkg := range map[string]string{"dsss": "dsss/cmd/dsss", "tsp": "dsss/examples/hpc/tsp"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg).CombinedOutput(); err != nil {
			t.Fatalf("go build %s: %v\n%s", pkg, err, out)
		}
	}
	return &killer{t: t, dir: dir, instance: instance}, want, jobs
}

type killer struct {
	t                    *testing.T
	dir, instance, state string
}

// run runs the job on n workers; after a time, if it is not 0, it kills the launcher or its process group. It returns
// what the job printed.
func (k *killer) run(n int, resume bool, after time.Duration, group bool) string {
	k.t.Helper()
	args := []string{"run", "-n", strconv.Itoa(n), "--state-dir", k.state, "--checkpoint-every", "500ms"}
	if resume {
		args = append(args, "--resume")
	}
	for end := time.Now().Add(30 * time.Second); ; {
		var out bytes.Buffer
		cmd := exec.Command(filepath.Join(k.dir, "dsss"), append(args, "--", filepath.Join(k.dir, "tsp"), k.instance)...)
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.WaitDelay = 10 * time.Second // a survivor that holds our pipe is seen below
		if err := cmd.Start(); err != nil {
			k.t.Fatal(err)
		}
		if after > 0 {
			time.AfterFunc(after, func() {
				pid := cmd.Process.Pid
				if group {
					pid = -pid
				}
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may be done already
			})
		}
		err := cmd.Wait()
		if errors.Is(err, exec.ErrWaitDelay) {
			k.t.Fatalf("somebody outlived the launcher:\n%s", &out)
		}
		if strings.Contains(out.String(), "is in use") && time.Now().Before(end) {
			continue // the killed coordinator is not quite gone
		}
		return out.String()
	}
}

// randomInstance is n cities on a square, in TSPLIB's form.
func randomInstance(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var b bytes.Buffer
	fmt.Fprintf(&b, "NAME : random%d\nTYPE : TSP\nDIMENSION : %d\nEDGE_WEIGHT_TYPE : EUC_2D\nNODE_COORD_SECTION\n", n, n)
	for i := range n {
		fmt.Fprintf(&b, "%d %d %d\n", i+1, r.IntN(10000), r.IntN(10000))
	}
	b.WriteString("EOF\n")
	return b.Bytes()
}
