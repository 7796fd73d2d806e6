package fleet

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"dsss/internal/applying"
	"dsss/internal/build"
	"dsss/internal/launchenv"
	"dsss/internal/machine"
)

const (
	aloneVar  = "FLEET_TEST_ALONE"  // set: the process of one test, which has no other children
	memberVar = "FLEET_TEST_MEMBER" // set: the process of a member, which does what it says
)

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "guard":
		Guard(os.Stdin)
	case os.Getenv(memberVar) != "":
		member(os.Getenv(memberVar))
	default:
		os.Exit(m.Run())
	}
}

// member does what a member is to do, and then waits for a signal.
func member(what string) {
	switch what {
	case "applies":
		s := applying.Inherited()
		s.Object("pool", "main.Pool")
		s.Method("Take")
		s.Enter(17)
	case "listens":
		l := os.NewFile(ListenFD, "listener")
		kind, err := unix.GetsockoptInt(int(l.Fd()), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
		ready := os.NewFile(ReadyFD, "ready")
		fmt.Fprintln(ready, kind, err)
		ready.Close()
	case "env":
		for _, v := range []string{launchenv.VarBuild, launchenv.VarApplying, launchenv.VarMark, launchenv.VarLifeline} {
			if os.Getenv(v) == "" {
				fmt.Println("no", v)
			}
		}
		if err := launchenv.WatchLifeline(func() {}); err != nil {
			fmt.Println(err)
		}
	case "daemon": // which has its output, and is in no group of ours
		c := exec.Command("setsid", "sleep", "1000")
		c.Stdout = os.Stdout
		if err := c.Start(); err != nil {
			panic(err)
		}
		fmt.Println(c.Process.Pid)
		os.Exit(3)
	}
	fmt.Println("up")
	select {}
}

// alone runs a test in a process of its own, because a Local takes all children of its process for its own. It
// returns false in the process that is only to wait for that.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(aloneVar) != "" {
		return true
	}
	t.Parallel()
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
	c.Env = append(os.Environ(), aloneVar+"=1", "GORACE=atexit_sleep_ms=0")
	if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS") {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

// A collector is a sink that keeps what it takes.
type collector struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{} // more was taken
	done chan struct{}
}

func newCollector() *collector {
	return &collector{news: make(chan struct{}, 1), done: make(chan struct{})}
}

func (c *collector) Take(b []byte, _ bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text.Write(b)
	select {
	case c.news <- struct{}{}:
	default:
	}
}

func (c *collector) End() { close(c.done) }

// until waits for the end of what is taken.
func (c *collector) until(end string) string {
	for {
		c.mu.Lock()
		text := c.text.String()
		c.mu.Unlock()
		if strings.HasSuffix(text, end) {
			return text
		}
		<-c.news
	}
}

