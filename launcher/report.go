package launcher

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dsss/checkpoint/statedir"
)

// A Status says how a job ended.
type Status string

// The statuses. The middle three are also what the state directory keeps.
const (
	Refused     Status = "refused"     // no worker was started
	Finished    Status = "finished"    // all workers exited with 0
	Interrupted Status = "interrupted" // by a signal to the launcher
	Failed      Status = "failed"
)

// A Report says how a job ended. It renders as one JSON object.
type Report struct {
	Job      string  `json:"job"`
	Status   Status  `json:"status"`
	ExitCode int     `json:"exit_code"`       // for the launcher's process
	Cause    *Cause  `json:"cause,omitempty"` // of any status but Finished
	Workers  int     `json:"workers"`
	Seconds  float64 `json:"seconds"`
	// Mutations is the last sequence number ordered, of all runs of the job; 0 when the coordinator did not say.
	Mutations   uint64 `json:"mutations"`
	Checkpoints uint64 `json:"checkpoints"` // written in this run; 0 when the coordinator did not say
	// Checkpointed is the sequence number of the last checkpoint written in this run; 0 when there is none.
	Checkpointed uint64 `json:"checkpointed"`
	StateDir     string `json:"state_dir"`
	// Mutation is one that a resumed job would meet again, because processes ended in its middle or it did not end itself.
	Mutation *Mutation `json:"mutation,omitempty"`
	// Unread says that output is missing, because the job was told to end and nobody read it.
	Unread bool `json:"unread,omitempty"`
	// Lost are the workers that the job went on without, and why.
	Lost []Cause `json:"lost,omitempty"`

	saved string // what Interrupted says about the last checkpoint
	quiet bool   // the program has said on stderr all that there is to say
}

// A Mutation is a call of a mutator that is the likely reason why processes ended or hung.
type Mutation struct {
	Sequence  uint64 `json:"sequence"` // number
	Object    string `json:"object"`
	Class     string `json:"class"`
	Method    string `json:"method"`
	Processes int    `json:"processes"`         // that ended in its middle, in all runs
	Endless   bool   `json:"endless,omitempty"` // the run was ended while it did not
	Applied   bool   `json:"applied,omitempty"` // some process has applied it
}

func mutationOf(s *statedir.Suspect) *Mutation {
	if s == nil {
		return nil
	}
	return &Mutation{Sequence: s.Sequence, Object: s.Object, Class: s.Class, Method: s.Method,
		Processes: s.Count, Endless: s.Endless, Applied: s.Applied}
}

// unended says of a mutation that it did not end; empty when that is not so.
func (r Report) unended() string {
	if m := r.Mutation; m != nil && m.Endless {
		return fmt.Sprintf("%s.%s on object %q (sequence number %d) did not end, ", m.Class, m.Method, m.Object, m.Sequence)
	}
	return ""
}

// A Cause is the first cause of a job's end.
type Cause struct {
	Text   string   `json:"text"`             // one line
	Rank   *int     `json:"rank,omitempty"`   // when a worker is the cause
	PID    int      `json:"pid,omitempty"`    // when a process is
	Code   int      `json:"code,omitempty"`   // its exit code
	Signal int      `json:"signal,omitempty"` // or the signal that ended it, or that the launcher got
	Stderr []string `json:"stderr,omitempty"` // its last few lines
}

// Line is the launcher's last line about the job, without the prefix "dsss: "; empty when the program's own words,
// already shown, are enough.
func (r Report) Line() string {
	switch r.Status {
	case Finished:
		return fmt.Sprintf("job %s finished%s: %d workers, %.1f s, %d mutations, %d checkpoints, state in %s",
			r.Job, r.without(), r.Workers, r.Seconds, r.Mutations, r.Checkpoints, r.StateDir)
	case Interrupted:
		return fmt.Sprintf("job %s interrupted: %s, %s%s, state in %s: %s", r.Job, r.Cause.Text, r.unended(), r.saved, r.StateDir, r.next())
	case Refused:
		if r.quiet || r.Cause == nil {
			return ""
		}
		return r.Cause.Text
	}
	line := fmt.Sprintf("job %s failed: %s%s", r.Job, r.unended(), r.Cause.Text)
	if len(r.Cause.Stderr) > 0 {
		line += "; last lines of its stderr: " + strings.Join(r.Cause.Stderr, " | ")
	}
	return line
}

// next is how an interrupted job goes on.
func (r Report) next() string {
	if r.Mutation != nil {
		return fmt.Sprintf("'dsss skip %s %d', then --resume", r.StateDir, r.Mutation.Sequence)
	}
	return "resume with --resume"
}

// without names the ranks that are missing in the result.
func (r Report) without() string {
	if len(r.Lost) == 0 {
		return ""
	}
	var ranks []int
	for _, c := range r.Lost {
		ranks = append(ranks, *c.Rank)
	}
	slices.Sort(ranks)
	return " without " + ranksText(slices.Compact(ranks))
}

// refused fills the report of a job of which no worker was started because of err.
func refused(cfg Config, began time.Time, err error) Report {
	r := Report{Job: cfg.Name, Status: Refused, ExitCode: 1, Cause: &Cause{Text: err.Error()},
		Workers: cfg.Workers, Seconds: time.Since(began).Seconds(), StateDir: cfg.StateDir}
	if errors.Is(err, ErrUsage) {
		r.ExitCode = 2
	}
	return r
}
