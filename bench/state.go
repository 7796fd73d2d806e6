package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"dsss"
	"dsss/internal/launchenv"
	"dsss/internal/limits"
)

// measureState times a worker that joins a job of --checkpoint-mib of state: from its connection until the state is in its
// replica. Beside it a fresh process takes the same bytes over one raw connection into new memory.
func measureState(ctx context.Context, o options, r *report, progress io.Writer) error {
	limit := time.Duration(o.rounds+2) * time.Duration(o.checkpointMiB) * 40 * time.Millisecond // 25 MB/s at worst
	ctx, cancel := context.WithTimeout(ctx, limit+patience)
	defer cancel()
	m := measurement{name: "state", clients: 2, mib: o.checkpointMiB, durability: "interval", profiles: profilesFor(o.profiles, "state")}
	s, err := startState(ctx, m)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	defer s.close()
	for round := range o.rounds + 1 {
		fmt.Fprintf(progress, "round %d of %d: state of %d MiB\n", round, o.rounds, o.checkpointMiB)
		sides := []struct {
			series string
			take   func() (float64, error)
		}{{"state_raw_mb_per_s", s.raw}, {"state_mb_per_s", s.join}}
		if round%2 == 0 {
			sides[0], sides[1] = sides[1], sides[0]
		}
		for _, side := range sides {
			seconds, err := side.take()
			if err != nil {
				return fmt.Errorf("%s: %w", side.series, err)
			}
			if round > 0 { // the first has the checkpoint verified
				r.add(side.series, float64(o.checkpointMiB)*(1<<20)/1e6/seconds)
			}
		}
		if round > 0 {
			r.ratio("state_ratio", "state_mb_per_s", "state_raw_mb_per_s")
		}
	}
	return s.finish()
}

// A stateBench is a job with one worker that holds a large state, and a source of the same bytes over a raw connection.
type stateBench struct {
	m      measurement
	group  *group
	top    string
	job    *benchJob
	holder *proc
	source string // address
}

func startState(ctx context.Context, m measurement) (s *stateBench, err error) {
	s = &stateBench{m: m, group: newGroup(ctx, false, m.profiles)}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.top, err = os.MkdirTemp("", "dsss-bench-"); err != nil {
		return s, err
	}
	s.job = &benchJob{group: s.group, env: launchenv.Env{Job: jobName, Size: m.clients, Node: "localhost", StateDir: s.top + "/state"}}
	if err := s.job.start(m); err != nil {
		s.job = nil
		return s, err
	}
	if s.holder, err = s.worker(roleHolder, 0); err != nil {
		return s, err
	}
	if _, err = s.holder.line(); err != nil { // the checkpoint is written
		return s, err
	}
	p, err := s.group.spawn(task{Role: roleSource, MiB: m.mib})
	if err == nil {
		s.source, err = p.line()
	}
	return s, err
}

func (s *stateBench) worker(role string, rank int) (*proc, error) {
	env := s.job.env
	env.Role, env.Rank = launchenv.Worker, rank
	return s.group.spawn(task{Role: role, Rank: rank, MiB: s.m.mib}, env.Vars()...)
}

func (s *stateBench) join() (seconds float64, err error) {
	p, err := s.worker(roleJoiner, 1)
	if err != nil {
		return 0, err
	}
	r, err := p.result(false)
	return r.Seconds, err
}

func (s *stateBench) raw() (seconds float64, err error) {
	p, err := s.group.spawn(task{Role: roleSink, Addr: s.source, MiB: s.m.mib})
	if err != nil {
		return 0, err
	}
	r, err := p.result(false)
	return r.Seconds, err
}

// finish ends the job as one that went well.
func (s *stateBench) finish() error {
	if err := s.holder.in.Close(); err != nil {
		return err
	}
	if _, err := s.holder.result(false); err != nil {
		return err
	}
	return s.job.finish(s.m.profiles != "")
}

func (s *stateBench) close() {
	if s.job != nil {
		s.job.hangUp()
	}
	s.group.close()
	_ = os.RemoveAll(s.top) // what is left is in the folder for temporary files
}

// hold makes the state large, has it written to a checkpoint, says so, and stays until its standard input ends.
func hold(t task) error {
	ctx := context.Background()
	job, err := dsss.Join(ctx, dsss.Config{})
	if err != nil {
		return err
	}
	tally, err := OpenTally(ctx, job, "tally")
	if err != nil {
		return err
	}
	for range t.MiB {
		if err := tally.Load(ctx, 1<<17); err != nil {
			return err
		}
	}
	if _, err := job.Checkpoint(ctx); err != nil {
		return err
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // its end is what counts
	return job.Close()
}

// joiner joins, and tells how long that took.
func joiner(t task) (r result, err error) {
	ctx := context.Background()
	began := time.Now()
	job, err := dsss.Join(ctx, dsss.Config{})
	r.Seconds = time.Since(began).Seconds()
	if err != nil {
		return r, err
	}
	tally, err := OpenTally(ctx, job, "tally")
	if err != nil {
		return r, err
	}
	held := 0
	tally.View(func(c *Tally) { held = len(c.ballast) })
	if want := t.MiB << 17; held != want {
		return r, fmt.Errorf("%d numbers came of %d", held, want)
	}
	return r, job.Close()
}

// source sends the bytes to whoever connects, until the process is killed.
func source(t task) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	piece := make([]byte, limits.Piece)
	for i := range piece {
		piece[i] = byte(i)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		for range t.MiB {
			if _, err = c.Write(piece); err != nil {
				break
			}
		}
		if err := errors.Join(err, c.Close()); err != nil {
			return err
		}
	}
}

// swallow takes the bytes into new memory, and tells how long that took.
func swallow(t task) (r result, err error) {
	began := time.Now()
	c, err := net.Dial("tcp", t.Addr)
	if err != nil {
		return r, err
	}
	defer c.Close()
	_, err = io.ReadFull(c, make([]byte, t.MiB<<20))
	r.Seconds = time.Since(began).Seconds()
	return r, err
}
