package dsss

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/applying"
	"dsss/internal/build"
	"dsss/internal/launchenv"
	"dsss/internal/limits"
	"dsss/internal/stack"
	"dsss/runtime/host"
	"dsss/runtime/keeper"
	"dsss/runtime/replica"
	"dsss/runtime/session"
)

// A Job is this process's membership in a job. All methods may be called concurrently.
type Job struct {
	env     launchenv.Env
	session *session.Session
	ctx     context.Context // ends with the session
	alone   *alone          // the coordinator and keeper inside this process; nil under the launcher
	sources atomic.Uint64   // how often Rand was called

	closing sync.Once
	closed  error
}

// Join makes this process a worker of its job and returns once its replica has the job's state. Every class must have
// been registered before it, which package-level variables see to.
//
// Under the launcher (dsss run) the launcher says which job and rank this is. The launcher also starts the program
// once as the keeper, and once more as the host when a hosted object is first used: in these two Join never returns; it
// ends the process when the job ends, unless Config.ReturnRoles is set. So whatever a program does before Join it does in
// keeper and host too, with the same arguments.
//
// Without the launcher, Join starts a coordinator, a keeper and, when needed, a host inside this process and makes it the
// only worker, with the same promises: Config says where the state is kept, and a second run goes on where the first one ended.
//
// Under the launcher a process joins once: later calls, also after Close, are an error. Programs that this one starts are
// not workers: their Join is an error that says so.
func Join(ctx context.Context, cfg Config) (*Job, error) {
	env, err := launchenv.Read()
	if err != nil {
		return nil, &Error{Op: "Join", Err: ErrConfig, Cause: err}
	}
	if err := cfg.validate(); err != nil {
		return nil, &Error{Op: "Join", Err: ErrConfig, Cause: err}
	}
	if env.Role == launchenv.None {
		return joinAlone(ctx, cfg)
	}
	if !joining.CompareAndSwap(false, true) {
		return nil, &Error{Op: "Join", Err: ErrConfig, Cause: fmt.Errorf("this process has joined job %s already, as rank %d: call Join once, and hand the Job on", env.Job, env.Rank)}
	}
	watchLifeline()
	scfg := sessionConfig(env, cfg)
	scfg.Applying = applying.Inherited()
	cfg.logIgnored()
	switch env.Role {
	case launchenv.Keeper:
		return nil, fillRole(ctx, env, scfg.Applying, cfg.ReturnRoles, func() error { return keeper.Run(ctx, scfg, env.StateDir) })
	case launchenv.Host:
		return nil, fillRole(ctx, env, scfg.Applying, cfg.ReturnRoles, func() error { return host.Run(ctx, scfg) })
	}
	s, err := session.Open(ctx, scfg)
	if err != nil {
		joining.Store(false)
		return nil, asError("Join", "", err)
	}
	go answerStacks(scfg.Applying, fmt.Sprintf("rank %d", env.Rank), s.Ended())
	return newJob(env, s, nil), nil
}

// fillRole fills the role of keeper or host by run, which works until the job ends. Then it ends the process, or with back
// returns why the role has ended.
func fillRole(ctx context.Context, env launchenv.Env, slot *applying.Slot, back bool, run func() error) error {
	go answerStacks(slot, "the "+string(env.Role), nil) // as long as the process lives
	err := run()
	switch {
	case back:
		return &Error{Op: "Join", Err: ErrRoleEnded, Cause: err}
	case ctx.Err() != nil: // the caller ended it: there is nothing to report
		os.Exit(1)
	case err != nil:
		fmt.Fprintf(os.Stderr, "dsss: %s of job %s: %v\n", env.Role, env.Job, err)
		os.Exit(1)
	}
	os.Exit(0)
	return nil
}

func newJob(env launchenv.Env, s *session.Session, a *alone) *Job {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() { // until Close, or the job's end
		<-s.Ended()
		cancel(asError("Err", "", s.Err()))
	}()
	return &Job{env: env, session: s, ctx: ctx, alone: a}
}

func init() { launchenv.Claim() }

var watchLifeline = sync.OnceFunc(func() { _ = launchenv.WatchLifeline(func() { os.Exit(1) }) }) // without it, the coordinator's end tells

// joining is true from the first Join under the launcher on, unless that fails.
var joining atomic.Bool

func sessionConfig(env launchenv.Env, cfg Config) session.Config {
	hello := wire.HelloT{
		Role: wire.RoleWorker, Job: env.Job, Token: env.Token, Rank: int32(env.Rank), Node: env.Node,
		Pid: int32(os.Getpid()), Incarnation: env.Incarnation, Program: programName(), Build: build.Self(),
	}
	for _, c := range class.All() {
		hello.Classes = append(hello.Classes, &wire.ClassT{Name: c.Name, Fingerprint: c.Fingerprint(), Known: c.Known()})
	}
	return session.Config{Network: comm.TCP{}, Addr: env.Coordinator, Hello: hello, Log: cfg.Log, OnPanic: func(p *replica.PanicError) { die(p, "") }}
}

