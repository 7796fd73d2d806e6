package chaos

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// outage is from when on nobody being acknowledged counts as the job being unavailable.
const outage = 100 * time.Millisecond

// A Total is what was seen in all jobs. Times are in seconds.
type Total struct {
	Seed    uint64  `json:"seed"`
	Seconds float64 `json:"seconds"`
	Jobs    int     `json:"jobs"`
	Runs    int     `json:"runs"`
	// Asked counts appends of all clients; the others what became of those, but for those that were lost or granted.
	Asked        int64 `json:"asked"`
	Acknowledged int64 `json:"acknowledged"`
	ResultLost   int64 `json:"result_lost"`
	NotApplied   int64 `json:"not_applied"`
	Unknown      int64 `json:"unknown"`
	// Operations and Histories are those on registers.
	Operations int64 `json:"operations"`
	Histories  int64 `json:"histories"`
	// Broken counts everything that a check found wrong, what was lost included.
	Broken int `json:"broken"`
	// Lost are mutations that were acknowledged and are missing although the durability promises them.
	Lost int64 `json:"lost"`
	// Granted are those that are missing as the durability allows, by durability.
	Granted map[string]*Grant `json:"granted"`
	// JobsOf counts jobs by durability.
	JobsOf map[string]int `json:"jobs_of"`
	// Unavailable is how long, within runs, nobody was acknowledged for longer than a tenth of a second; Longest is the
	// longest such time.
	Unavailable float64            `json:"unavailable_seconds"`
	Longest     float64            `json:"longest_outage_seconds"`
	Faults      map[string]*Effect `json:"faults"`
}

// A Grant is what runs that ended in a way that their durability does not survive whole have cost.
type Grant struct {
	Mutations int64   `json:"mutations"`
	Oldest    float64 `json:"oldest_seconds"` // longest time between an acknowledgement and the end that undid it
}

// An Effect is what one kind of fault did.
type Effect struct {
	Injected    int     `json:"injected"`
	Outages     int     `json:"outages"` // those that followed it more closely than any other fault
	Unavailable float64 `json:"unavailable_seconds"`
	Longest     float64 `json:"longest_outage_seconds"`
}

// NewTotal returns an empty one.
func NewTotal(seed uint64) *Total {
	return &Total{Seed: seed, Granted: map[string]*Grant{}, JobsOf: map[string]int{}, Faults: map[string]*Effect{}}
}

func (t *Total) effect(f Fault) *Effect {
	e := t.Faults[f.Name()]
	if e == nil {
		e = &Effect{}
		t.Faults[f.Name()] = e
	}
	return e
}

func (t *Total) granted(durability string, age time.Duration) {
	g := t.Granted[durability]
	if g == nil {
		g = &Grant{}
		t.Granted[durability] = g
	}
	g.Mutations++
	g.Oldest = max(g.Oldest, age.Seconds())
}

func (t *Total) job(p JobPlan) {
	t.Jobs++
	t.JobsOf[p.Durability]++
}

// run adds the faults of a run and the outages between its acknowledgements, which are sorted.
func (t *Total) run(_ JobPlan, r *run, acks []int64) {
	t.Runs++
	for _, i := range r.injected {
		t.effect(i.Fault).Injected++
	}
	for i := 1; i < len(acks); i++ {
		gap := time.Duration(acks[i] - acks[i-1])
		if gap < outage || r.ended != 0 && acks[i] > r.ended {
			continue
		}
		t.Unavailable += gap.Seconds()
		t.Longest = max(t.Longest, gap.Seconds())
		for _, f := range slices.Backward(r.injected) {
			if f.at < acks[i] {
				e := t.effect(f.Fault)
				e.Outages++
				e.Unavailable += gap.Seconds()
				e.Longest = max(e.Longest, gap.Seconds())
				break
			}
		}
	}
}

// Write writes t as a table.
func (t *Total) Write(w io.Writer) {
	names := make([]string, 0, len(t.Faults))
	for name := range t.Faults {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if n := t.Faults[b].Injected - t.Faults[a].Injected; n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	injected, outages := 0, 0
	fmt.Fprintf(w, "%-22s %8s %8s %13s %10s\n", "fault", "injected", "outages", "unavailable s", "longest s")
	for _, name := range names {
		e := t.Faults[name]
		injected, outages = injected+e.Injected, outages+e.Outages
		fmt.Fprintf(w, "%-22s %8d %8d %13.2f %10.2f\n", name, e.Injected, e.Outages, e.Unavailable, e.Longest)
	}
	fmt.Fprintf(w, "%-22s %8d %8d %13.2f %10.2f\n", "all", injected, outages, t.Unavailable, t.Longest)
	fmt.Fprintf(w, "seed %d, %.0f s, %d jobs (%d memory, %d interval, %d sync), %d runs\n", t.Seed, t.Seconds, t.Jobs,
		t.JobsOf["memory"], t.JobsOf["interval"], t.JobsOf["sync"], t.Runs)
	fmt.Fprintf(w, "appends: %d asked, %d acknowledged and there once, %d there with their result lost, %d not applied, %d unknown\n",
		t.Asked, t.Acknowledged, t.ResultLost, t.NotApplied, t.Unknown)
	fmt.Fprintf(w, "registers: %d operations in %d histories\n", t.Operations, t.Histories)
	for _, d := range durabilities {
		if g := t.Granted[d]; g != nil {
			fmt.Fprintf(w, "given up with all processes under %s, as it says: %d, the oldest acknowledged %.3f s before\n", d, g.Mutations, g.Oldest)
		}
	}
	fmt.Fprintf(w, "lost %d, checks that failed %d\n", t.Lost, t.Broken)
}
