package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"dsss/internal/memfs"
)

// began is when every simulation begins.
const began = int64(1_700_000_000 * time.Second)

// mostSteps is how many events a simulation may have: many times what any has.
const mostSteps = 2_000_000

// A world is one simulation: the time, the chance and what runs.
type world struct {
	cfg  Config
	rnd  *rand.Rand
	mix  mix
	now  int64 // nanoseconds of the Unix epoch
	heap events
	made uint64 // events made so far

	disk      *memfs.Disk
	running   *proc // whose step it is; nil between two steps
	procs     []*proc
	hist      history
	confirmed []*node // the last in each order that somebody was told of
	answered  []*node // the same of hosted calls
	l         launcher
	calm      bool                       // the faults have stopped
	full      bool                       // the disk is
	armed     func(memfs.Op) memfs.Fault // what the disk does instead, fuse operations from now on
	fuse      int

	hash   uint64
	steps  int
	counts Counts
}

func newWorld(cfg Config) *world {
	registerClass()
	w := &world{cfg: cfg, rnd: rand.New(rand.NewPCG(cfg.Seed, 0x5eed)), now: began, counts: Counts{}, disk: memfs.New(), hash: 14695981039346656037}
	w.mix = drawMix(w.rnd)
	focus := cfg.Focus
	if focus == Sound && w.rnd.IntN(2) == 0 {
		focus = Mutants[w.rnd.IntN(len(Mutants))]
	}
	w.mix.focus(focus)
	w.hist.init()
	w.l.init(w)
	return w
}

// run runs the job with faults, then without, until everybody has caught up.
func (w *world) run() {
	w.logf("mix %+v", w.mix)
	w.disk.Inject(w.fault)
	w.l.startJob()
	w.scheduleFaults()
	end := w.now + int64(w.mix.length)
	for w.now < end && w.step() {
	}
	w.settle()
	w.final()
	if w.mix.hosted > 0 {
		w.resume()
	}
}

// elapsed is the time since the beginning.
func (w *world) elapsed() time.Duration { return time.Duration(w.now - began) }

func (w *world) fail(format string, args ...any) {
	panic(violation(fmt.Sprintf(format, args...)))
}

// count counts something that happened.
func (w *world) count(what string) { w.counts[what]++ }

// note adds to the trace.
func (w *world) note(what string, a, b, c uint64) {
	const prime = 1099511628211
	h := w.hash
	for i := range len(what) {
		h = (h ^ uint64(what[i])) * prime
	}
	for _, v := range [...]uint64{uint64(w.now), a, b, c} {
		h = (h ^ v) * prime
		h ^= h >> 29
	}
	w.hash = h
	if w.cfg.Trace != nil {
		w.logf("%s %d %d %d", what, a, b, c)
	}
}

func (w *world) logf(format string, args ...any) {
	if w.cfg.Trace != nil {
		who := "-"
		if w.running != nil {
			who = w.running.name
		}
		fmt.Fprintf(w.cfg.Trace, "%12v %-8s %s\n", w.elapsed(), who, fmt.Sprintf(format, args...))
	}
}

// chance is true with probability p.
func (w *world) chance(p float64) bool { return p > 0 && w.rnd.Float64() < p }

// between draws a duration, evenly.
func (w *world) between(lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(w.rnd.Int64N(int64(hi-lo)))
}

// around draws a duration of that mean, most of them short.
func (w *world) around(mean time.Duration) time.Duration {
	return min(time.Duration(w.rnd.ExpFloat64()*float64(mean)), 20*mean)
}

// An event is something that happens at a time, to a process or to the world (nil).
type event struct {
	at   int64
	n    uint64 // order of making, which decides between equals
	who  *proc
	what func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].n < e[j].n
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	old[len(old)-1] = event{}
	*e = old[:len(old)-1]
	return x
}

// after has something happen to a process that lives by then. One that is stopped does it when it goes on.
func (w *world) after(d time.Duration, who *proc, what func()) {
	w.made++
	heap.Push(&w.heap, event{at: w.now + int64(max(d, 0)), n: w.made, who: who, what: what})
}

// step lets the next event happen; false when there is none.
func (w *world) step() bool {
	if len(w.heap) == 0 {
		return false
	}
	e := heap.Pop(&w.heap).(event)
	w.now = max(w.now, e.at)
	if w.steps++; w.steps > mostSteps {
		w.fail("%d events, and no end", w.steps)
	}
	switch {
	case e.who == nil:
		e.what()
	case !e.who.alive:
	case e.who.stopped:
		e.who.held = append(e.who.held, e.what)
	default:
		e.who.do(e.what)
	}
	return true
}

// A proc is a process.
type proc struct {
	w       *world
	name    string
	alive   bool
	stopped bool
	held    []func() // what happened while it was stopped
	apart   int64    // until when it is out of reach
	links   []*link
	died    func() // the role's part of dying
	after   func() // the role's part after each step
}

func (w *world) newProc(name string) *proc {
	p := &proc{w: w, name: name, alive: true}
	w.procs = append(w.procs, p)
	return p
}

// crashed is what a process that dies inside a step panics with.
type crashed struct{ p *proc }

// do lets a step happen, which the process may not survive.
func (p *proc) do(what func()) {
	w := p.w
	w.running = p
	defer func() {
		w.running = nil
		if r := recover(); r != nil {
			if c, ok := r.(crashed); !ok || c.p != p {
				panic(r)
			}
			p.die("inside a step")
		}
	}()
	what()
	if p.alive && p.after != nil {
		p.after()
	}
}

// die ends the process at once.
func (p *proc) die(how string) {
	if !p.alive {
		return
	}
	p.w.logf("%s dies %s", p.name, how)
	p.w.note("die "+p.name, 0, 0, 0)
	p.alive, p.held = false, nil
	for _, l := range p.links {
		l.sever(p)
	}
	p.links = nil
	if p.died != nil {
		p.died()
	}
}

// stop stops the process, and lets it go on after d.
func (p *proc) stop(d time.Duration) {
	if p.stopped {
		return
	}
	p.stopped = true
	p.w.note("stop "+p.name, uint64(d), 0, 0)
	p.w.after(d, nil, p.goOn)
}

func (p *proc) goOn() {
	if !p.alive || !p.stopped {
		return
	}
	p.w.note("go on "+p.name, 0, 0, 0)
	p.stopped = false
	held := p.held
	p.held = nil
	for _, what := range held {
		if p.alive {
			p.do(what)
		}
	}
}
