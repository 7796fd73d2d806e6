package launcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// operator connects to the job of l once all its workers have joined.
func operator(t *testing.T, l *launched, workers int, said *[]string) *Operator {
	t.Helper()
	dir := filepath.Join(l.Dir, "test.dsss")
	eventually(t, "the workers have joined", func() bool {
		a, err := readAccess(dir)
		return err == nil && len(a.present()) == workers && !slices.ContainsFunc(a.Ranks, func(r RankAccess) bool { return !r.Joined && !r.Failed })
	})
	o, err := Operate(dir, func(line string) { *said = append(*said, regexp.MustCompile(`pid \d+`).ReplaceAllString(line, "pid")) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// Workers come and go while a job runs; the last one's leave is its end.
func TestJoinAndLeave(t *testing.T) {
	t.Parallel()
	const worker = "watch join forever"
	cfg := config("ok", 2, keeperOK, worker, "watch join stubborn forever", worker, worker, "exit=3")
	cfg.Grace = 300 * time.Millisecond
	l := start(t, cfg, nil)
	var said []string
	do := func(workers int, f func(*Operator) error, want ...string) {
		t.Helper()
		said = nil
		if err := f(operator(t, l, workers, &said)); err != nil {
			said = append(said, "error: "+regexp.MustCompile(`pid \d+`).ReplaceAllString(err.Error(), "pid"))
		}
		slices.Sort(said) // they join in any order
		if !slices.Equal(said, want) {
			t.Errorf("said %q, want %q", said, want)
		}
	}
	dir := filepath.Join(l.Dir, "test.dsss")
	do(2, func(o *Operator) error { return o.Leave(t.Context(), 7) }, "error: rank 7 does not exist: the job in "+dir+" has ranks 0, 1")
	do(2, func(o *Operator) error { return o.Join(t.Context(), 0) }, "error: -n 0: want 1 worker or more")
	do(2, func(o *Operator) error { return o.Join(t.Context(), 5000) }, "error: -n 5000: only 1022 more workers can be started on one machine")
	do(2, func(o *Operator) error { return o.Leave(t.Context(), 0) }, "rank 0 (pid) has left")
	do(1, func(o *Operator) error { return o.Join(t.Context(), 3) }, "rank 0 (pid) has joined", "rank 2 (pid) has joined", "rank 3 (pid) has joined")
	do(4, func(o *Operator) error { return o.Join(t.Context(), 1) }, "error: rank 4 (pid) ended before it had joined: the launcher's stderr says why")
	do(4, func(o *Operator) error { return o.Save(t.Context()) }, "checkpoint at sequence number 9")
	info, err := os.Stat(filepath.Join(dir, accessFile))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("access file: %v, %v", info, err)
	}
	for n := range 3 {
		do(4-n, func(o *Operator) error { return o.Leave(t.Context(), n) }, fmt.Sprintf("rank %d (pid) has left", n))
	}
	said = nil
	err = operator(t, l, 1, &said).Leave(t.Context(), 3)
	if last := []string{"rank 3 (pid) has left", "rank 3 (pid) is gone, and the job has ended"}; err != nil || len(said) != 1 || !slices.Contains(last, said[0]) {
		t.Errorf("said %q, %v", said, err)
	}
	if code := l.wait(t); code != 0 {
		t.Errorf("exit code %d, stderr: %s", code, &l.err)
	}
	for _, want := range []string{
		"dsss: rank 0 (pid ) has left, as dsss leave asked\n", "dsss: rank 0 started as pid , as dsss join asked\n",
		"dsss: rank 4 (pid ) exited with code 3 before dsss.Join; the job goes on without it\n",
		"dsss: job test finished without rank 4: 5 workers, ",
	} {
		if got := regexp.MustCompile(`pid \d+`).ReplaceAllString(l.err.String(), "pid "); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, accessFile+"*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What is said of a directory in which no job runs.
func TestNoRunningJob(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	refused := func(want string) {
		t.Helper()
		_, err := Operate(dir, nil)
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	refused("no running job in " + dir)
	l := start(t, config("ok", 1, keeperOK, "watch join forever"), nil)
	dir = filepath.Join(l.Dir, "test.dsss")
	eventually(t, "it is there", func() bool { _, err := readAccess(dir); return err == nil })
	if err := syscall.Kill(l.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = l.Wait() // killed, as asked
	refused("was killed; 'dsss run --resume' goes on from it")
	eventually(t, "all are gone", func() bool { return len(l.living()) == 0 })
}

func TestRanksText(t *testing.T) {
	for want, ranks := range map[string][]int{
		"no ranks": nil, "rank 3": {3}, "ranks 0, 1": {0, 1}, "ranks 0 to 2": {0, 1, 2}, "ranks 0, 2 to 4, 6, 7": {0, 2, 3, 4, 6, 7},
	} {
		if got := ranksText(ranks); got != want {
			t.Errorf("%v: %q, want %q", ranks, got, want)
		}
	}
}
