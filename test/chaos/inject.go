package chaos

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// inject does what f says and notes it.
func (r *run) inject(f Fault) error {
	note := func() { r.injected = append(r.injected, injection{f, now()}) }
	switch {
	case f.Kind == Kill:
		pid, _, err := r.find(f.Role, f.Rank)
		if err != nil {
			return err
		}
		note()
		return sendSignal(pid, syscall.SIGKILL)
	case f.Kind == Stop:
		pid, _, err := r.find(f.Role, f.Rank)
		if err != nil {
			return err
		}
		note()
		r.lasting(f, func() { _ = sendSignal(pid, syscall.SIGCONT) }) // it may have been killed
		return sendSignal(pid, syscall.SIGSTOP)
	case f.Kind == Checkpoint:
		note()
		return sendSignal(r.cmd.Process.Pid, syscall.SIGUSR1)
	case f.Kind == Fill:
		note()
		r.lasting(f, func() {
			if err := r.job.disk.Free(); err != nil {
				panic(err) // what we made can be removed
			}
		})
		return r.job.disk.Fill(0)
	case f.Role == Network:
		_, rank, err := r.find(Worker, f.Rank)
		if err != nil {
			return err
		}
		note()
		return r.disturb(f, rank)
	case f.Kind == Join:
		note()
		return r.operate("join", "--state-dir", r.job.stateDir)
	case f.Kind == Leave:
		ranks, err := ranksOf(r.job.stateDir)
		if err != nil {
			return err
		}
		if len(ranks) <= fewest {
			return nil
		}
		note()
		return r.operate("leave", "--rank", strconv.Itoa(ranks[f.Rank%len(ranks)]), r.job.stateDir)
	}
	return fmt.Errorf("nobody knows how to inject it")
}

// disturb changes the link of a rank for a while.
func (r *run) disturb(f Fault, rank int) error {
	if f.Kind == Unplug {
		r.lasting(f, func() {
			if err := r.job.cfg.Spaces.Plug(rank, true); err != nil {
				panic(err) // it was there a moment ago
			}
		})
		return r.job.cfg.Spaces.Plug(rank, false)
	}
	l := r.job.links[rank]
	switch f.Kind {
	case Cut:
		l.Set(LinkState{Refuse: true})
	case Hold:
		l.Set(LinkState{HoldUp: true, HoldDown: true})
	case HoldUp:
		l.Set(LinkState{HoldUp: true})
	case HoldDown, Lose:
		l.Set(LinkState{HoldDown: true})
	case Delay:
		l.Set(LinkState{Delay: f.For / 20})
	}
	r.lasting(f, func() {
		if f.Kind == Lose {
			l.Set(LinkState{Refuse: true})
		}
		l.Set(LinkState{})
	})
	return nil
}

func sendSignal(pid int, sig syscall.Signal) error {
	if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// operate runs a command beside the job. Between two coordinators it may be told to come again.
func (r *run) operate(args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		c := exec.CommandContext(ctx, r.job.cfg.Command, args...)
		out, err := c.CombinedOutput()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return r.failf("dsss %v: %s within %v", args, out, limit)
		case strings.Contains(string(out), "does not exist: the job"), strings.Contains(string(out), "has left"):
			return nil // it has gone by itself
		case !strings.Contains(string(out), "try again") && !r.plan.overlaps():
			return r.failf("dsss %v: %v: %s", args, err, out)
		}
		r.pause(10 * look)
	}
}

// overlaps tells whether faults may come while the job is not well.
func (p RunPlan) overlaps() bool {
	return slices.ContainsFunc(p.Faults, func(f Fault) bool { return f.Overlap })
}

// pause waits, unless the run ends.
func (r *run) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.exited:
	}
}

// lasting undoes a fault when its time is over, or the run ends.
func (r *run) lasting(f Fault, undo func()) {
	r.undo.Go(func() {
		select {
		case <-time.After(f.For):
		case <-r.cancel:
		}
		undo()
	})
}

// calm ends what lasts.
func (r *run) calm() {
	close(r.cancel)
	r.undo.Wait()
}
