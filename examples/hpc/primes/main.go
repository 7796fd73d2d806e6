// Command primes counts the primes below a limit, in tasks that the workers of a job take from a shared pool.
//
//	dsss run -n 4 --on-failure continue -- primes 10000000
//
// It shows how a pool of tasks is kept so that each is done once, whatever dies: see Pool, and docs/tasks.md.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"dsss"
)

// size is how many numbers are in a task: some milliseconds of work, long beside the fraction of one that claiming it takes.
const size = 20_000

func main() {
	limit, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "primes: %v\n", err)
		os.Exit(2)
	}
	dsss.Main(func(ctx context.Context, job *dsss.Job) error { return count(ctx, job, limit) })
}

func parse(args []string) (limit int64, err error) {
	if len(args) == 1 {
		limit, err = strconv.ParseInt(args[0], 10, 64)
	}
	if len(args) != 1 || err != nil || limit < 2 || limit > 1e12 {
		return 0, fmt.Errorf("%q: want one number from 2 to 1000000000000: primes LIMIT", args)
	}
	return limit, nil
}

// count is what each worker does.
func count(ctx context.Context, job *dsss.Job, limit int64) error {
	pool, err := OpenPool(ctx, job, "pool")
	if err != nil {
		return err
	}
	if err := pool.Begin(ctx, limit, size); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		if err := returnLost(ctx, job, pool); err != nil {
			cancel(err) // without it, claims of lost ranks would be waited for for ever
		}
	}()
	if err := work(ctx, job, pool); err != nil {
		return err
	}
	if tasks, primes := pool.Counted(); job.Rank() == 0 {
		fmt.Printf("%d primes below %d, counted in %d tasks\n", primes, limit, tasks)
	}
	return nil
}

// work does tasks until all are done, by whichever process.
func work(ctx context.Context, job *dsss.Job, pool *SharedPool) error {
	for {
		task, err := pool.Claim(ctx, job.Run(), job.Rank())
		if err != nil {
			return err
		}
		if task == NoTask {
			// Those that others have may be returned yet.
			if err := pool.Await(ctx, func(p *Pool) bool { return p.Open() || p.Done() }); err != nil {
				return err
			}
			if pool.Done() {
				return nil
			}
			continue
		}
		if _, err := pool.Finish(ctx, task, primesIn(pool.Interval(task))); err != nil {
			return err
		}
		tasks, primes := pool.Counted()
		job.Progress(fmt.Sprintf("%d primes in %d tasks", primes, tasks))
	}
}

// returnLost returns to the pool what ranks have claimed that are gone, until ctx ends. All workers do: the one that did it
// alone could be the one that is lost.
func returnLost(ctx context.Context, job *dsss.Job, pool *SharedPool) error {
	for {
		present, changed := job.Ranks()
		if lost := pool.Lost(present); len(present) > 0 && len(lost) > 0 {
			if err := pool.Return(ctx, lost); err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// primesIn counts the primes from one number on below another, by trial division: it is the work that there is to do, and
// need not be clever.
func primesIn(from, to int64) (n int64) {
	for i := max(from, 2); i < to; i++ {
		prime := true
		for d := int64(2); d*d <= i && prime; d++ {
			prime = i%d != 0
		}
		if prime {
			n++
		}
	}
	return n
}
