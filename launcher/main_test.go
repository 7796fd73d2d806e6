package launcher

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/launchenv"
	"dsss/internal/machine"
	"dsss/launcher/fleet"
)

// The test binary stands for every process of a job: what it is, its first argument says.
const (
	asVar   = "LAUNCHER_TEST"      // set: be something else than the tests
	markVar = "LAUNCHER_TEST_MARK" // names one launcher and all below it
	cfgVar  = "LAUNCHER_TEST_CONFIG"
)

func TestMain(m *testing.M) {
	if os.Getenv(asVar) == "" || len(os.Args) < 2 {
		for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
			if signal.Ignored(s) { // by nohup(1), or as a shell's background job; what is started here is to begin without
				signal.Notify(make(chan os.Signal, 1), s)
			}
		}
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case "launch":
		os.Exit(launch())
	case "guard":
		fleet.Guard(os.Stdin)
	case "coordinator":
		fakeCoordinator(os.Args[2])
	case "program":
		fakeProgram(os.Args[2:])
	}
}

// launch is the launcher's process.
func launch() int {
	var cfg Config
	if err := json.Unmarshal([]byte(os.Getenv(cfgVar)), &cfg); err != nil {
		panic(err)
	}
	r, err := Run(context.Background(), cfg)
	if b, err := json.Marshal(r); err != nil || os.WriteFile("report.json", b, 0o666) != nil {
		panic(err)
	}
	line := r.Line()
	if err != nil {
		line = err.Error()
	}
	if line != "" {
		fmt.Fprintln(os.Stderr, "dsss: "+line)
	}
	return r.ExitCode
}

// config returns a job of the fake program under the fake coordinator. keeper says what the keeper does and, behind a "|",
// what the host does, workers what each rank does; the last one stands for all further ranks.
func config(coordinator string, n int, keeper string, workers ...string) Config {
	self := os.Args[0]
	return Config{
		Program: append([]string{self, "program", keeper}, workers...), Workers: n, Name: "test", Grace: 5 * time.Second,
		Coordinator: []string{self, "coordinator", coordinator}, Guard: []string{self, "guard"},
	}
}

// A launched is a running launcher.
type launched struct {
	*exec.Cmd
	mark     string
	out, err screen
}

// start starts the launcher in a directory of its own. Output goes to files, so that nobody waits for whoever inherited it.
func start(t *testing.T, cfg Config, stdout io.Writer) *launched {
	t.Helper()
	return startBy(t, cfg, stdout, os.Args[0], "launch")
}

