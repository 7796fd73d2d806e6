package launcher

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/launchenv"
)

// A fake is a coordinator that orders nothing and ends as it is told to.
type fake struct {
	mode  string
	token []byte

	mu      sync.Mutex
	control *comm.Conn
	keeper  *comm.Conn
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
	switch mode {
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
	if err := launchenv.WatchLifeline(func() { os.Exit(9) }); err != nil {
		panic(err)
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() { <-told; os.Exit(1) }()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	ready := os.NewFile(3, "ready")
	fmt.Fprintln(ready, l.Addr())
	ready.Close()
	f := &fake{mode: mode, token: token}
	for {
		nc, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go f.serve(comm.NewConn(nc))
	}
}

func (f *fake) serve(conn *comm.Conn) {
	hello, err := conn.ReadHello()
	if err != nil {
		return // ended before it could speak
	}
	if !bytes.Equal(hello.Token, f.token) {
		panic("wrong token")
	}
	if f.mode == "refuse-keeper" && hello.Role == wire.RoleKeeper {
		f.event(&wire.EventT{What: wire.HappeningRefused, Role: hello.Role, Rank: -1, Text: "state directory d is of another program"})
		conn.RefuseWith(wire.RefusalState, "state directory d is of another program")
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
	case wire.RoleKeeper:
		f.keeper = conn
	}
	f.mu.Unlock()
	if hello.Role == wire.RoleControl {
		f.commands(conn)
		return
	}
	f.event(&wire.EventT{What: wire.HappeningJoined, Role: hello.Role, Rank: hello.Rank, Pid: hello.Pid})
	if hello.Role == wire.RoleWorker {
		f.afterJoin()
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
			f.event(&wire.EventT{What: wire.HappeningProgressed, Rank: hello.Rank, Text: m.Text})
		}
	}
}

// afterJoin does what the mode wants once a worker has joined.
func (f *fake) afterJoin() {
	switch f.mode {
	case "panic": // reported by a replica, and then everybody goes
		f.event(&wire.EventT{What: wire.HappeningPanicked, Text: "mutator Add of c panicked at sequence number 7: boom; arguments 1\nstack"})
		os.Exit(1)
	case "fail":
		f.event(&wire.EventT{What: wire.HappeningFailed, Text: "log: input/output error", Sequence: 5, Count: 1})
		os.Exit(1)
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "hang-up":
		f.control.Close()
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
			f.event(&wire.EventT{What: wire.HappeningCheckpointed, Sequence: 42})
		case f.mode == "die-at-end":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		default:
			f.event(&wire.EventT{What: wire.HappeningFinished, Sequence: 100, Count: 2, Text: m.Status})
			if f.keeper != nil {
				_ = f.keeper.Send(comm.KindStop, &wire.StopT{})
			}
			os.Exit(0)
		}
	}
}

func (f *fake) event(e *wire.EventT) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.control.Send(comm.KindEvent, e); err != nil {
		os.Exit(1)
	}
}
