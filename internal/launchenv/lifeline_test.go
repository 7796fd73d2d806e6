package launchenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestMain lets the test binary stand for a program that watches its lifeline.
func TestMain(m *testing.M) {
	if os.Getenv("LAUNCHENV_TEST_WATCH") == "" {
		os.Exit(m.Run())
	}
	dead := make(chan struct{})
	if err := WatchLifeline(func() { close(dead) }); err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	fmt.Println("watching")
	<-dead
	os.Exit(7)
}

func TestParseLifeline(t *testing.T) {
	for value, ok := range map[string]bool{
		"3:123": true, "0:0": true, "": false, "3": false, "3:": false, ":3": false, "-1:3": false, "3:-1": false,
		"x:1": false, "3:1:1": false, "99999999999999999999:1": false,
	} {
		fd, inode, err := parseLifeline(value)
		if (err == nil) != ok {
			t.Errorf("parseLifeline(%q) = %d, %d, %v; want ok %v", value, fd, inode, err, ok)
		}
	}
}

// A grandchild behind a shell script learns that the holder of the write end is gone.
func TestLifelineReachesGrandchild(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", `"$0"; exit $?`, os.Args[0])
	cmd.ExtraFiles = []*os.File{r}
	v, err := LifelineVar(3, r)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "LAUNCHENV_TEST_WATCH=1", v)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	line := make([]byte, 9)
	if _, err := out.Read(line); err != nil || string(line) != "watching\n" {
		t.Fatalf("read %q, %v", line, err)
	}
	if err := syscall.Kill(cmd.Process.Pid, 0); err != nil {
		t.Fatalf("ended before the lifeline: %v", err)
	}
	w.Close()
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Fatalf("Wait: %v, want exit code 7", err)
	}
}

// A descriptor that is something else is not taken for the lifeline.
func TestClosedLifelineIsNamed(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	v, err := LifelineVar(3, r)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for name, extra := range map[string][]*os.File{"closed": nil, "replaced": {other}} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "LAUNCHENV_TEST_WATCH=1", v)
		cmd.ExtraFiles = extra
		out, err := cmd.Output()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 3 || string(out) != ErrNoLifeline.Error()+"\n" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

func TestNoLauncherNoLifeline(t *testing.T) {
	t.Setenv(VarLifeline, "")
	if err := WatchLifeline(func() { t.Error("onDeath called") }); err != nil {
		t.Fatal(err)
	}
}
