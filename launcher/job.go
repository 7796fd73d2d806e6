package launcher

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/launchenv"
	"dsss/internal/limits"
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
	if err != nil {
		return refused(cfg, began, err), err
	}
	j := &job{cfg: cfg, began: began, signals: catchSignals(), timer: time.NewTimer(time.Hour)}
	if err := j.begin(); err != nil {
		j.end()
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
	cfg     Config
	began   time.Time
	token   []byte
	node    string
	signals chan os.Signal
	out     *outputs
	kids    *children
	link    *link
	control *comm.Control // nil: not connected, or no longer
	addr    string        // where the coordinator listens
	lost    error         // why the link has ended; nil: it has not

	coordinator, keeper *process   // nil: not started
	workers             []*process // by rank
	alive               int        // processes that have not ended

	phase   phase
	timer   *time.Timer // ends the patience of the phase
	strikes int         // how often it ran out in this phase
	forced  bool        // a second signal: nothing is waited for any more

	status       Status
	seen         []observation
	signal       syscall.Signal // the first that asked for the end
	refusal      error          // why the job was refused, when a process did not say so itself
	finished     *wire.EventT   // the coordinator ended the job as we asked
	lastWord     *wire.EventT   // the same, or its reason to end otherwise; both have the job's figures
	checkpointed uint64         // sequence number of the last checkpoint
	unsaved      bool           // a later one failed
	progress     progress
	text         string // of the status line
}

// begin starts the coordinator.
func (j *job) begin() (err error) {
	j.token = make([]byte, 32)
	rand.Read(j.token) // never fails
	if j.node, err = os.Hostname(); err != nil {
		j.node = "localhost"
	}
	stateDir, err := filepath.Abs(j.cfg.StateDir)
	if err != nil {
		return fmt.Errorf("finding the current directory: %w", err)
	}
	if j.out, err = openOutputs(&j.cfg); err != nil {
		return err
	}
	if j.kids, err = newChildren(j.cfg.Workers+2, j.cfg.Guard); err != nil {
		return err
	}
	ready, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("starting the coordinator: %w", err)
	}
	defer w.Close()
	lifeline, err := j.kids.lifelineVar(4)
	if err != nil {
		return err
	}
	j.coordinator, err = j.start(spec{
		member: coordinatorMember, path: j.cfg.Coordinator[0],
		args:   append(append([]string{}, j.cfg.Coordinator...), coordinatorArgs(j.cfg, stateDir)...),
		env:    append(os.Environ(), launchenv.VarRole+"=", launchenv.VarToken+"="+hex.EncodeToString(j.token), lifeline),
		extra:  []*os.File{w, j.kids.lifeline},
		err:    j.out.feed(coordinatorMember, stderr),
		onHold: true,
	})
	if err != nil {
		ready.Close()
		return fmt.Errorf("starting the coordinator: %w", err)
	}
	j.link = follow(ready, j.cfg.Network, j.cfg.Name, j.token)
	return nil
}

// coordinatorArgs are the flags of the coordinator's process. It also gets the token in launchenv.VarToken, a
// lifeline, and as descriptor 3 a pipe on which it writes the address where it listens, as one line, once it does.
// It exits with 2 and one line on stderr when it refuses the state directory.
func coordinatorArgs(cfg Config, stateDir string) []string {
	args := []string{"--job", cfg.Name, "--size", strconv.Itoa(cfg.Workers), "--state-dir", stateDir,
		"--durability", cfg.Durability, "--checkpoint-every", cfg.CheckpointEvery.String(), "--keep", strconv.Itoa(cfg.Keep)}
	if cfg.Resume {
		args = append(args, "--resume")
	}
	if cfg.Verbose {
		args = append(args, "--verbose")
	}
	return args
}

// start starts a process and counts it.
func (j *job) start(s spec) (*process, error) {
	p, err := j.kids.start(s)
	if err == nil {
		j.alive++
	}
	return p, err
}

// startMember starts the user's program as keeper or worker.
func (j *job) startMember(m member) (*process, error) {
	lifeline, err := j.kids.lifelineVar(3)
	if err != nil {
		return nil, err
	}
	env := launchenv.Env{Role: launchenv.Worker, Job: j.cfg.Name, Rank: m.rank, Size: j.cfg.Workers, Node: j.node,
		Coordinator: j.addr, Token: j.token}
	s := spec{member: m, path: j.cfg.path, args: j.cfg.Program, extra: []*os.File{j.kids.lifeline}, err: j.out.feed(m, stderr)}
	if m.role == wire.RoleKeeper {
		env.Role, env.Rank, s.onHold = launchenv.Keeper, -1, true
		if env.StateDir, err = filepath.Abs(j.cfg.StateDir); err != nil {
			return nil, err
		}
	} else {
		s.out = j.out.feed(m, stdout)
	}
	s.env = append(append(os.Environ(), env.Vars()...), lifeline)
	return j.start(s)
}

// loop takes what happens, one thing at a time, until all processes have ended. Nothing in it waits.
func (j *job) loop(ctx context.Context) {
	redraw := time.NewTicker(limits.StatusEvery)
	defer redraw.Stop()
	adopted := time.NewTicker(limits.AdoptedEvery)
	defer adopted.Stop()
	cancelled := ctx.Done()
	for j.phase != over {
		select {
		case n := <-j.link.news:
			j.onNews(n)
		case e := <-j.kids.exits:
			j.onExit(e)
		case s := <-j.signals:
			j.onSignal(s)
		case <-j.timer.C:
			j.onPatienceOut()
		case err := <-j.out.lost:
			j.onOutputLost(err)
		case <-cancelled:
			cancelled = nil
			j.onSignal(syscall.SIGTERM)
		case now := <-redraw.C:
			j.showProgress(now)
		case <-adopted.C:
			j.kids.reapAdopted()
		}
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
		text = fmt.Sprintf("%d workers", j.cfg.Workers)
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
