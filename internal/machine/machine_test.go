package machine

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestThisMachine(t *testing.T) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || Boot() != strings.TrimSpace(string(id)) {
		t.Errorf("boot %q, want %q, %v", Boot(), id, err)
	}
	if !strings.HasPrefix(PIDNamespace(), "pid:[") || !OwnProc() {
		t.Errorf("process namespace %q, own %v", PIDNamespace(), OwnProc())
	}
	if n := ThreadsOf(os.Getuid()); n < 2 {
		t.Errorf("this user has %d threads", n)
	}
}

// A process is found and told apart by what it does, under a name that looks like fields of its stat.
func TestFind(t *testing.T) {
	name := t.TempDir() + "/a) Z 1 (b"
	if sleep, err := exec.LookPath("sleep"); err != nil || os.Symlink(sleep, name) != nil {
		t.Fatal(err)
	}
	c := exec.Command(name, "1000")
	for i := range 12 { // more than 1 MiB in all
		c.Env = append(c.Env, fmt.Sprintf("FILL%d=%s", i, strings.Repeat("x", 100<<10)))
	}
	c.Env = append(c.Env, "LAST=1")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Process.Kill(), c.Wait() })
	pid := c.Process.Pid
	self, ok := Find(os.Getpid())
	p, found := Find(pid)
	want := Process{PID: pid, Parent: os.Getpid(), Group: pid, Birth: p.Birth}
	if !ok || !found || p != want || p.Birth < self.Birth || self.Birth == 0 || self.Parent != os.Getppid() || self.Group != syscall.Getpgrp() {
		t.Errorf("this process: %+v, its child: %+v, %v", self, p, found)
	}
	listed := false
	for _, q := range Processes() {
		listed = listed || q == p
	}
	if !listed || !bytes.HasSuffix(Environ(pid), []byte("\x00LAST=1\x00")) {
		t.Errorf("listed: %v, environment of %d bytes", listed, len(Environ(pid)))
	}
	for _, s := range []struct {
		signal syscall.Signal
		flags  int
		want   Process
	}{
		{syscall.SIGSTOP, unix.WSTOPPED, Process{PID: pid, Parent: os.Getpid(), Group: pid, Birth: p.Birth, Stopped: true}},
		{syscall.SIGKILL, unix.WEXITED, Process{PID: pid, Parent: os.Getpid(), Group: pid, Birth: p.Birth, Zombie: true}},
	} {
		if err := c.Process.Signal(s.signal); err != nil {
			t.Fatal(err)
		}
		if err := unix.Waitid(unix.P_PID, pid, nil, s.flags|unix.WNOWAIT, nil); err != nil {
			t.Fatal(err)
		}
		if got, _ := Find(pid); got != s.want {
			t.Errorf("after %v: %+v, want %+v", s.signal, got, s.want)
		}
	}
	_ = c.Wait() // killed, as asked
	if p, found := Find(pid); found {
		t.Errorf("waited for, and still there: %+v", p)
	}
}

// The limits are those of the process that is asked about, and can be read until it was waited for.
func TestLimitsOfChild(t *testing.T) {
	c := exec.Command("/bin/sh", "-c", "ulimit -v 1234567; echo; read x")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	in.Close()
	if err := unix.Waitid(unix.P_PID, c.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if got := LimitsOf(c.Process.Pid)[unix.RLIMIT_AS]; got != 1234567<<10 {
		t.Errorf("address space: %d", got)
	}
	_ = c.Wait() // read met the end
}