func programName() string { return filepath.Base(os.Args[0]) }

// die ends the process at a mutator that panicked: its replica is half changed, and every other process ends likewise.
// Its stack is the program's own frames, unless GOTRACEBACK asks for more. next is what a person without the launcher, which
// says so itself, is to know.
func die(p *replica.PanicError, next string) {
	text := p.Stack
	if v := os.Getenv("GOTRACEBACK"); v == "" || v == "single" || v == "none" {
		text = stack.Trim(text)
	}
	fmt.Fprintf(os.Stderr, "dsss: %v%s\narguments: %s\n%s\n", p, next, p.Arguments, text)
	os.Exit(1)
}

// Rank returns this worker's number, from 0 to Size-1.
func (j *Job) Rank() int { return j.env.Rank }

// Size returns the number of workers that the job was started with.
func (j *Job) Size() int { return j.env.Size }

// Node returns the name of the node that this process runs on, as the allocation calls it.
func (j *Job) Node() string { return j.env.Node }

// Name returns the job's name.
func (j *Job) Name() string { return j.env.Job }

// Ranks returns the ranks that the job has now, ascending, and a channel that is closed when they change: when a worker
// joins, leaves, or has ended. A rank whose connection alone is broken stays; one that is started again is listed again.
// All that a rank did that is not listed any more has been applied to this process's replica, so a process that sees it gone
// may take up its unfinished work: mark such work with Order.Session, because another process may have the same rank
// at any time. Just after Join the list may still be empty.
func (j *Job) Ranks() (ranks []int, changed <-chan struct{}) { return j.session.Members() }

// Run returns how many times the job has been started on its state directory, this time included: 1 when nothing was
// resumed. Programs use it to tell work that an earlier run had in hand.
func (j *Job) Run() uint64 { return j.session.Welcome().Run }

// Rand returns a new source of random numbers for this process's own work. Each call returns another one, and so does each
// process that ever works for the job: one that is started again, or on the same rank in a resumed run, does not repeat what was
// drawn before. A source is for one goroutine at a time, and not for secrets. Mutators use Order.Rand.
func (j *Job) Rand() *rand.Rand {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], j.session.ID())
	binary.LittleEndian.PutUint64(seed[8:], j.sources.Add(1))
	return rand.New(rand.NewChaCha8(seed))
}

// Sync returns once this process's replica has applied every mutation of a replicated object that had returned in any
// process when Sync was called. A getter after Sync is linearizable. Those of hosted objects always are.
func (j *Job) Sync(ctx context.Context) error {
	_, err := j.session.Sync(ctx)
	return asError("Sync", "", err)
}

// Flush returns once every mutation that this process has started so far, posted ones included, has been applied to
// its replica, or, of a hosted object, answered.
func (j *Job) Flush(ctx context.Context) error {
	return asError("Flush", "", j.session.Flush(ctx))
}

// Checkpoint returns the sequence number of a checkpoint that includes everything this process has seen, once it is
// written and verified. No process pauses for it.
func (j *Job) Checkpoint(ctx context.Context) (uint64, error) {
	seq, err := j.session.Save(ctx)
	return seq, asError("Checkpoint", "", err)
}

// Progress shows a line to the person who watches the job: a live status line on a terminal, a plain line now and then
// elsewhere. It is cheap and may be called often; only the newest text counts.
func (j *Job) Progress(text string) {
	j.session.Progress(text[:min(len(text), limits.ProgressText)])
}

// Done is closed when the job has ended for this process: it was closed, stopped, or lost for good.
func (j *Job) Done() <-chan struct{} { return j.session.Ended() }

// Close waits until all mutations of this process have been applied, or answered, and leaves the job. A process that ends without
// Close may lose those that it did not wait for. Further calls return the same error.
func (j *Job) Close() error {
	j.closing.Do(func() {
		ctx, cancel := comm.WithPatience(context.Background(), limits.Reconnect)
		defer cancel()
		err := j.session.Leave(ctx)
		j.session.Close()
		if j.alone != nil {
			err = errors.Join(err, j.alone.finish())
		}
		j.closed = asError("Close", "", err)
	})
	return j.closed
}

func (j *Job) open(ctx context.Context, className, name string) (*replica.Object, error) {
	if name == "" {
		return nil, nameless(className)
	}
	o, err := j.session.Open(ctx, name, className)
	if err != nil {
		return nil, asError("Open", name, err)
	}
	return o, nil
}

// nameless is the error of opening an object without a name.
func nameless(className string) error {
	return &Error{Op: "Open", Err: ErrConfig, Cause: fmt.Errorf("the name of an object of class %s is empty", className)}
}
