package dsss

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/applying"
	"dsss/internal/launchenv"
	"dsss/runtime/coordinator"
	"dsss/runtime/host"
	"dsss/runtime/keeper"
	"dsss/runtime/replica"
	"dsss/runtime/session"
)

// alone is a job inside one process: coordinator, keeper and the one worker talk over socket pairs, as they would
// over TCP.
type alone struct {
	control *comm.Control
	cancel  context.CancelFunc // ends the coordinator at once
	wg      sync.WaitGroup
	ended   chan struct{} // closed when the coordinator has ended
	result  error         // of the coordinator; valid when ended is closed
	host    func()        // starts the host, once
}

func joinAlone(ctx context.Context, cfg Config) (*Job, error) {
	if err := cfg.readVariables(); err != nil {
		return nil, &Error{Op: "Join", Err: ErrConfig, Cause: err}
	}
	env := launchenv.Env{Role: launchenv.Worker, Job: cmp.Or(cfg.Name, programName()), Rank: 0, Size: 1}
	env.StateDir = cmp.Or(cfg.StateDir, env.Job+".dsss")
	if cfg.Name == "" {
		env.Job = cmp.Or(coordinator.NameOf(env.StateDir), env.Job)
	}
	env.Node, _ = os.Hostname() // only a name for people
	env.Token = make([]byte, 16)
	_, _ = rand.Read(env.Token) // never fails, see crypto/rand

	scfg := sessionConfig(env, cfg)
	scfg.Network = &comm.Local{}
	scfg.Applying = applying.Own()
	scfg.OnPanic = func(p *replica.PanicError) { die(p, "; the next run goes on without it") }
	a := &alone{ended: make(chan struct{})}
	job, err := a.start(ctx, env, cfg, scfg)
	if job == nil {
		if cause := a.abort(); cause != nil {
			err = cause // the coordinator's reason says more than what its end looked like from here
		}
		return nil, asError("Join", "", err)
	}
	return job, nil
}

func (a *alone) start(ctx context.Context, env launchenv.Env, cfg Config, scfg session.Config) (*Job, error) {
	var running context.Context
	running, a.cancel = context.WithCancel(context.Background())
	ready := make(chan struct{})
	a.wg.Add(1)
	go func() {
		defer a.wg.Done()
		defer close(a.ended)
		a.result = coordinator.Run(running, coordinator.Config{
			Network: scfg.Network, Job: env.Job, Token: env.Token, Size: 1, StateDir: env.StateDir, Either: true,
			Durability: coordinator.Durability(cfg.Durability), CheckpointEvery: cfg.CheckpointEvery, Keep: cfg.Keep,
			Ready: func(string) { close(ready) }, Log: cfg.Log,
		})
	}()
	select {
	case <-ready:
	case <-a.ended:
		return nil, ErrClosed
	}
	var err error
	if a.control, err = comm.DialControl(scfg.Network, "", env.Job, env.Token); err != nil {
		return nil, err
	}
	joined := make(chan struct{})
	a.wg.Add(2)
	kept := make(chan error, 1)
	kcfg, hcfg := scfg, scfg
	kcfg.Applying, hcfg.Applying = applying.Own(), applying.Own()
	a.host = sync.OnceFunc(func() {
		a.wg.Go(func() { _ = host.Run(running, hcfg) }) // it ends as the job does, and what ends that says why
	})
	go a.follow(joined)
	go func() {
		defer a.wg.Done()
		kept <- keeper.Run(context.Background(), kcfg, env.StateDir)
	}()
	a.wg.Go(func() {
		sayStuck(os.Stderr, map[string]*applying.Slot{"this program": scfg.Applying, "its keeper": kcfg.Applying, "its host": hcfg.Applying}, a.ended)
	})
	select {
	case <-joined:
	case err := <-kept:
		return nil, err
	case <-a.ended:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	s, err := session.Open(ctx, scfg)
	if err != nil {
		return nil, err
	}
	return newJob(env, s, a), nil
}

// follow reads the coordinator's events: they tell when the keeper has joined, and the others are for people.
func (a *alone) follow(joined chan struct{}) {
	defer a.wg.Done()
	defer a.control.Close() // the coordinator waits for that when it ends
	var once sync.Once
	for {
		e, err := a.control.Next()
		if err != nil {
			return
		}
		switch e.What {
		case wire.HappeningJoined:
			if e.Role == wire.RoleKeeper { // again after its connection broke
				once.Do(func() { close(joined) })
			}
		case wire.HappeningHosted:
			a.host()
		case wire.HappeningProgressed:
			showProgress(e.Text)
		case wire.HappeningWarned:
			fmt.Fprintf(os.Stderr, "dsss: %s\n", e.Text)
		case wire.HappeningCheckpointFailed:
			fmt.Fprintf(os.Stderr, "dsss: checkpoint failed: %s\n", e.Text)
		}
	}
}

// finish has the coordinator write the last checkpoint and waits until everything inside this process has ended.
func (a *alone) finish() error {
	err := a.control.Finish("finished")
	<-a.ended
	a.cancel()
	a.control.Close()
	a.wg.Wait()
	return errors.Join(err, a.result)
}

// abort ends what start began and returns why the coordinator ended, if it did by itself.
func (a *alone) abort() error {
	a.cancel()
	<-a.ended
	if a.control != nil {
		a.control.Close()
	}
	a.wg.Wait()
	if errors.Is(a.result, context.Canceled) {
		return nil // by cancel above: the reason is the caller's
	}
	return a.result
}
