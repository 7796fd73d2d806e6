package main

import (
	"fmt"
	"slices"

	"dsss"
)

//go:generate go tool dsss-gen

// Pool is the tasks of a job: intervals of numbers in which primes are to be counted. Each is open, claimed by one process,
// or done. Whatever dies, none is lost and none is counted twice:
//
//   - a claim names the process that has it, not its rank alone (Order.Session): another process of that rank is another
//     one, and what a process finishes that has lost its claim meanwhile is not counted;
//   - what a rank held that is gone is returned by those that see it gone (Return);
//   - what a rank held whose process was started again is returned when that one claims (Claim);
//   - what was held when the whole job ended is returned by the first Claim of the next run (Claim).
type Pool struct {
	limit, size int64   // the numbers below limit, size of them in each task
	fresh       int64   // tasks from this one on were never claimed
	returned    []int64 // tasks that were, and are open again
	claims      []Claim // in the order of the tasks
	run         uint64  // whose claims these are
	done        int64   // tasks
	primes      int64   // in them
}

// Claim says which process has a task.
type Claim struct {
	Task    int64
	Rank    int
	Session uint64 // of the process
}

// NoTask is what Pool.Claim returns when no task is open.
const NoTask = -1

// Begin says what there is to do. Every process calls it; the first call counts, also for the runs to come.
//
//dsss:mutator
func (p *Pool) Begin(limit, size int64) error {
	if p.limit != 0 && (p.limit != limit || p.size != size) {
		return fmt.Errorf("this job counts below %d in tasks of %d: use another state directory for other ones", p.limit, p.size)
	}
	p.limit, p.size = limit, size
	return nil
}

// Claim gives the caller an open task, or NoTask. A process has one at a time.
//
//dsss:mutator
func (p *Pool) Claim(o dsss.Order, run uint64, rank int) int64 {
	p.giveBack(func(c Claim) bool { return p.run != run || c.Rank == rank }) // of processes that are gone
	p.run = run
	task := p.fresh
	switch last := len(p.returned) - 1; {
	case last >= 0:
		task, p.returned = p.returned[last], p.returned[:last]
	case task < p.tasks():
		p.fresh++
	default:
		return NoTask
	}
	p.claims = append(p.claims, Claim{task, rank, o.Session})
	return task
}

// Finish counts the primes that the caller found in the task that it has claimed; false when that is another's by now.
//
//dsss:mutator
func (p *Pool) Finish(o dsss.Order, task, primes int64) bool {
	i := slices.IndexFunc(p.claims, func(c Claim) bool { return c.Task == task && c.Session == o.Session })
	if i < 0 {
		return false
	}
	p.claims = slices.Delete(p.claims, i, i+1)
	p.done++
	p.primes += primes
	return true
}

// Return opens the tasks again that processes have claimed which are gone: those of the given sessions.
//
//dsss:mutator
func (p *Pool) Return(sessions []uint64) {
	p.giveBack(func(c Claim) bool { return slices.Contains(sessions, c.Session) })
}

// giveBack opens the tasks of claims again.
func (p *Pool) giveBack(gone func(Claim) bool) {
	p.claims = slices.DeleteFunc(p.claims, func(c Claim) bool {
		if gone(c) {
			p.returned = append(p.returned, c.Task)
			return true
		}
		return false
	})
}

func (p *Pool) tasks() int64 { return (p.limit + p.size - 1) / max(p.size, 1) }

// Interval returns the numbers of a task: those from the first on and below the second.
func (p *Pool) Interval(task int64) (from, to int64) {
	return task * p.size, min((task+1)*p.size, p.limit)
}

// Open tells whether a task can be claimed.
func (p *Pool) Open() bool { return len(p.returned) > 0 || p.fresh < p.tasks() }

// Done tells whether all tasks are done.
func (p *Pool) Done() bool { return p.done == p.tasks() }

// Counted returns how many tasks are done, and how many primes were in them.
func (p *Pool) Counted() (tasks, primes int64) { return p.done, p.primes }

// Lost lists the sessions that have claims and belong to none of the given ranks.
func (p *Pool) Lost(present []int) (sessions []uint64) {
	for _, c := range p.claims {
		if !slices.Contains(present, c.Rank) {
			sessions = append(sessions, c.Session)
		}
	}
	return sessions
}
