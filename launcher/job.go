package launcher

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/build"
	"dsss/internal/launchenv"
	"dsss/internal/limits"
	"dsss/launcher/fleet"
)

// Run runs one job to its end and reports it. A Report is returned in every case. The error is not nil when the job
// was refused before a worker was started, for another reason than the program's own; it wraps ErrUsage when the
// request must change. Cancelling ctx is like sending SIGTERM.
//
// Run takes over this process's signals and takes all its descendants for its own: call it once at a time, from a
// program that does little else.
func Run(ctx context.Context, cfg Config) (Report, error) {
	began := time.Now()
	cfg, err := cfg.withDefaults()
	if err == nil {
		err = cfg.validate()
	}
	if err == nil {
		err = affordable(cfg.Workers)
	}
	if err != nil {
		return refused(cfg, began, err), err
	}
	j := &job{cfg: cfg, began: began, signals: catchSignals(),
		later: make(chan func()), live: map[uint64]*process{}, done: make(chan struct{}), takeovers: serviceBudget(), keeper: newKeeper(), host: newHost()}
	if err := j.begin(); err != nil {
		j.end()
		err = named(err)
		return refused(cfg, began, err), err
	}
	j.loop(ctx)
	return j.end()
}

// A phase is how far a job has come; see the package comment.
type phase int

const (
	starting phase = iota
	joining
	running
	stopping
	finishing
	leaving
	over
)

// A job is one Run. Its fields belong to the goroutine that called Run.
type job struct {
	cfg      Config
	began    time.Time
	token    []byte
	node     string
	stateDir string // absolute
	signals  chan os.Signal
	out      *outputs
	program  *build.File // what workers, keeper and host run
	dsss     *build.File // what coordinators run
	fleet    fleet.Fleet // of workers, keeper, host and coordinators
	link     *link
	control  *comm.Control // nil: not connected, or no longer
	lost     error         // why the link has ended; nil: it has not

	coordinator  *process // nil: not started
	keeper, host service
	ranks        []*rank             // by number
	past         []*process          // ended and replaced; some may have output left
	live         map[uint64]*process // those that have not ended, by incarnation
	incarnations uint64              // handed out so far

	phase   phase
	turn    int           // counts phases, and how often the patience with one began again
	strikes int           // how often it ran out in this phase
	forced  bool          // a second signal: nothing is waited for any more
	later   chan func()   // what after is to call
	done    chan struct{} // closed at the end

	spoken    bool       // the coordinator has said that the job ends: no other takes over
	headless  bool       // there is no coordinator, and will be none
	takeovers budget     // of coordinators
	since     time.Time  // when the last takeover began
	recovered bool       // the coordinator that took over has the order
	expected  []*process // those it waits for

	status       Status
	seen         []observation
	losses       []observation  // of ranks that the job went on without
	signal       syscall.Signal // the first that asked for the end
	refusal      error          // why the job was refused, when a process did not say so itself
	finished     *wire.EventT   // the coordinator ended the job as we asked
	lastWord     *wire.EventT   // the same, or its reason to end otherwise; both have the job's figures
	checkpointed uint64         // sequence number of the last checkpoint
	unsaved      bool           // a later one failed
	progress     progress
	text         string             // of the status line
	due          bool               // a checkpoint is to be asked for once there is a coordinator
	lastSave     time.Duration      // how long the last checkpoint took
	alarms       int                // how often the deadline's alarm was set; only the last counts
	warned       bool               // it has gone off
	suspects     []statedir.Suspect // mutations in whose middle processes ended, or that did not end
	culprit      uint64             // sequence number of the one that ends the job; 0: none does
	reached      uint64             // some process that has ended has applied everything up to it
	unsavable    bool               // no keeper can write a last checkpoint
	told         struct {           // of mutators that do not end, the last that was said
		seq   uint64
		since time.Duration
	}
	access *publisher // nil until the job runs
	grown  int        // how often workers were added
}

// begin starts the coordinator.
func (j *job) begin() (err error) {
	j.token = make([]byte, 32)
	rand.Read(j.token) // never fails
	if j.node, err = os.Hostname(); err != nil {
		j.node = "localhost"
	}
	if j.stateDir, err = filepath.Abs(j.cfg.StateDir); err != nil {
		return fmt.Errorf("finding the current directory: %w", err)
	}
	if j.out, err = openOutputs(&j.cfg); err != nil {
		return err
	}
	if j.program, err = build.Open(j.cfg.path); err != nil {
		return usagef("program %s cannot be run: %v", j.cfg.Program[0], err)
	}
	if j.dsss, err = build.Open(j.cfg.Coordinator[0]); err != nil {
		return fmt.Errorf("reading what the coordinator runs: %w", err)
	}
	local, err := fleet.NewLocal(fleet.LocalConfig{Program: j.program, DSSS: j.dsss, Guard: j.cfg.Guard, Warn: func(line string) { j.say("%s", line) }})
	if err != nil {
		return err
	}
	j.fleet = local // not before: no Fleet is better than a nil Local
	if err := j.startCoordinator(); err != nil {
		return fmt.Errorf("starting the coordinator: %w", err)
	}
	return nil
}

