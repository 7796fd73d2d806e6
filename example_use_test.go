package dsss_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"dsss"
	"dsss/examples/counter"
	"dsss/examples/poll"
)

// Await blocks until a condition on the object holds. The condition is asked again after each change of the object, on
// this process's copy.
func ExampleObject_Await() {
	dir, remove := scratch()
	defer remove()
	err := dsss.Run(context.Background(), dsss.Config{StateDir: dir}, func(ctx context.Context, job *dsss.Job) error {
		hits, err := counter.OpenCounter(ctx, job, "hits")
		if err != nil {
			return err
		}
		for range 10 {
			hits.AddAsync(ctx, 1)
		}
		if err := hits.Await(ctx, func(c *counter.Counter) bool { return c.Value() >= 10 }); err != nil {
			return err
		}
		fmt.Println(hits.Value())

		soon, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		err = hits.Await(soon, func(c *counter.Counter) bool { return c.Value() > 10 }) // nobody adds more
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 10
	// true
}

// View reads several fields at one moment: no mutation is applied while its function runs. A getter is a View of one
// value.
func ExampleObject_View() {
	dir, remove := scratch()
	defer remove()
	err := dsss.Run(context.Background(), dsss.Config{StateDir: dir}, func(ctx context.Context, job *dsss.Job) error {
		lunch, err := poll.OpenPoll(ctx, job, "lunch")
		if err != nil {
			return err
		}
		for _, choice := range []string{"soup", "rice", "soup"} {
			if err := lunch.Vote(ctx, choice, 1); err != nil {
				return err
			}
		}
		lunch.View(func(p *poll.Poll) { // copy out what you keep
			fmt.Println(p.Votes["soup"], "of", p.Total)
		})
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 2 of 3
}

// A call with Async in its name returns a future at once, so that many mutations are in flight together. A future gives
// the mutator's result. Flush waits for all, without their results.
func ExampleJob_Flush() {
	dir, remove := scratch()
	defer remove()
	err := dsss.Run(context.Background(), dsss.Config{StateDir: dir}, func(ctx context.Context, job *dsss.Job) error {
		hits, err := counter.OpenCounter(ctx, job, "hits")
		if err != nil {
			return err
		}
		first := hits.AddAsync(ctx, 1)
		second := hits.AddAsync(ctx, 1) // applied after first: the order is that of the calls
		n, err := second.Wait(ctx)
		if err != nil {
			return err
		}
		fmt.Println("second made it", n, "and first was before it:", first.Seq() < second.Seq())

		for range 1000 {
			hits.AddAsync(ctx, 1)
		}
		if err := job.Flush(ctx); err != nil {
			return err
		}
		fmt.Println("after Flush:", hits.Value())
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// second made it 2 and first was before it: true
	// after Flush: 1002
}

// Calls of a mutator that combines (here "combine=sum(n)" in its directive) merge while they wait to be sent, so that
// fewer mutations travel. PostVote starts a call without a future.
func ExamplePost() {
	dir, remove := scratch()
	defer remove()
	err := dsss.Run(context.Background(), dsss.Config{StateDir: dir}, func(ctx context.Context, job *dsss.Job) error {
		lunch, err := poll.OpenPoll(ctx, job, "lunch")
		if err != nil {
			return err
		}
		const votes = 100_000
		for range votes {
			if err := lunch.PostVote(ctx, "soup", 1); err != nil {
				return err
			}
		}
		if err := job.Flush(ctx); err != nil {
			return err
		}
		stats, err := job.Stats(ctx)
		fmt.Println(lunch.Count("soup"), "votes, fewer mutations:", stats.Head < votes)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 100000 votes, fewer mutations: true
}

// A mutator whose first parameter is an Order has a clock and random numbers that are the same on every process, and the
// same again when a resumed job replays it.
func ExampleOrder() {
	dir, remove := scratch()
	defer remove()
	var winner string
	vote := func(ctx context.Context, job *dsss.Job) error {
		lunch, err := poll.OpenPoll(ctx, job, "lunch")
		if err != nil {
			return err
		}
		for _, choice := range []string{"soup", "rice", "beans", "bread"} {
			lunch.VoteAsync(ctx, choice, 1)
		}
		winner, err = lunch.Close(ctx) // func (p *Poll) Close(o dsss.Order): draws by o.Rand, notes o.Time
		return err
	}
	look := func(ctx context.Context, job *dsss.Job) error {
		lunch, err := poll.OpenPoll(ctx, job, "lunch")
		if err != nil {
			return err
		}
		lunch.View(func(p *poll.Poll) {
			fmt.Println(p.Winner == winner, time.Since(p.Closed) < time.Hour)
		})
		return nil
	}
	for _, run := range []func(context.Context, *dsss.Job) error{vote, look} {
		if err := dsss.Run(context.Background(), dsss.Config{StateDir: dir}, run); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// true true
}

// A checkpoint is the job's whole state in one file. A second run with the same state directory goes on from the newest
// one and from what the log holds after it. Checkpoints are written by the clock and at the end, too.
func ExampleJob_Checkpoint() {
	dir, remove := scratch()
	defer remove()
	step := func(ctx context.Context, job *dsss.Job) error {
		hits, err := counter.OpenCounter(ctx, job, "hits")
		if err != nil {
			return err
		}
		fmt.Println("run", job.Run(), "begins at", hits.Value())
		if _, err := hits.Add(ctx, 5); err != nil {
			return err
		}
		seq, err := job.Checkpoint(ctx)
		fmt.Println("it holds what was added:", err == nil && seq > 0)
		return err
	}
	for range 2 {
		if err := dsss.Run(context.Background(), dsss.Config{StateDir: dir}, step); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// run 1 begins at 0
	// it holds what was added: true
	// run 2 begins at 5
	// it holds what was added: true
}

// When ctx ends before a mutator has returned, the error says what is known. ErrNotApplied: it was not sent, so calling it
// again cannot apply it twice. ErrUnconfirmed: it was sent, and may be applied yet; the future still tells.
func ExampleError() {
	dir, remove := scratch()
	defer remove()
	err := dsss.Run(context.Background(), dsss.Config{StateDir: dir}, func(ctx context.Context, job *dsss.Job) error {
		hits, err := counter.OpenCounter(ctx, job, "hits")
		if err != nil {
			return err
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err = hits.Add(ended, 1)
		fmt.Println("not applied:", errors.Is(err, dsss.ErrNotApplied), hits.Value())

		// A reader that takes its time keeps this process from applying mutations.
		reads, read := make(chan bool), make(chan bool)
		go hits.View(func(*counter.Counter) { close(reads); <-read })
		<-reads
		f := hits.AddAsync(ctx, 1)
		_, err = f.Wait(ended)
		fmt.Println("unconfirmed:", errors.Is(err, dsss.ErrUnconfirmed))
		close(read)
		n, err := f.Wait(ctx)
		fmt.Println("later:", n, err)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// not applied: true 0
	// unconfirmed: true
	// later: 1 <nil>
}

// A hosted object is held by the host alone, and by the keeper, which writes checkpoints: its mutators run there, and what
// they return comes back. It is for what is written more often than read, such as the next number of a ticket. The directive
// "dsss:hosted" has dsss-gen write HostedCounter beside SharedCounter.
func ExampleOpenHosted() {
	dir, remove := scratch()
	defer remove()
	err := dsss.Run(context.Background(), dsss.Config{StateDir: dir}, func(ctx context.Context, job *dsss.Job) error {
		tickets, err := counter.OpenCounterHosted(ctx, job, "tickets") // starts the host, if there is none
		if err != nil {
			return err
		}
		n, err := tickets.Add(ctx, 1) // waits until the host has answered
		if err != nil {
			return err
		}
		fmt.Println("ticket", n)
		second, third := tickets.AddAsync(ctx, 1), tickets.AddAsync(ctx, 1) // in flight together
		for _, f := range []*dsss.Future[int64]{second, third} {
			n, err := f.Wait(ctx)
			if err != nil {
				return err
			}
			fmt.Println("ticket", n)
		}
		_, err = tickets.Add(ctx, -100)
		fmt.Println("an error's text travels, not its sentinel:", err, errors.Is(err, counter.ErrNegative))
		sold, err := tickets.Value(ctx) // a question to the host
		fmt.Println("sold", sold)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// ticket 1
	// ticket 2
	// ticket 3
	// an error's text travels, not its sentinel: the counter would be negative false
	// sold 3
}
