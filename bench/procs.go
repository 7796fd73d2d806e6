package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"golang.org/x/sys/unix"

	"dsss/internal/launchenv"
)

// The roles in which the program starts itself.
const (
	roleRelay        = "relay"         // raw: forwards to all
	roleRawClosed    = "raw-closed"    // raw: one message at a time
	roleRawPipelined = "raw-pipelined" // raw: a window of messages
	roleRawFar       = "raw-far"       // raw: one message at a time, which goes on to an echo and comes back
	roleRawEcho      = "raw-echo"
	roleCoordinator  = "coordinator" // ours, and so are the following
	roleKeeper       = "keeper"
	roleClosed       = "closed"
	rolePipelined    = "pipelined"
	roleGetter       = "getter"
	roleHost         = "host"
	// Calls with results, on a replicated object or a hosted one: one at a time, and a window of them. Getters of a hosted one, and
	// what it costs a worker's memory.
	roleDrawLone       = "draw-lone"
	roleDrawLoneHosted = "draw-lone-hosted"
	roleDraw           = "draw"
	roleDrawHosted     = "draw-hosted"
	roleAskLone        = "ask-lone"
	roleHeld           = "held"
	rolePause          = "pause"
	roleCrowd          = "crowd" // strangers
	roleHolder         = "holder"
	roleJoiner         = "joiner"
	roleSource         = "source" // raw: sends bytes to who connects
	roleSink           = "sink"   // raw: takes them
)

// varTask holds a child's task as JSON.
const varTask = "DSSS_BENCH_TASK"

// A task tells a child what to be. Fields that its role does not need are zero.
type task struct {
	Role       string
	Addr       string // where the relay listens
	Rank       int
	Clients    int
	Duration   time.Duration // of what is measured, warm-up apart
	Repeat     int           // repetitions inside the process (getter)
	StateDir   string
	Durability string
	Token      []byte
	Far        bool   // the relay passes on what one of two clients sends to the other
	Strangers  int    // connections of the crowd
	MiB        int    // of state (pause, holder, joiner), or of bytes (source, sink)
	Profile    string // file for a CPU profile; empty: none
}

// A result is what a client reports at its end. Fields that its role does not measure are zero.
type result struct {
	P50, P99       float64 // µs per call
	Seconds        float64 // that a state, or bytes, took to come
	PerSecond      float64 // updates of all clients, as this one saw them
	Total          uint64  // updates of all clients, warm-up included
	Own            uint64  // its own, likewise (draw)
	Sent, Received float64 // bytes on the wire: per update of its own, per update of anybody
	Resident       float64 // MiB that it holds more than before
	// ns per read, one for each repetition: without a writer and with one.
	Bare, Getter, BareBusy, GetterBusy []float64
	// Of the pause measurement: µs per call while nothing else happens and while checkpoints are written, the longest
	// call of each, and how many checkpoints that were.
	QuietP99, SavingP99, QuietMax, SavingMax, Saves float64
	// State is the client's final state as text; all clients of one measurement must end with the same.
	State string
	// CPUs is how many it may run on, Procs its GOMAXPROCS.
	CPUs, Procs int
}

// child is the program in one of its roles. Its standard input stays open as long as the parent lives.
func child(raw string) error {
	var t task
	if err := json.Unmarshal([]byte(raw), &t); err != nil {
		return fmt.Errorf("%s: %w", varTask, err)
	}
	stopProfile, err := profile(t.Profile)
	if err != nil {
		return err
	}
	if t.Role != roleHolder { // whose standard input ends before it does
		go obey(stopProfile)
	}
	var r result
	switch t.Role {
	case roleRelay:
		err = relay(t)
	case roleRawEcho:
		err = rawEcho(t)
	case roleRawClosed, roleRawFar:
		r, err = rawClosed(t)
	case roleRawPipelined:
		r, err = rawPipelined(t)
	case roleCoordinator:
		err = coordinate(t)
	case roleKeeper, roleHost:
		err = keep()
	case roleDrawLone, roleDrawLoneHosted:
		r, err = drawLone(t, t.Role == roleDrawLoneHosted)
	case roleDraw, roleDrawHosted:
		r, err = drawPipelined(t, t.Role == roleDrawHosted)
	case roleAskLone:
		r, err = askLone(t)
	case roleHeld:
		r, err = held(t)
	case roleClosed:
		r, err = closed(t)
	case rolePipelined:
		r, err = pipelined(t)
	case roleGetter:
		r, err = getter(t)
	case rolePause:
		r, err = pause(t)
	case roleCrowd:
		err = crowd(t)
	case roleHolder:
		err = hold(t)
	case roleJoiner:
		r, err = joiner(t)
	case roleSource:
		err = source(t)
	case roleSink:
		r, err = swallow(t)
	default:
		err = fmt.Errorf("%s: role %q", varTask, t.Role)
	}
	if err := errors.Join(err, stopProfile()); err != nil {
		return fmt.Errorf("%s %d: %w", t.Role, t.Rank, err)
	}
	r.CPUs, r.Procs = runtime.NumCPU(), runtime.GOMAXPROCS(0)
	return json.NewEncoder(os.Stdout).Encode(r)
}

