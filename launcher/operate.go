package launcher

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
)

// An Operator is a person's command beside a running job. Its methods are called one at a time.
type Operator struct {
	dir     string
	before  *Access // the job when the operator came
	control *comm.Control
	events  chan *wire.EventT // what the coordinator says; closed when the connection ends
	say     func(line string)
}

// Operate connects to the job that runs in stateDir; when that is empty, to the one of the only directory NAME.dsss here
// in which a job runs. say gets a line for each thing done. Errors that wrap ErrUsage say what to ask for instead.
func Operate(stateDir string, say func(line string)) (*Operator, error) {
	if stateDir == "" {
		var err error
		if stateDir, err = onlyJobHere(); err != nil {
			return nil, err
		}
	}
	a, err := readAccess(stateDir)
	if err != nil {
		return nil, err
	}
	token, err := hex.DecodeString(a.Token)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: the token is not hexadecimal", filepath.Join(stateDir, accessFile))
	}
	control, err := comm.DialOperator(comm.TCP{}, a.Address, a.Job, token)
	if err != nil {
		return nil, fmt.Errorf("the job in %s does not answer: %w: try again in a moment", stateDir, err)
	}
	o := &Operator{dir: stateDir, before: a, control: control, events: make(chan *wire.EventT, limits.Events), say: say}
	go o.listen()
	return o, nil
}

// onlyJobHere returns the state directory here in which a job runs.
func onlyJobHere() (string, error) {
	found, err := filepath.Glob("*.dsss/" + accessFile)
	switch {
	case err != nil || len(found) == 0:
		return "", usagef("no running job here: name its state directory")
	case len(found) > 1:
		return "", usagef("%d jobs may be running here: name the state directory of the one that is meant, such as %s", len(found), filepath.Dir(found[0]))
	}
	return filepath.Dir(found[0]), nil
}

// Ranks lists the ranks of the job that runs in stateDir, found as Operate finds it; none when there is no such job.
func Ranks(stateDir string) []int {
	if stateDir == "" {
		stateDir, _ = onlyJobHere()
	}
	a, err := readAccess(stateDir)
	if err != nil {
		return nil
	}
	return a.present()
}

// listen takes the events until the connection ends; nobody may be there to hear them any more.
func (o *Operator) listen() {
	defer close(o.events)
	defer o.control.Close() // the coordinator waits for that when it ends
	for {
		e, err := o.control.Next()
		if err != nil {
			return
		}
		select {
		case o.events <- e:
		default: // so many that nobody can be waiting for this one
		}
	}
}

// Close ends the connection.
func (o *Operator) Close() {
	o.control.Close()
	for range o.events {
	}
}

// Join adds count workers to the job and waits until they have joined.
func (o *Operator) Join(ctx context.Context, count int) error {
	most := limits.Workers - len(o.before.present())
	switch {
	case count < 1:
		return usagef("-n %d: want 1 worker or more", count)
	case count > most:
		return usagef("-n %d: only %d more workers can be started on one machine", count, max(most, 0))
	}
	if err := o.control.Grow(count); err != nil {
		return o.unheard(err)
	}
	started, joined := map[int]bool{}, map[int]bool{}
	return o.watch(ctx, func(a *Access) (begun, done bool, err error) {
		if a == nil {
			return true, true, fmt.Errorf("the job in %s ended before they had joined", o.dir)
		}
		for _, r := range a.Ranks {
			if r.Added <= o.before.Grown {
				continue
			}
			started[r.Rank] = true
			if r.Failed {
				return true, true, fmt.Errorf("rank %d (pid %d) ended before it had joined: the launcher's stderr says why", r.Rank, r.PID)
			}
			if r.Joined && !joined[r.Rank] {
				joined[r.Rank] = true
				o.say(fmt.Sprintf("rank %d (pid %d) has joined", r.Rank, r.PID))
			}
		}
		return len(started) >= count, len(joined) >= count, nil
	})
}

// Leave ends the worker of a rank, as it would be at the end of the job, and waits until it is gone. When it was the
// last one, the job ends as finished.
func (o *Operator) Leave(ctx context.Context, rank int) error {
	r := o.before.find(rank)
	if r == nil {
		return usagef("rank %d does not exist: the job in %s has %s", rank, o.dir, ranksText(o.before.present()))
	}
	if err := o.control.Shrink(rank); err != nil {
		return o.unheard(err)
	}
	return o.watch(ctx, func(a *Access) (begun, done bool, err error) {
		if a == nil {
			o.say(fmt.Sprintf("rank %d (pid %d) is gone, and the job has ended", rank, r.PID))
			return true, true, nil
		}
		now := a.find(rank)
		if now == nil {
			o.say(fmt.Sprintf("rank %d (pid %d) has left", rank, r.PID))
		}
		return now == nil || now.Leaving, now == nil, nil
	})
}

// watch looks at the access file until look says that what was asked for is done, or it has not begun in time. look
// gets nil when the job has ended.
func (o *Operator) watch(ctx context.Context, look func(*Access) (begun, done bool, err error)) error {
	poll := time.NewTicker(limits.AccessPoll)
	defer poll.Stop()
	late := time.After(limits.OperatorWait)
	for {
		a, err := readAccess(o.dir)
		if err != nil && !errors.Is(err, ErrUsage) {
			return err
		}
		begun, done, err := look(a)
		if done {
			return err
		}
		if begun {
			late = nil
		}
		select {
		case <-poll.C:
		case <-late:
			return o.unheard(fmt.Errorf("nothing was done within %v", limits.OperatorWait))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (o *Operator) unheard(err error) error {
	return fmt.Errorf("the job in %s did not hear of it: %w: see what its launcher says, and try again", o.dir, err)
}

// Save has a checkpoint written that holds all that has happened so far, and waits until it is verified.
func (o *Operator) Save(ctx context.Context) error {
	if err := o.control.Checkpoint(); err != nil {
		return o.unheard(err)
	}
	for {
		select {
		case e, ok := <-o.events:
			switch {
			case !ok:
				return fmt.Errorf("the job in %s was cut off before the checkpoint was written: try again", o.dir)
			case e.Role != wire.RoleOperator: // not the answer to us
			case e.What == wire.HappeningCheckpointed:
				o.say(fmt.Sprintf("checkpoint at sequence number %d", e.Sequence))
				return nil
			case e.What == wire.HappeningCheckpointFailed:
				return fmt.Errorf("no checkpoint was written: %s", firstLine(e.Text))
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
