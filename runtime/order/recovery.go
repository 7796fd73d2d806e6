package order

import "slices"

// A report is what a process of a running job says to a coordinator that takes the job over.
type report struct {
	session uint64
	peer    uint64
	rank    int32
	epoch   uint64 // of the coordinator that welcomed it last
	applied uint64 // last sequence number in its replica
	recalls uint64 // sequence number from which on it has the batches that it applied, though that may be none
	hosted  bool   // it knows of hosted objects
}

// full tells whether the process holds all objects.
func (r report) full() bool { return r.rank < 0 }

// A recovery decides from where a coordinator that takes a running job over goes on. The log on disk may lack what the
// last coordinator ordered shortly before it died; whoever applied that remembers the batches for a while. So everybody
// who lives is heard before anything new is ordered, and the replica that has come furthest is asked for what the disk
// lacks, and for how far each session had come.
//
// A worker does not have the hosted calls. Where there are any, the keeper or host that has come furthest is asked first, and
// then, for what is behind that, a worker that has come further: the hosted calls in between nobody has any more, and
// nobody has seen what they returned.
type recovery struct {
	starts    []Start        // the epochs before this one
	disk      uint64         // last sequence number on disk
	expect    map[int32]bool // ranks whose processes live and that have not come, or not come again
	impatient bool           // nobody is waited for
	reports   map[int32]report
	sources   []int32 // who is asked, one after the other; nil: not chosen yet
	told      int     // how many of them have answered
	asked     bool    // the next one was, and has not answered
}

func newRecovery(starts []Start, disk uint64, expect []int32) *recovery {
	r := &recovery{starts: slices.Clone(starts), disk: disk, expect: map[int32]bool{}, reports: map[int32]report{}}
	for _, rank := range expect {
		r.expect[rank] = true
	}
	return r
}

// hear takes what a process says. One that says it again has connected again: what it said before does not count.
func (r *recovery) hear(c report) {
	r.lose(c.rank)
	r.reports[c.rank] = c
	delete(r.expect, c.rank)
}

// lose says that a rank's connection is gone. Its process may live, and what it alone knows with it: so it is waited for
// again, unless it had nothing to say.
func (r *recovery) lose(rank int32) {
	if c, heard := r.reports[rank]; heard && c.epoch != 0 && !r.impatient {
		r.expect[rank] = true
	}
	delete(r.reports, rank)
	if slices.Contains(r.sources, rank) {
		r.sources, r.told, r.asked = nil, 0, false
	}
}

// answered takes the word that whoever is behind a connection has said what it remembers; false when it was not asked, or
// was given up.
func (r *recovery) answered(peer uint64) bool {
	if !r.asked || r.reports[r.sources[r.told]].peer != peer {
		return false
	}
	r.told++
	r.asked = false
	return true
}

// gone says that a rank's process has ended: it will not come.
func (r *recovery) gone(rank int32) {
	r.lose(rank)
	delete(r.expect, rank)
}

// stop ends the waiting for those who have not come, for good.
func (r *recovery) stop() {
	r.impatient = true
	clear(r.expect)
}

// A choice is how a recovery goes on.
type choice struct {
	// wait: somebody is to be heard yet, or the source's answer is under way.
	wait bool
	// ask the source for its batches from first on. When neither ask nor wait is set all who were asked have answered, or nobody
	// has anything that the disk lacks a session table for: the order goes on.
	ask    bool
	source report
	first  uint64
}

// choose says how to go on, now. After an ask it waits until the source has answered, or is lost.
func (r *recovery) choose() choice {
	if len(r.expect) > 0 || r.asked {
		return choice{wait: true}
	}
	if r.sources == nil {
		r.sources = r.choice()
	}
	if r.told == len(r.sources) {
		return choice{}
	}
	c := choice{ask: true, source: r.reports[r.sources[r.told]], first: r.disk + 1}
	if r.told > 0 {
		c.first = max(r.disk, r.reports[r.sources[0]].applied) + 1
	}
	r.asked = true
	return c
}

// choice returns whom to ask: whoever has come furthest, behind one who has all objects where that matters.
func (r *recovery) choice() []int32 {
	best, found := r.furthest(func(report) bool { return true })
	if !found {
		return nil
	}
	if full, found := r.furthest(report.full); found && r.hosted() && !best.full() {
		return []int32{full.rank, best.rank}
	}
	return []int32{best.rank}
}

// furthest returns the one of those that count that has come furthest.
func (r *recovery) furthest(counts func(report) bool) (best report, found bool) {
	for _, c := range r.reports { // the result is one whatever the order: further is total
		if past, _ := Compare(r.starts, ^uint64(0), c.epoch, c.applied, c.full()); past != Follows || c.epoch == 0 || !counts(c) {
			continue // it forked earlier, or is new and knows nothing
		}
		if !found || further(c, best) {
			best, found = c, true
		}
	}
	return best, found
}

// hosted tells whether there are hosted objects.
func (r *recovery) hosted() bool {
	for _, c := range r.reports {
		if c.hosted {
			return true
		}
	}
	return false
}

// goOn is how the order goes on, now that all who were asked have answered.
func (r *recovery) goOn() Effect {
	e := Effect{Kind: GoOn}
	if len(r.sources) == 0 {
		return e
	}
	base := r.reports[r.sources[0]]
	e.Known, e.Peer, e.Partial = true, base.peer, r.hosted() && !base.full()
	if len(r.sources) > 1 {
		e.Second = r.reports[r.sources[1]].peer
	}
	return e
}

// further prefers who has applied more, then who has all objects, then who remembers more, then the lower rank, so that a
// choice is one.
func further(a, b report) bool {
	switch {
	case a.applied != b.applied:
		return a.applied > b.applied
	case a.full() != b.full():
		return a.full()
	case a.recalls != b.recalls:
		return a.recalls < b.recalls
	}
	return a.rank < b.rank
}
