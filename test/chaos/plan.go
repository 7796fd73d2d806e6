package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A Kind is what is done.
type Kind string

// The kinds.
const (
	Kill       Kind = "SIGKILL"
	Stop       Kind = "SIGSTOP"        // and SIGCONT after For
	Checkpoint Kind = "checkpoint"     // SIGUSR1 to the launcher
	Cut        Kind = "cut"            // connections end, new ones are refused for For
	Hold       Kind = "hold"           // connections stay, nothing passes for For
	HoldUp     Kind = "hold up"        // the same, to the coordinator only
	HoldDown   Kind = "hold down"      // the same, from it only
	Lose       Kind = "hold down, cut" // what was ordered meanwhile is answered on the next connection
	Delay      Kind = "delay"          // what passes is late, for For
	Unplug     Kind = "unplug"         // the network device of a worker's namespace is down for For; root
	Join       Kind = "join"           // dsss join
	Leave      Kind = "leave"          // dsss leave
	Interrupt  Kind = "SIGINT"         // ends the run
	Fill       Kind = "disk full"      // of the state directory, for For; without that it ends the run; root
)

// A Role is whom it is done to.
type Role string

// The roles.
const (
	Launcher    Role = "launcher"
	Coordinator Role = "coordinator"
	Keeper      Role = "keeper"
	Host        Role = "host"
	Worker      Role = "worker"
	Network     Role = "link" // of one worker
	Disk        Role = ""
)

// A Fault is one thing to do.
type Fault struct {
	Kind Kind
	Role Role
	// Rank chooses among the workers that there are then: the one at this place, modulo their number.
	Rank int
	// For is how long it lasts.
	For time.Duration
	// After is the pause before it, once the job is well again; or, with Overlap, however the job is.
	After   time.Duration
	Overlap bool
}

// Name is what is counted in the table.
func (f Fault) Name() string { return strings.TrimSpace(string(f.Kind) + " " + string(f.Role)) }

// A RunPlan is one run of a job.
type RunPlan struct {
	Workers int
	Faults  []Fault
	// End ends it: Kill or Interrupt of the launcher, or Fill. Zero: it finishes.
	End Fault
}

// all lists the faults and, if there is one, the end.
func (p RunPlan) all() []Fault {
	if p.End.Kind == "" {
		return p.Faults
	}
	return append(slices.Clone(p.Faults), p.End)
}

// A JobPlan is all runs on one state directory; the last one finishes.
type JobPlan struct {
	Durability string
	Spaces     bool // workers in network namespaces
	SmallDisk  bool // state directory on a file system that can be filled
	Runs       []RunPlan
}

func (p JobPlan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, namespaces %v, small disk %v:", p.Durability, p.Spaces, p.SmallDisk)
	for _, r := range p.Runs {
		fmt.Fprintf(&b, " [%d workers", r.Workers)
		for _, f := range r.all() {
			fmt.Fprintf(&b, ", %s", f.Name())
		}
		b.WriteString("]")
	}
	return b.String()
}

// The job's own bounds on how often something is started again within ten minutes (see internal/limits) are not what is
// tested here, so a run stays below them.
const (
	coordinatorEnds = 6
	keeperEnds      = 2
	hostEnds        = 3
	workerEnds      = 4
	mostWorkers     = 6
)

// fewest is how many workers a run keeps: while one of them is stopped, another one asks.
const fewest = 2

// silence is the control silence of the jobs: a coordinator that is stopped for longer is replaced.
const silence = 2 * time.Second

var durabilities = []string{"memory", "interval", "sync"}

// PlanShort covers every fault that needs no root once, in jobs of all durabilities.
func PlanShort(seed uint64) []JobPlan {
	r := rand.New(rand.NewPCG(seed, 0))
	ms := time.Millisecond
	some := func(from, to time.Duration) time.Duration { return from + upTo(r, to-from) }
	all := []Fault{
		{Kind: Kill, Role: Coordinator}, {Kind: Kill, Role: Keeper}, {Kind: Kill, Role: Worker}, {Kind: Kill, Role: Host},
		{Kind: Stop, Role: Coordinator, For: some(100*ms, 300*ms)}, {Kind: Stop, Role: Keeper, For: some(100*ms, 300*ms)},
		{Kind: Stop, Role: Host, For: some(100*ms, 300*ms)},
		{Kind: Stop, Role: Worker, For: some(100*ms, 400*ms)}, {Kind: Stop, Role: Launcher, For: some(100*ms, 300*ms)},
		{Kind: Stop, Role: Coordinator, For: silence + 500*ms},
		{Kind: Cut, Role: Network, For: some(50*ms, 200*ms)}, {Kind: Hold, Role: Network, For: some(100*ms, 300*ms)},
		{Kind: HoldUp, Role: Network, For: some(100*ms, 300*ms)}, {Kind: HoldDown, Role: Network, For: some(100*ms, 300*ms)},
		{Kind: Lose, Role: Network, For: some(50*ms, 200*ms)},
		{Kind: Delay, Role: Network, For: some(100*ms, 200*ms)},
		{Kind: Join}, {Kind: Checkpoint}, {Kind: Leave},
	}
	r.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	for i := range all {
		all[i].Rank, all[i].After = r.IntN(100), some(10*ms, 60*ms)
	}
	ends := []Fault{{Kind: Kill, Role: Launcher}, {Kind: Interrupt, Role: Launcher}, {Kind: Kill, Role: Launcher}}
	var jobs []JobPlan
	for i, d := range durabilities {
		part := all[i*len(all)/3 : (i+1)*len(all)/3]
		ends[i].After = some(100*ms, 200*ms)
		jobs = append(jobs, JobPlan{Durability: d, Runs: []RunPlan{
			{Workers: 3 + r.IntN(2), Faults: part[:len(part)-1], End: ends[i]},
			{Workers: fewest + 1 + r.IntN(2), Faults: part[len(part)-1:]},
		}})
	}
	return jobs
}