// obey ends the process when the parent is gone, so that none outlives it, and on the parent's word finishes the
// profile first: the keeper ends inside Join and could not.
func obey(stopProfile func() error) {
	words := bufio.NewScanner(os.Stdin)
	for words.Scan() {
		if err := stopProfile(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		fmt.Println("done")
	}
	os.Exit(1)
}

// profile starts a CPU profile, unless file is empty, and returns what ends it; more calls of that do nothing.
func profile(file string) (func() error, error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	stopped := make(chan struct{}, 1)
	stopped <- struct{}{}
	return func() error {
		select {
		case <-stopped:
			pprof.StopCPUProfile()
			return f.Close()
		default:
			return nil
		}
	}, nil
}

// A group is the processes of one measurement. Nothing of it outlives close.
type group struct {
	ctx      context.Context
	cancel   context.CancelFunc
	pin      bool
	profiles string // folder and beginning of the profiles' names; empty: none
	procs    []*proc
}

// A proc is one child. Only the goroutine that runs the measurement uses it.
type proc struct {
	task   task
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	waited bool
}

func newGroup(ctx context.Context, pin bool, profiles string) *group {
	g := &group{pin: pin, profiles: profiles}
	g.ctx, g.cancel = context.WithCancel(ctx)
	return g
}

// spawn starts one child; env is what its role needs besides the task.
func (g *group) spawn(t task, env ...string) (*proc, error) {
	if g.profiles != "" {
		t.Profile = fmt.Sprintf("%s-%s-%d.prof", g.profiles, t.Role, t.Rank)
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(g.ctx, self)
	cmd.Env = append(append(os.Environ(), launchenv.VarRole+"="), env...)
	cmd.Env = append(cmd.Env, varTask+"="+string(text))
	cmd.Stderr = os.Stderr
	p := &proc{task: t, cmd: cmd}
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if g.pin {
		err = startPinned(cmd)
	} else {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", t.Role, err)
	}
	g.procs = append(g.procs, p)
	return p, nil
}

// close kills what still runs and waits for it.
func (g *group) close() {
	g.cancel()
	for _, p := range g.procs {
		if !p.waited {
			_ = p.cmd.Wait() // it was killed
		}
	}
}

// cpu returns the processor time of each role's processes that have ended; a crowd does not.
func (g *group) cpu() map[string]time.Duration {
	sum := map[string]time.Duration{}
	for _, p := range g.procs {
		if p.cmd.ProcessState == nil {
			continue
		}
		sum[p.task.Role] += p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	}
	return sum
}

// line returns the child's next line.
func (p *proc) line() (string, error) {
	text, err := p.out.ReadString('\n')
	if err != nil {
		if end := p.wait(); end != nil {
			return "", end
		}
		return "", fmt.Errorf("%s %d ended without its report: %w", p.task.Role, p.task.Rank, err)
	}
	return text[:len(text)-1], nil
}

// wait waits for the child's end, which is to be a good one.
func (p *proc) wait() error {
	p.waited = true
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s %d: %w", p.task.Role, p.task.Rank, err)
	}
	return nil
}

// result returns what a client measured, after its end.
func (p *proc) result(pinned bool) (result, error) {
	text, err := p.line()
	if err != nil {
		return result{}, err
	}
	var r result
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return r, fmt.Errorf("result of %s: %w", p.task.Role, err)
	}
	if pinned && (r.CPUs != 1 || r.Procs != 1) {
		return r, fmt.Errorf("%s was to be pinned to one core, but has %d and GOMAXPROCS %d", p.task.Role, r.CPUs, r.Procs)
	}
	return r, p.wait()
}

// flush has the child finish its profile.
func (p *proc) flush() error {
	if _, err := io.WriteString(p.in, "flush\n"); err != nil {
		return err
	}
	_, err := p.line()
	return err
}

// startPinned starts cmd on the last of our cores. A child inherits the affinity of the thread that forks it, so that
// its Go runtime finds one core and sets GOMAXPROCS by itself.
func startPinned(cmd *exec.Cmd) (err error) {
	runtime.LockOSThread()
	var ours, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &ours); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("reading the affinity: %w", err)
	}
	one.Set(lastCore(&ours))
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("pinning: %w", err)
	}
	defer func() {
		// A thread that cannot be set free again stays locked, and ends with this goroutine.
		if back := unix.SchedSetaffinity(0, &ours); back != nil {
			err = errors.Join(err, fmt.Errorf("unpinning: %w", back))
			return
		}
		runtime.UnlockOSThread()
	}()
	return cmd.Start()
}

func lastCore(set *unix.CPUSet) int {
	last := 0
	for seen, i := 0, 0; seen < set.Count(); i++ {
		if set.IsSet(i) {
			seen, last = seen+1, i
		}
	}
	return last
}

// profilesFor returns the beginning of the names of one measurement's profiles.
func profilesFor(dir, name string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}
