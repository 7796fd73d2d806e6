package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"dsss"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/launchenv"
	"dsss/runtime/coordinator"
)

const jobName = "bench"

// coordinate is the coordinator's process.
func coordinate(t task) error {
	return coordinator.Run(context.Background(), coordinator.Config{
		Listen: "127.0.0.1:0", Job: jobName, Token: t.Token, Size: t.Clients, StateDir: t.StateDir,
		Durability: coordinator.Durability(t.Durability), Ready: func(addr string) { fmt.Println(addr) },
	})
}

// keep is the keeper's process, or the host's: Join does not return.
func keep() error {
	_, err := dsss.Join(context.Background(), dsss.Config{})
	return err
}

// worker joins the job, opens the tally, meets the others, runs f, meets them again and returns f's result with the
// replica's final state.
func worker(t task, f func(ctx context.Context, tally *SharedTally) (result, error)) (result, error) {
	return jobWorker(t, func(ctx context.Context, _ *dsss.Job, tally *SharedTally) (result, error) { return f(ctx, tally) })
}

// jobWorker is worker for an f that uses the job too.
func jobWorker(t task, f func(ctx context.Context, job *dsss.Job, tally *SharedTally) (result, error)) (result, error) {
	ctx := context.Background()
	job, err := dsss.Join(ctx, dsss.Config{})
	if err != nil {
		return result{}, err
	}
	tally, err := OpenTally(ctx, job, "tally")
	if err != nil {
		return result{}, err
	}
	meet := func(times int) error {
		if err := tally.Arrive(ctx); err != nil {
			return err
		}
		return tally.Await(ctx, func(c *Tally) bool { return c.arrived >= uint64(times*t.Clients) })
	}
	if err := meet(1); err != nil {
		return result{}, err
	}
	r, err := f(ctx, job, tally)
	if err != nil {
		return result{}, err
	}
	// Who arrives has seen its own updates applied, so after the last arrival all updates of all are.
	if err := meet(2); err != nil {
		return result{}, err
	}
	var broken uint64
	tally.View(func(c *Tally) {
		broken = c.broken
		r.Total = c.calls
		r.State = fmt.Sprintf("%d calls, digest %016x", c.calls, c.digest)
	})
	if broken > 0 {
		return result{}, fmt.Errorf("%d updates were lost, repeated or out of order", broken)
	}
	return r, job.Close()
}

// runJob runs one job as the launcher does and returns what its workers measured.
func runJob(ctx context.Context, m measurement) (out outcome, err error) {
	g := newGroup(ctx, m.pinned, m.profiles)
	defer g.close()
	top, err := os.MkdirTemp("", "dsss-bench-")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(top)) }()
	j := &benchJob{group: g, crowded: m.strangers > 0, env: launchenv.Env{Job: jobName, Size: m.clients, Node: "localhost", StateDir: filepath.Join(top, "state")}}
	if err := j.start(m); err != nil {
		return out, err
	}
	defer j.hangUp()
	if m.strangers > 0 {
		p, err := g.spawn(task{Role: roleCrowd, Addr: j.env.Coordinator, Strangers: m.strangers})
		if err == nil {
			_, err = p.line() // they are all connected
		}
		if err != nil {
			return out, err
		}
	}
	var workers []*proc
	for rank := range m.clients {
		env := j.env
		env.Role, env.Rank = launchenv.Worker, rank
		t := task{Role: m.role, Rank: rank, Clients: m.clients, Duration: m.duration, Repeat: m.repeat, MiB: m.mib}
		p, err := g.spawn(t, env.Vars()...)
		if err != nil {
			return out, err
		}
		workers = append(workers, p)
	}
	if out.results, err = collect(workers, m.pinned); err != nil {
		if cause := j.failure(); cause != nil {
			err = fmt.Errorf("%w (%w)", err, cause)
		}
		return out, err
	}
	if err := j.finish(m.profiles != ""); err != nil {
		return out, err
	}
	out.cpu = g.cpu()
	return out, nil
}

// A benchJob is a coordinator and a keeper, with us in the launcher's place.
type benchJob struct {
	group               *group
	env                 launchenv.Env
	coordinator, keeper *proc
	host                *proc // nil until it is wanted; follow's until ended is closed
	control             *comm.Control
	joined              chan struct{} // closed when the keeper has joined
	ended               chan struct{} // closed when no more events come; failed is valid then
	failed              error
	crowded             bool // refusals are what is measured
}

func (j *benchJob) start(m measurement) (err error) {
	j.env.Token = make([]byte, 16)
	_, _ = rand.Read(j.env.Token) // never fails, see crypto/rand
	t := task{Role: roleCoordinator, Clients: m.clients, StateDir: j.env.StateDir, Durability: m.durability, Token: j.env.Token}
	if j.coordinator, err = j.group.spawn(t); err != nil {
		return err
	}
	if j.env.Coordinator, err = j.coordinator.line(); err != nil {
		return err
	}
	if j.control, err = comm.DialControl(comm.TCP{}, j.env.Coordinator, jobName, j.env.Token); err != nil {
		return err
	}
	j.joined, j.ended = make(chan struct{}), make(chan struct{})
	go j.follow()
	env := j.env
	env.Role, env.Rank = launchenv.Keeper, -1
	if j.keeper, err = j.group.spawn(task{Role: roleKeeper}, env.Vars()...); err != nil {
		j.hangUp()
		return err
	}
	select {
	case <-j.joined:
		return nil
	case <-j.ended:
		err = fmt.Errorf("the keeper did not join: %w", j.failed)
	case <-j.group.ctx.Done():
		err = context.Cause(j.group.ctx)
	}
	j.hangUp()
	return err
}

// follow reads the coordinator's events until it or we hang up.
func (j *benchJob) follow() {
	defer close(j.ended)
	for {
		e, err := j.control.Next()
		if err != nil {
			if j.failed == nil && err != io.EOF {
				j.failed = err
			}
			return
		}
		switch e.What {
		case wire.HappeningFinished:
			return // the last event; how the connection ends after it says nothing
		case wire.HappeningJoined:
			if e.Role == wire.RoleKeeper {
				close(j.joined)
			}
		case wire.HappeningHosted:
			env := j.env
			env.Role, env.Rank = launchenv.Host, -2
			if j.host, err = j.group.spawn(task{Role: roleHost}, env.Vars()...); err != nil {
				j.failed = err
				return
			}
		case wire.HappeningRefused:
			if !j.crowded {
				j.failed = fmt.Errorf("the coordinator refused: %s", e.Text)
			}
		case wire.HappeningFailed, wire.HappeningPanicked:
			j.failed = fmt.Errorf("the coordinator reports: %s", e.Text)
		}
	}
}

func (j *benchJob) hangUp() {
	j.control.Close()
	<-j.ended
}

// failure returns what the coordinator had to say, if it ended.
func (j *benchJob) failure() error {
	select {
	case <-j.ended:
		return j.failed
	default:
		return nil
	}
}

// finish ends the job as the launcher does: last checkpoint, then coordinator and keeper end.
func (j *benchJob) finish(profiled bool) error {
	if profiled {
		for _, p := range []*proc{j.keeper, j.host} {
			if p == nil {
				continue
			}
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
	if err := j.control.Finish("finished"); err != nil {
		return err
	}
	<-j.ended
	j.control.Close() // the coordinator waits for it
	err := errors.Join(j.failed, j.keeper.wait(), j.coordinator.wait())
	if j.host != nil {
		err = errors.Join(err, j.host.wait())
	}
	return err
}