// coordinatorSpec says how to start a coordinator's process. It gets the token in launchenv.VarToken and the
// descriptors fleet.ReadyFD, on which it writes its address as one line once it takes connections, and
// fleet.ListenFD, on which it listens. It exits with 2 and one line on stderr when it refuses the state directory.
// Control connects as soon as the line is there.
func (j *job) coordinatorSpec(ready fleet.Sink) fleet.Spec {
	cfg := j.cfg
	args := append(slices.Clone(cfg.Coordinator), "--job", cfg.Name, "--size", strconv.Itoa(max(cfg.Workers, len(j.ranks))),
		"--state-dir", j.stateDir, "--durability", cfg.Durability, "--keep", strconv.Itoa(cfg.Keep),
		"--checkpoint-every", cfg.CheckpointEvery.String(), "--mtbf", cfg.MTBF.String(),
		"--checkpoint-overhead", strconv.FormatFloat(cfg.Overhead, 'g', -1, 64), "--listen-fd", strconv.Itoa(fleet.ListenFD))
	switch {
	case j.phase != starting:
		args = append(args, j.takeoverArgs()...)
	case cfg.Resume:
		args = append(args, "--resume")
	}
	if cfg.Verbose {
		args = append(args, "--verbose")
	}
	return fleet.Spec{Member: fleet.Coordinator, Args: args, Ready: ready,
		Env: []string{launchenv.VarRole + "=", launchenv.ProtocolVar(), launchenv.VarToken + "=" + hex.EncodeToString(j.token)}}
}

// start starts a process whose output goes through the two feeds; out may be nil. onHold: its stderr waits until
// released.
func (j *job) start(incarnation uint64, s fleet.Spec, out, errs *feed, onHold bool) (*process, error) {
	p := &process{Member: s.Member, incarnation: incarnation, last: &ring{}, show: errs.show, drained: []chan struct{}{errs.done}}
	s.Err, errs.last = errs, p.last
	if onHold {
		p.hold = &hold{}
		errs.hold = p.hold
	}
	if out != nil {
		s.Out, p.drained = out, append(p.drained, out.done)
	}
	var err error
	if p.pid, err = j.fleet.Start(incarnation, s); err != nil {
		return nil, err
	}
	j.live[incarnation] = p
	return p, nil
}

// incarnation numbers the next start of a process. No number is used twice in a run, whatever comes of the start.
func (j *job) incarnation() uint64 {
	j.incarnations++
	return j.incarnations
}

// startMember starts the user's program as keeper, host or worker.
func (j *job) startMember(m fleet.Member) (*process, error) {
	env := launchenv.Env{Role: launchenv.Worker, Job: j.cfg.Name, Rank: m.Number(), Size: max(j.cfg.Workers, m.Rank+1),
		Incarnation: j.incarnation(), Node: j.node, Coordinator: j.fleet.Address(), Token: j.token}
	var out *feed
	switch m.Role {
	case wire.RoleKeeper:
		env.Role, env.StateDir = launchenv.Keeper, j.stateDir
	case wire.RoleHost:
		env.Role = launchenv.Host
	default:
		out = j.out.feed(m, stdout)
	}
	s := fleet.Spec{Member: m, Args: j.cfg.Program, Env: env.Vars()}
	return j.start(env.Incarnation, s, out, j.out.feed(m, stderr), m.Role == wire.RoleKeeper && j.phase == joining)
}

// loop takes what happens, one thing at a time, until all processes have ended. Nothing in it waits.
func (j *job) loop(ctx context.Context) {
	redraw := time.NewTicker(limits.StatusEvery)
	defer redraw.Stop()
	look := time.NewTicker(limits.StuckLook)
	defer look.Stop()
	cancelled := ctx.Done()
	for j.phase != over {
		select {
		case n := <-j.link.news:
			j.onNews(n)
		case e := <-j.fleet.Ended():
			j.onExit(e)
		case f := <-j.later:
			f()
		case s := <-j.signals:
			j.onSignal(s)
		case err := <-j.out.lost:
			j.onOutputLost(err)
		case <-cancelled:
			cancelled = nil
			j.onSignal(syscall.SIGTERM)
		case now := <-redraw.C:
			j.showProgress(now)
		case <-look.C:
			j.onLook()
		}
	}
}

// after has f called by the loop after a while, unless the job is over by then. f checks whether it is still wanted. Time in
// which the launcher was stopped, and mostly all others with it, does not count.
func (j *job) after(d time.Duration, f func()) {
	comm.After(d, func() { j.call(f) })
}

// call has f called by the loop, unless the job is over by then.
func (j *job) call(f func()) {
	select {
	case j.later <- f:
	case <-j.done:
	}
}

func (j *job) say(format string, args ...any) { j.out.notice("dsss: " + fmt.Sprintf(format, args...)) }

func (j *job) verbose(format string, args ...any) {
	if j.cfg.Verbose {
		j.say(format, args...)
	}
}

func (j *job) showProgress(now time.Time) {
	if !j.out.hasStatus() {
		if lines := j.progress.tick(now); len(lines) > 0 {
			j.out.notice(lines...)
		}
		return
	}
	text := [...]string{"starting the coordinator", "starting " + j.cfg.Name, j.text, "stopping", "writing the last checkpoint", "ending", ""}[j.phase]
	if text == "" {
		text = fmt.Sprintf("%d workers", j.working())
	}
	j.out.show("[" + elapsed(now.Sub(j.began)) + "] " + text)
}

// unstartable says what to do about a program that the system would not start.
func (j *job) unstartable(err error) error {
	for _, mine := range []error{syscall.ENOEXEC, syscall.ENOENT, syscall.EACCES, syscall.E2BIG} {
		if errors.Is(err, mine) {
			return usagef("program %s cannot be run: %v: is it built for this machine, and its interpreter here?", j.cfg.Program[0], reason(err))
		}
	}
	return fmt.Errorf("starting %s: %w", j.cfg.Program[0], err)
}
