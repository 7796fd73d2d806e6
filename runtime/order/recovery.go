package order

import "slices"

// A report is what a process of a running job says to a coordinator that takes the job over.
type report struct {
	session uint64
	peer    uint64
	rank    int32
	epoch   uint64 // of the coordinator that welcomed it last
	applied uint64 // last sequence number in its replica
	recalls uint64 // first sequence number that it has the batches from; above applied when it has none
}

// A recovery decides from where a coordinator that takes a running job over goes on. The log on disk may lack what the
// last coordinator ordered shortly before it died; whoever applied that remembers the batches for a while. So everybody
// who lives is heard before anything new is ordered, and the replica that has come furthest is asked for what the disk
// lacks, and for how far each session had come.
type recovery struct {
	starts    []Start        // the epochs before this one
	disk      uint64         // last sequence number on disk
	expect    map[int32]bool // ranks whose processes live and that have not come, or not come again
	impatient bool           // nobody is waited for
	reports   map[int32]report
	asked     bool // source was named and has not answered
	source    int32
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
	if r.asked && r.source == rank {
		r.asked = false
	}
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
	// ask the source for its batches from first on. When neither ask nor wait is set nobody has anything that the disk lacks a
	// session table for: the order goes on from checkpoint and log alone.
	ask    bool
	source report
	first  uint64
}

// choose says how to go on, now. After an ask it waits until the source is lost.
func (r *recovery) choose() choice {
	if len(r.expect) > 0 || r.asked {
		return choice{wait: true}
	}
	best, found := report{}, false
	for _, c := range r.reports { // the result is one whatever the order: further is total
		if past, _ := Compare(r.starts, ^uint64(0), c.epoch, c.applied); past != Follows || c.epoch == 0 {
			continue // it forked earlier, or is new and knows nothing
		}
		if !found || further(c, best) {
			best, found = c, true
		}
	}
	if !found {
		return choice{}
	}
	r.asked, r.source = true, best.rank
	return choice{ask: true, source: best, first: r.disk + 1}
}

// further prefers who has applied more, then who remembers more, then the lower rank, so that a choice is one.
func further(a, b report) bool {
	switch {
	case a.applied != b.applied:
		return a.applied > b.applied
	case a.recalls != b.recalls:
		return a.recalls < b.recalls
	}
	return a.rank < b.rank
}