func newLocal(t *testing.T) *Local {
	t.Helper()
	self, err := build.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLocal(LocalConfig{Program: self, DSSS: self, Guard: []string{os.Args[0], "guard"}, Warn: func(line string) { t.Error(line) }})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// begin starts a member that does what, and returns its stdout.
func begin(t *testing.T, l *Local, incarnation uint64, m Member, what string) (out *collector, pid int) {
	t.Helper()
	out = newCollector()
	pid, err := l.Start(incarnation, Spec{Member: m, Args: []string{"program"}, Env: []string{memberVar + "=" + what}, Out: out})
	if err != nil {
		t.Fatal(err)
	}
	return out, pid
}

// Incarnations name processes: who is told, looked at and reported is the one that is meant, also when its member has
// another by now.
func TestLocal(t *testing.T) {
	if !alone(t) {
		return
	}
	l := newLocal(t)
	first, _ := begin(t, l, 5, Worker(0), "applies")
	other, pid := begin(t, l, 6, Worker(1), "env")
	first.until("up\n")
	if text := other.until("up\n"); text != "up\n" {
		t.Error(text)
	}
	want := applying.Call{Phase: applying.Applying, Sequence: 17, Object: "pool", Class: "main.Pool", Method: "Take"}
	if got := l.Applying(5); got != want || l.Applying(6) != (applying.Call{}) || l.Applying(7) != (applying.Call{}) {
		t.Errorf("applying %v", got)
	}
	l.Signal(6, syscall.SIGSTOP)
	if err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if !l.Stopped(6) || l.Stopped(5) || l.Stopped(7) {
		t.Error("incarnation 6 is not stopped, or another is")
	}
	l.Signal(5, syscall.SIGKILL)
	e := <-l.Ended()
	if e.Incarnation != 5 || e.Exit != (Exit{Code: -1, Signal: syscall.SIGKILL}) || e.During != want || e.Reached != 16 || e.Limits[unix.RLIMIT_NOFILE] == 0 {
		t.Errorf("ended: %+v", e)
	}
	again, _ := begin(t, l, 8, Worker(0), "env")
	again.until("up\n")
	l.Signal(5, syscall.SIGKILL) // it has ended
	if got := l.Applying(5); got != (applying.Call{}) || l.Applying(8) != (applying.Call{}) {
		t.Errorf("incarnation 5 is applying %v, 8 %v", got, l.Applying(8))
	}
	l.Signal(8, syscall.SIGTERM)
	if e := <-l.Ended(); e.Incarnation != 8 || e.Exit.Signal != syscall.SIGTERM || e.During.Phase != applying.Idle {
		t.Errorf("ended: %+v", e)
	}
	if left := l.Close(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	<-other.done
	if left := descendants(os.Getpid(), machine.Processes()); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A coordinator has the socket, which outlives it, and says through it where it listens.
func TestCoordinatorsDescriptors(t *testing.T) {
	if !alone(t) {
		return
	}
	l := newLocal(t)
	address := l.Address()
	for incarnation := uint64(1); incarnation < 3; incarnation++ {
		ready := newCollector()
		if _, err := l.Start(incarnation, Spec{Member: Coordinator, Args: []string{"program"}, Env: []string{memberVar + "=listens"}, Ready: ready}); err != nil {
			t.Fatal(err)
		}
		if <-ready.done; ready.text.String() != "1 <nil>\n" {
			t.Errorf("ready: %q", &ready.text)
		}
		l.Signal(incarnation, syscall.SIGKILL)
		<-l.Ended()
	}
	if address != l.Address() || !strings.HasPrefix(address, "127.0.0.1:") {
		t.Errorf("addresses %s and %s", address, l.Address())
	}
	l.Close()
}

// What a process left behind does not keep its streams open once they are cut off, and does not outlive the fleet.
func TestLeftBehind(t *testing.T) {
	if !alone(t) {
		return
	}
	l := newLocal(t)
	out, _ := begin(t, l, 1, Worker(0), "daemon")
	if e := <-l.Ended(); e.Exit.Code != 3 {
		t.Errorf("ended: %+v", e)
	}
	daemon := 0
	fmt.Sscan(out.until("\n"), &daemon)
	if _, lives := machine.Find(daemon); !lives {
		t.Fatal("there is no daemon")
	}
	l.CutOff(1)
	<-out.done
	if left := l.Close(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if p, lives := machine.Find(daemon); lives {
		t.Errorf("the daemon lives: %+v", p)
	}
}

// A start that fails ends the sinks, and leaves nothing.
func TestStartFails(t *testing.T) {
	if !alone(t) {
		return
	}
	script := t.TempDir() + "/script"
	if err := os.WriteFile(script, []byte("#!/nosuch\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	l := newLocal(t)
	var err error
	if l.cfg.Program, err = build.Open(script); err != nil {
		t.Fatal(err)
	}
	out, errs := newCollector(), newCollector()
	if _, err := l.Start(1, Spec{Member: Worker(0), Args: []string{"script"}, Out: out, Err: errs}); err == nil {
		t.Error("it was started")
	}
	<-out.done
	<-errs.done
	l.Signal(1, syscall.SIGKILL) // nobody gets it
	if left := l.Close(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