// startBy starts the launcher by a command.
func startBy(t *testing.T, cfg Config, stdout io.Writer, command ...string) *launched {
	t.Helper()
	b, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l := &launched{Cmd: exec.Command(command[0], command[1:]...), mark: t.TempDir()} // no other has it, in another run of these tests neither
	// The race detector holds up every exit by a second unless told otherwise.
	l.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", asVar+"=1", markVar+"="+l.mark, cfgVar+"="+string(b))
	l.Dir = t.TempDir()
	l.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	l.Stdout, l.Stderr = &l.out, &l.err
	if stdout != nil {
		l.Stdout = stdout
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, pid := range l.living() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return l
}

// wait returns the exit code, after checking that nothing is left.
func (l *launched) wait(t *testing.T) int {
	t.Helper()
	timeout := time.AfterFunc(60*time.Second, func() { _ = l.Process.Kill() })
	_ = l.Wait() // the state tells
	if !timeout.Stop() {
		t.Fatalf("did not end\nstdout: %s\nstderr: %s", &l.out, &l.err)
	}
	if left := l.living(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return l.ProcessState.ExitCode()
}

// lastLine is the last line of stderr.
func (l *launched) lastLine() string {
	lines := strings.Split(strings.TrimSuffix(l.err.String(), "\n"), "\n")
	return lines[len(lines)-1]
}

// living lists the processes that carry the launcher's mark, however they were started.
func (l *launched) living() []int {
	var out []int
	for _, p := range machine.Processes() {
		if !p.Zombie && bytes.Contains(machine.Environ(p.PID), []byte(markVar+"="+l.mark+"\x00")) {
			out = append(out, p.PID)
		}
	}
	return out
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for !cond() {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// fakeProgram does what the one argument says that is for it: a list of steps.
func fakeProgram(args []string) {
	env, err := launchenv.Read()
	if err != nil {
		panic(err)
	}
	steps, host, _ := strings.Cut(args[0], "|")
	switch env.Role {
	case launchenv.Worker:
		steps = args[1+min(env.Rank, len(args)-2)]
	case launchenv.Host:
		steps = host
	}
	caught := make(chan os.Signal, 1)
	if strings.Contains(steps, "until") { // from the start, so that none comes too early
		signal.Notify(caught, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM)
	}
	var conn *comm.Conn
	skip := false
	for step := range strings.FieldsSeq(steps) {
		verb, arg, _ := strings.Cut(step, "=")
		if skip {
			skip = false
			continue
		}
		switch verb {
		case "once": // the next step, if nobody was here before
			f, err := os.OpenFile(arg, os.O_CREATE|os.O_EXCL, 0o666)
			skip = err != nil
			f.Close()
		case "watch":
			if err := launchenv.WatchLifeline(func() { os.Exit(9) }); err != nil {
				panic(err)
			}
		case "join":
			conn = join(env)
		case "out":
			fmt.Println(arg)
		case "err":
			fmt.Fprintln(os.Stderr, strings.ReplaceAll(arg, "_", " "))
		case "part":
			fmt.Print(arg)
		case "blast":
			for i := 0; ; i++ {
				fmt.Println(arg, i)
			}
		case "stubborn":
			signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		case "touch":
			if err := os.WriteFile(arg, []byte("here\n"), 0o666); err != nil {
				panic(err)
			}
		case "progress":
			if err := conn.Send(comm.KindProgress, &wire.ProgressT{Text: arg}); err != nil {
				panic(err)
			}
		case "until": // a signal comes
			if s := <-caught; s.String() != strings.ReplaceAll(arg, "_", " ") {
				panic(s)
			}
		case "stay": // whatever coordinators come and go, until the job ends
			stay(env, conn)
		case "follow": // the connection, to its end
			for {
				if _, _, err := conn.Next(); err != nil {
					break
				}
			}
		case "sh":
			sh(strings.ReplaceAll(arg, "_", " "))
		case "kill":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		case "forever":
			select {}
		case "exit":
			code := 0
			fmt.Sscan(arg, &code)
			os.Exit(code)
		default:
			panic(step)
		}
	}
}

func sh(script string) {
	c := exec.Command("/bin/sh", "-c", script)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		panic(err)
	}
}

// stay follows the connection and connects again when it ends without a word.
func stay(env launchenv.Env, conn *comm.Conn) {
	for {
		kind, _, err := conn.Next()
		switch {
		case err != nil:
			conn = join(env)
		case kind == comm.KindStop:
			return
		}
	}
}

func join(env launchenv.Env) *comm.Conn {
	hello := &wire.HelloT{Job: env.Job, Token: env.Token, Rank: int32(env.Rank), Session: 1, Pid: int32(os.Getpid()), Incarnation: env.Incarnation}
	if env.Role == launchenv.Keeper {
		hello.Role = wire.RoleKeeper
	}
	conn, _, err := comm.Greet(context.Background(), comm.TCP{}, env.Coordinator, hello, nil)
	for tries := 0; tries < 20 && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)); tries++ {
		conn, _, err = comm.Greet(context.Background(), comm.TCP{}, env.Coordinator, hello, nil) // the coordinator died meanwhile
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "join:", err)
		os.Exit(1)
	}
	return conn
}
