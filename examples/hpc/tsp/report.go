package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"dsss"
	"dsss/examples/hpc/tsp/search"
	"dsss/examples/hpc/tsp/tourmap"
	"dsss/examples/hpc/tsp/tsplib"
)

// membership is what the program asks of a job.
type membership struct {
	run        uint64 // increases from run to run of the job
	rank, size int
	search     shared
	ranks      func() ([]int, <-chan struct{})                                  // as Job.Ranks
	progress   func(text string)                                                // shows a line on how far the job is
	stats      func(context.Context) (mutations, checkpoints uint64, err error) // of the job, so far
	close      func() error                                                     // leaves the job
}

// solve takes part in the job until the tour is proved optimal and reported, by rank 0 if the job has it.
func solve(ctx context.Context, o options, in *tsplib.Instance, out io.Writer) (err error) {
	start := time.Now()
	e, err := search.New(in.Matrix, o.config)
	if err != nil {
		return err
	}
	tour, length := search.Start(in.Matrix)
	job, err := join(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closed := job.close(); err == nil {
			err = closed
		}
	}()
	if err := job.search.Begin(ctx, in.Fingerprint(), tour, length, e.Root().Bound); err != nil {
		err = fmt.Errorf("%s: %w", o.file, err)
		if errors.As(err, new(*dsss.Error)) {
			return err
		}
		return usageError{err} // Begin's own: the job is of another instance
	}
	if job.rank == 0 {
		shown := show(ctx, job, start)
		defer shown()
	}
	w := worker{job.search, e, job.run, int32(job.rank), timeSlice}
	if err := w.workTogether(ctx, job.ranks); err != nil {
		return err
	}
	return tell(ctx, job, func() error {
		r, err := newReport(ctx, in, job, time.Since(start))
		if err != nil {
			return err
		}
		if o.png != "" {
			title := fmt.Sprintf("%s: shortest round trip, %d", in.Name, r.Length)
			if err := tourmap.Write(o.png, in, r.cities, title); err != nil {
				return err
			}
		}
		return r.write(out, o.json)
	})
}

// tell has the result reported by the lowest rank that there is, and returns when it is: who dies before it was done is
// followed by another. Only one that dies between report and Tell makes it two reports.
func tell(ctx context.Context, job *membership, report func() error) error {
	told := func(s *Search) bool { return s.Told >= job.run }
	for {
		ranks, changed := job.ranks()
		is := false
		job.search.View(func(s *Search) { is = told(s) })
		if is {
			return nil
		}
		if len(ranks) == 0 && job.rank == 0 || len(ranks) > 0 && ranks[0] == job.rank {
			if err := report(); err != nil {
				return err
			}
			return job.search.Tell(ctx, job.run)
		}
		wait, cancel := context.WithCancel(ctx)
		go func() {
			select {
			case <-changed:
				cancel()
			case <-wait.Done():
			}
		}()
		err := job.search.Await(wait, told)
		cancel()
		if err != nil && (ctx.Err() != nil || !errors.Is(err, context.Canceled)) {
			return fmt.Errorf("waiting for the report: %w", err)
		}
	}
}

// show keeps the job's progress line up to date until the function it returns is called.
func show(ctx context.Context, job *membership, start time.Time) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				var p Progress
				job.search.View(func(s *Search) { p = s.Progress() })
				job.progress(p.line(time.Since(start)))
			}
		}
	}()
	return func() { cancel(); <-ended }
}

// line is p in one line, after a time in this run.
func (p Progress) line(elapsed time.Duration) string {
	nodes := int64(0)
	for _, n := range p.Nodes {
		nodes += n
	}
	gap := 100 * float64(p.Best-p.Bound) / float64(max(p.Bound, 1))
	return fmt.Sprintf("%.0f s: best tour %d, at least %d (gap %.2f %%), %d subproblems open, %d searched", elapsed.Seconds(), p.Best, p.Bound, gap, p.Open, nodes)
}

// report is the result of a job, with the names of the JSON output.
type report struct {
	Instance    string   `json:"instance"`
	Length      int64    `json:"length"`
	Tour        []string `json:"tour"`
	Nodes       []int64  `json:"nodes"`   // searched, by rank, in all runs of the job
	Seconds     float64  `json:"seconds"` // of this run
	Mutations   uint64   `json:"mutations"`
	Checkpoints uint64   `json:"checkpoints"`
	cities      []int32
}

// newReport gathers the result of a finished search. A tour that is not what the search claims is an error: it is checked
// against the distances of this process's own file.
func newReport(ctx context.Context, in *tsplib.Instance, job *membership, elapsed time.Duration) (*report, error) {
	r := &report{Instance: in.Name, Seconds: elapsed.Seconds()}
	job.search.View(func(s *Search) {
		r.Length, r.Nodes = s.Length, append(r.Nodes, s.Nodes...)
		r.cities = append(r.cities, s.Tour...)
	})
	for len(r.Nodes) < job.size {
		r.Nodes = append(r.Nodes, 0)
	}
	if err := search.Verify(in.Matrix, r.cities, r.Length); err != nil {
		return nil, fmt.Errorf("the result is wrong, which is a defect of this program: %w", err)
	}
	for _, v := range r.cities {
		r.Tour = append(r.Tour, in.City(int(v)))
	}
	var err error
	r.Mutations, r.Checkpoints, err = job.stats(ctx)
	return r, err
}

// write prints the report for people, or as JSON.
func (r *report) write(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "tour length: %d (proved optimal)\n", r.Length)
	b.WriteString(wrap("tour: "+strings.Join(r.Tour, " - ")+" - "+r.Tour[0], 100))
	b.WriteString("nodes searched:")
	for rank, n := range r.Nodes {
		fmt.Fprintf(&b, " rank %d: %d", rank, n)
		if rank < len(r.Nodes)-1 {
			b.WriteString(",")
		}
	}
	fmt.Fprintf(&b, "\nseconds: %.1f\nmutations ordered: %d\ncheckpoints written: %d\n", r.Seconds, r.Mutations, r.Checkpoints)
	_, err := io.WriteString(w, b.String())
	return err
}

// wrap breaks text between words into lines of at most width bytes where words allow, the later ones indented.
func wrap(text string, width int) string {
	var b strings.Builder
	line := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case line+1+len(word) > width:
			b.WriteString("\n  ")
			line = 2
		default:
			b.WriteString(" ")
			line++
		}
		b.WriteString(word)
		line += len(word)
	}
	return b.String() + "\n"
}
