package launcher

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dsss/internal/launchenv"
)

// procs lists the living processes below the launcher that have all of the variables.
func (l *launched) having(vars ...string) []int {
	var out []int
	for _, pid := range l.living() {
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)) // it may be gone
		all := true
		for _, v := range vars {
			all = all && bytes.Contains(env, []byte(v+"\x00"))
		}
		if all {
			out = append(out, pid)
		}
	}
	return out
}

// What a batch system starts on the same machine, with the environment of whoever submitted it, is not the job's, even
// if the job's launcher is killed. What descends from the launcher is.
func TestSubmittedJobsStay(t *testing.T) {
	t.Parallel()
	l := start(t, config("ok", 1, keeperOK, "join sh=cat_/proc/self/environ_>env touch=ready forever"), nil)
	eventually(t, "the worker is up", func() bool { _, err := os.Stat(filepath.Join(l.Dir, "ready")); return err == nil })
	b, err := os.ReadFile(filepath.Join(l.Dir, "env"))
	if err != nil || !bytes.Contains(b, []byte("\x00"+launchenv.VarMark+"=")) {
		t.Fatalf("the worker's environment: %q, %v", b, err)
	}
	inherited := strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	startWith := func(c *exec.Cmd) {
		t.Helper()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = c.Process.Kill(), c.Wait() })
	}
	// This process is an ancestor of the launcher, as a daemon that starts batch jobs itself is of a launcher in one.
	other := exec.Command("sleep", "1000")
	other.Env = append(inherited, "WHO=other", "PBS_JOBID=77.node")
	startWith(other)
	// A daemon that has nothing to do with the launcher, without batch jobs' numbers, as at(1) has.
	at := exec.Command("sh", "-c", `xargs -0 -a "$0" sh -c 'exec env -i "$@" WHO=at sleep 1000' x & wait`, filepath.Join(l.Dir, "env"))
	startWith(at)
	// What the launcher left looks the same but for both: it is the child of an ancestor.
	left := exec.Command("sleep", "1000")
	left.Env = append(inherited, "WHO=left")
	startWith(left)
	for _, who := range []string{"other", "at", "left"} {
		eventually(t, who+" is up", func() bool { return len(l.having("WHO="+who)) == 1 })
	}
	if err := l.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = l.Wait() // killed, as asked
	eventually(t, "what the launcher left is gone", func() bool { _ = left.Wait(); return len(l.having("WHO=left")) == 0 })
	eventually(t, "all others and the guard are gone", func() bool { return len(l.living()) == 2 })
	for _, who := range []string{"other", "at"} {
		if len(l.having("WHO="+who)) != 1 {
			t.Errorf("%s was killed", who)
		}
	}
}

// A run inside a run ends alone when its launcher is killed, and with the outer one when that is killed: with all that
// both have started.
func TestNestedRuns(t *testing.T) {
	t.Parallel()
	inner, err := json.Marshal(config("ok", 1, keeperOK, "join sh=(setsid_env_WHO=inner_sleep_1000_&);exec_sleep_1000"))
	if err != nil {
		t.Fatal(err)
	}
	for _, killed := range []string{"inner", "outer"} {
		t.Run(killed, func(t *testing.T) {
			t.Parallel()
			script := "(setsid env WHO=outer sleep 1000 &); mkdir in; cd in; " + cfgVar + "='" + string(inner) + "' WHO=launcher '" + os.Args[0] + "' launch; exec sleep 1000"
			cfg := config("ok", 1, "")
			cfg.Program = []string{"/bin/sh", "-c", `case $DSSS_ROLE in keeper) exec "$0" program "$@";; esac; ` + script, os.Args[0], keeperOK, "join"}
			l := start(t, cfg, nil)
			eventually(t, "both have started their daemons", func() bool {
				return len(l.having("WHO=inner")) == 1 && len(l.having("WHO=outer")) == 1
			})
			if killed == "outer" {
				if err := l.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = l.Wait() // killed, as asked
				eventually(t, "all are gone", func() bool { return len(l.living()) == 0 })
				return
			}
			for _, pid := range l.having("WHO=launcher") {
				if cmd, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); bytes.HasSuffix(cmd, []byte("\x00launch\x00")) {
					_ = syscall.Kill(pid, syscall.SIGKILL) // it shows
				}
			}
			eventually(t, "all of the inner job are gone", func() bool { return len(l.having("WHO=inner"))+len(l.having("WHO=launcher")) == 0 })
			if len(l.having("WHO=outer")) != 1 {
				t.Error("the outer job's daemon is gone, too")
			}
			if err := l.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			l.wait(t)
		})
	}
}

// In a process namespace with the /proc of another, the numbers there mean others: none of them is killed, and it is said
// what cannot be found.
func TestForeignProc(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root may make a process namespace")
	}
	// In the outer namespace child is below this process. In the inner one the same two numbers are a bystander's and
	// the launcher's.
	child := exec.Command("sleep", "1000")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = child.Process.Kill(), child.Wait() }()
	script := fmt.Sprintf(`cd "$1"; echo $((%[1]d-1)) >/proc/sys/kernel/ns_last_pid || exit 99
sleep 1000 &
bystander=$!
echo $((%[2]d-1)) >/proc/sys/kernel/ns_last_pid || exit 99
"$0" launch & launcher=$!; wait $launcher; code=$?
kill -0 $bystander && echo bystander $bystander lives, launcher $launcher, exit code $code`, child.Process.Pid, os.Getpid())
	cfg, err := json.Marshal(config("ok", 2, keeperOK, workerOK))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("unshare", "--pid", "--fork", "--kill-child", "sh", "-c", script, os.Args[0], t.TempDir())
	c.Env = append(os.Environ(), asVar+"=1", cfgVar+"="+string(cfg))
	out, err := c.CombinedOutput()
	if err != nil && (strings.HasPrefix(string(out), "unshare:") || strings.Contains(string(out), "ns_last_pid")) {
		t.Skipf("no process namespace whose numbers can be chosen: %v: %s", err, out)
	}
	want := fmt.Sprintf("bystander %d lives, launcher %d, exit code 0\n", child.Process.Pid, os.Getpid())
	if err != nil || !strings.HasSuffix(string(out), want) || strings.Count(string(out), "/proc shows another process namespace") != 1 {
		t.Errorf("%v, %s\nwant %s", err, out, want)
	}
}
