package launcher

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/launchenv"
)

// A fake is a coordinator that orders nothing and ends as it is told to. Its mode says how; most of them count only for
// the first coordinator of a job, and one that takes over is all right. With "always-" before it, a mode counts for all.
type fake struct {
	mode  string
	token []byte

	mu       sync.Mutex
	control  *comm.Conn
	keeper   *comm.Conn
	workers  []*comm.Conn
	events   []*wire.EventT // for Control, while it is not connected
	expected map[int32]bool // whom a coordinator that takes over waits for; nil once it has the order
	enough   bool           // it has, and workers need not stay any longer
	finish   bool           // to be done once it has
}

// fakeCoordinator is the coordinator's process.
func fakeCoordinator(mode string) {
	token, err := hex.DecodeString(os.Getenv(launchenv.VarToken))
	if err != nil || len(token) == 0 {
		panic("no token")
	}
	if strings.Contains(strings.Join(os.Args, " "), hex.EncodeToString(token)) {
		panic("the token is on the command line")
	}
	flags := flag.NewFlagSet("coordinator", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	takeover, expect, listenFD := flags.Bool("takeover", false, ""), flags.String("expect", "", ""), flags.Int("listen-fd", -1, "")
	for _, name := range []string{"job", "size", "state-dir", "durability", "keep", "checkpoint-every", "mtbf", "checkpoint-overhead", "least"} {
		flags.String(name, "", "")
	}
	resume := flags.Bool("resume", false, "")
	flags.Bool("verbose", false, "")
	if err := flags.Parse(os.Args[3:]); err != nil || *takeover && *resume {
		panic(fmt.Sprint(os.Args, err))
	}
	f := &fake{mode: mode, token: token}
	if *takeover {
		if mode = strings.TrimPrefix(mode, "always-"); mode == f.mode {
			mode = "ok"
		}
		f.mode, f.expected = mode, map[int32]bool{}
		for rank := range strings.SplitSeq(*expect, ",") {
			n, err := strconv.Atoi(rank)
			if err == nil {
				f.expected[int32(n)] = true
			}
		}
	}
	f.mode = strings.TrimPrefix(f.mode, "always-")
	switch f.mode {
	case "refuse":
		fmt.Fprintln(os.Stderr, "state directory d holds a job")
		os.Exit(2)
	case "broken":
		fmt.Fprintln(os.Stderr, "a detail")
		fmt.Fprintln(os.Stderr, "dsss: no space left")
		os.Exit(1)
	case "killed":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	if err := os.MkdirAll(flags.Lookup("state-dir").Value.String(), 0o777); err != nil {
		panic(err)
	}
	if err := launchenv.WatchLifeline(func() { os.Exit(9) }); err != nil {
		panic(err)
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() { <-told; os.Exit(1) }()
	l, err := net.FileListener(os.NewFile(uintptr(*listenFD), "listener"))
	if err != nil {
		panic(err)
	}
	if f.mode == "die-early" && *takeover {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	ready := os.NewFile(3, "ready")
	fmt.Fprintln(ready, l.Addr())
	ready.Close()
	for {
		nc, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go f.serve(comm.NewConn(nc))
	}
}

func (f *fake) serve(conn *comm.Conn) {
	kind, body, err := conn.Next()
	if err != nil {
		return // ended before it could speak
	}
	hello, err := comm.FirstHello(kind, body)
	if err != nil {
		panic(err)
	}
	if !bytes.Equal(hello.Token, f.token) {
		panic("wrong token")
	}
	if f.mode == "refuse-keeper" && hello.Role == wire.RoleKeeper {
		f.event(&wire.EventT{What: wire.HappeningRefused, Role: hello.Role, Rank: -1, Incarnation: hello.Incarnation, Text: "state directory d is of another program"})
		_ = conn.Send(comm.KindRefuse, &wire.RefuseT{Code: wire.RefusalState, Reason: "state directory d is of another program"})
		conn.Close()
		return
	}
	conn.Raise()
	if err := conn.Send(comm.KindWelcome, &wire.WelcomeT{Version: comm.Version}); err != nil {
		panic(err)
	}
	f.mu.Lock()
	switch hello.Role {
	case wire.RoleControl:
		f.control = conn
		f.tellLocked()
	case wire.RoleKeeper:
		f.keeper = conn
	case wire.RoleWorker:
		f.workers = append(f.workers, conn)
	}
	late := f.enough && hello.Role == wire.RoleWorker
	f.mu.Unlock()
	if hello.Role == wire.RoleControl {
		go func() {
			for range time.Tick(50 * time.Millisecond) { // the tests' patience is short
				_ = conn.Send(comm.KindHeartbeat, &wire.HeartbeatT{})
			}
		}()
		f.heard(math.MinInt32) // there may be nobody else
		f.commands(conn)
		return
	}
	if hello.Role == wire.RoleOperator {
		f.relay(conn)
		return
	}
	if late {
		_ = conn.Send(comm.KindStop, &wire.StopT{})
	}
	f.heard(hello.Rank)
	f.event(&wire.EventT{What: wire.HappeningJoined, Role: hello.Role, Rank: hello.Rank, Pid: hello.Pid, Incarnation: hello.Incarnation})
	if hello.Role == wire.RoleWorker {
		f.afterJoin(hello)
	}
	for {
		kind, body, err := conn.Next()
		if err != nil {
			return
		}
		if kind == comm.KindProgress {
			m, err := comm.ParseProgress(body)
			if err != nil {
				panic(err)
			}
			f.event(&wire.EventT{What: wire.HappeningProgressed, Rank: hello.Rank, Incarnation: hello.Incarnation, Text: m.Text})
		}
	}
}

// afterJoin does what the mode wants once a worker (nil: none) has joined, and everybody who was expected.
func (f *fake) afterJoin(worker *wire.HelloT) {
	f.mu.Lock()
	recovering := f.expected != nil
	f.mu.Unlock()
	if recovering {
		return
	}
	switch f.mode {
	case "panic": // reported by a replica, and then everybody goes
		f.event(&wire.EventT{What: wire.HappeningPanicked, Text: "mutator Add of c panicked at sequence number 7: boom; arguments 1\nstack"})
		os.Exit(1)
	case "fail":
		f.event(&wire.EventT{What: wire.HappeningFailed, Text: "log: input/output error", Sequence: 5, Count: 1})
		os.Exit(1)
	case "diverge":
		f.event(&wire.EventT{What: wire.HappeningDiverged, Rank: worker.Rank, Incarnation: worker.Incarnation, Sequence: 7, Text: "rank has diverged: x is 1, not 2"})
	case "die", "die-early":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "hang":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case "hang-up":
		f.control.Close()
	case "hosted":
		f.event(&wire.EventT{What: wire.HappeningHosted, Role: wire.RoleHost, Rank: -2})
	}
}

func (f *fake) commands(conn *comm.Conn) {
	for {
		kind, body, err := conn.Next()
		if err != nil {
			if f.mode == "hang-up" {
				return
			}
			os.Exit(1)
		}
		if kind != comm.KindCommand {
			continue
		}
		m, err := comm.ParseCommand(body)
		if err != nil {
			panic(err)
		}
		switch {
		case m.Verb == wire.VerbCheckpoint:
			f.event(&wire.EventT{What: wire.HappeningCheckpointed, Sequence: 42, Nanos: uint64(6 * time.Second)})
			if f.mode == "stop-when-saved" {
				f.mu.Lock()
				workers := f.workers
				f.enough = true
				f.mu.Unlock()
				for _, w := range workers {
					_ = w.Send(comm.KindStop, &wire.StopT{})
				}
			}
		case m.Verb == wire.VerbGone && m.Incarnation == 0:
			panic("gone is what?")
		case m.Verb == wire.VerbGone:
			f.heard(m.Rank)
		case m.Verb != wire.VerbFinish:
			panic(m.Verb)
		case f.waits():
		case f.mode == "die-at-end":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		default:
			f.end()
		}
	}
}

// relay serves an Operator.
func (f *fake) relay(conn *comm.Conn) {
	for {
		_, body, err := conn.Next()
		if err != nil {
			return
		}
		m, err := comm.ParseCommand(body)
		if err != nil {
			panic(err)
		}
		switch m.Verb {
		case wire.VerbGrow:
			f.event(&wire.EventT{What: wire.HappeningGrow, Count: uint64(m.Count)})
		case wire.VerbShrink:
			f.event(&wire.EventT{What: wire.HappeningShrink, Rank: m.Rank})
		case wire.VerbCheckpoint:
			for _, e := range []*wire.EventT{{What: wire.HappeningCheckpointed, Sequence: 8}, {What: wire.HappeningCheckpointed, Role: wire.RoleOperator, Sequence: 9}} {
				if err := conn.Send(comm.KindEvent, e); err != nil {
					panic(err)
				}
			}
		default:
			panic(m.Verb)
		}
	}
}

func (f *fake) end() {
	f.event(&wire.EventT{What: wire.HappeningFinished, Sequence: 100, Count: 2})
	f.mu.Lock()
	keeper := f.keeper
	f.mu.Unlock()
	if keeper != nil {
		_ = keeper.Send(comm.KindStop, &wire.StopT{})
	}
	os.Exit(0)
}

// waits tells whether Finish has to wait for the recovery.
func (f *fake) waits() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.finish = f.expected != nil
	return f.finish
}

// heard says that a rank came back, or never will.
func (f *fake) heard(rank int32) {
	f.mu.Lock()
	delete(f.expected, rank)
	done := f.expected != nil && len(f.expected) == 0 && f.control != nil
	if done {
		f.expected, f.enough = nil, f.mode == "ok"
	}
	finish, workers := f.finish, f.workers
	f.mu.Unlock()
	if !done {
		return
	}
	f.event(&wire.EventT{What: wire.HappeningRecovered, Count: 7})
	switch {
	case finish && f.mode == "die-at-end":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case finish:
		f.end()
	case f.mode == "ok":
		for _, w := range workers {
			_ = w.Send(comm.KindStop, &wire.StopT{}) // enough was seen
		}
	default:
		f.afterJoin(nil)
	}
}

func (f *fake) event(e *wire.EventT) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, e)
	f.tellLocked()
}

func (f *fake) tellLocked() {
	for _, e := range f.events {
		if f.control == nil {
			return
		}
		if err := f.control.Send(comm.KindEvent, e); err != nil && f.mode != "hang-up" {
			os.Exit(1)
		}
		f.events = f.events[1:]
	}
}