// PlanJob draws the i-th job of a long run. Root adds faults that need it.
func PlanJob(seed uint64, i int, root bool) JobPlan {
	r := rand.New(rand.NewPCG(seed, uint64(i)+1))
	p := JobPlan{Durability: durabilities[i%len(durabilities)]}
	p.SmallDisk = root && i/len(durabilities)%2 == 0
	p.Spaces = root && (i+i/len(durabilities))%2 == 0
	for n := 2 + r.IntN(2); n >= 0; n-- {
		run := RunPlan{Workers: fewest + r.IntN(4), Faults: drawFaults(r, p)}
		switch {
		case n == 0:
		case p.SmallDisk && n == 1 && p.Durability != "memory":
			run.End = Fault{Kind: Fill}
		case r.IntN(4) == 0:
			run.End = Fault{Kind: Interrupt, Role: Launcher}
		default:
			run.End = Fault{Kind: Kill, Role: Launcher}
		}
		run.End.After = 50*time.Millisecond + upTo(r, time.Second)
		p.Runs = append(p.Runs, run)
	}
	return p
}

// drawFaults draws what happens in one run.
func drawFaults(r *rand.Rand, p JobPlan) []Fault {
	left := map[Role]int{Coordinator: coordinatorEnds, Keeper: keeperEnds, Host: hostEnds, Worker: workerEnds}
	joins := mostWorkers - 5
	var out []Fault
	for range 6 + r.IntN(6) {
		f := drawFault(r, p)
		f.Rank, f.After = r.IntN(1000), 20*time.Millisecond+upTo(r, 600*time.Millisecond)
		ends := f.Kind == Kill || f.Kind == Stop && f.Role == Coordinator && f.For > silence/2
		switch {
		case ends && left[f.Role] == 0, f.Kind == Join && joins == 0:
			continue
		case ends:
			left[f.Role]--
		case f.Kind == Join:
			joins--
		}
		// Under sync anything may meet anything. Otherwise what dies takes what it alone knows with it, which is
		// promised for one process at a time: a death waits until the job is well again.
		f.Overlap = r.IntN(3) == 0 && (p.Durability == "sync" || !ends && f.Kind != Leave && f.Kind != Fill)
		out = append(out, f)
	}
	return out
}

func drawFault(r *rand.Rand, p JobPlan) Fault {
	lasts := 100*time.Millisecond + upTo(r, 1400*time.Millisecond)
	if r.IntN(4) == 0 {
		lasts = silence + upTo(r, 3*time.Second)
	}
	long := 12*time.Second + upTo(r, 8*time.Second) // longer than a coordinator that takes over waits
	switch x := r.IntN(100); {
	case x < 12:
		return Fault{Kind: Kill, Role: Coordinator}
	case x < 17:
		return Fault{Kind: Kill, Role: Keeper}
	case x < 23:
		return Fault{Kind: Kill, Role: Host}
	case x < 32:
		return Fault{Kind: Kill, Role: Worker}
	case x < 37:
		return Fault{Kind: Stop, Role: Coordinator, For: lasts}
	case x < 41:
		return Fault{Kind: Stop, Role: Keeper, For: lasts}
	case x < 44:
		return Fault{Kind: Stop, Role: Host, For: lasts}
	case x < 52:
		return Fault{Kind: Stop, Role: Worker, For: lasts}
	case x < 54:
		return Fault{Kind: Stop, Role: Worker, For: long}
	case x < 57:
		return Fault{Kind: Stop, Role: Launcher, For: lasts}
	case x < 65 && p.Spaces:
		return Fault{Kind: Unplug, Role: Network, For: lasts}
	case x < 70:
		return Fault{Kind: Cut, Role: Network, For: lasts}
	case x < 73:
		return Fault{Kind: Lose, Role: Network, For: lasts}
	case x < 76:
		return Fault{Kind: Hold, Role: Network, For: lasts}
	case x < 78:
		return Fault{Kind: HoldUp, Role: Network, For: lasts}
	case x < 81:
		return Fault{Kind: HoldDown, Role: Network, For: lasts}
	case x < 86:
		return Fault{Kind: Delay, Role: Network, For: lasts}
	case x < 89:
		return Fault{Kind: Join}
	case x < 91 && p.SmallDisk && p.Durability == "memory": // which needs the disk for checkpoints only
		return Fault{Kind: Fill, For: lasts}
	case x < 94:
		return Fault{Kind: Leave}
	}
	return Fault{Kind: Checkpoint}
}

// upTo draws a time below d.
func upTo(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }
