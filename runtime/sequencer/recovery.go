package sequencer

import "slices"

// A Claim is what a process of a running job says to a coordinator that takes the job over.
type Claim struct {
	Member  int32  // its rank; the keeper has one of its own
	Epoch   uint64 // of the coordinator that welcomed it last
	Applied uint64 // last sequence number in its replica
	Recalls uint64 // first sequence number that it has the batches from; above Applied when it has none
}

// A Recovery decides from where a coordinator that takes a running job over goes on. The log on disk may lack what the
// last coordinator ordered shortly before it died; whoever applied that remembers the batches for a while. So everybody
// who lives is heard before anything new is ordered, and the replica that has come furthest is asked for what the disk
// lacks, and for how far each session had come.
//
// Like the Sequencer it is a step machine, for one owner.
type Recovery struct {
	starts []Start        // the epochs before this one
	disk   uint64         // last sequence number on disk
	expect map[int32]bool // members whose processes live and that have not come, or not come again
	hasty  bool           // nobody is waited for
	claims map[int32]Claim
	asked  bool // donor was named and has not answered
	donor  int32
}

// NewRecovery begins with what the state directory says: the epochs of the run so far and the last sequence number on
// disk. expect are the members whose processes live.
func NewRecovery(starts []Start, disk uint64, expect []int32) *Recovery {
	r := &Recovery{starts: slices.Clone(starts), disk: disk, expect: map[int32]bool{}, claims: map[int32]Claim{}}
	for _, m := range expect {
		r.expect[m] = true
	}
	return r
}

// Hear takes what a member says. A member that says it again has connected anew: what it said before is void.
func (r *Recovery) Hear(c Claim) {
	r.Lose(c.Member)
	r.claims[c.Member] = c
	delete(r.expect, c.Member)
}

// Lose says that a member's connection is gone. Its process may live, and what it alone knows with it: so it is waited
// for again, unless it had nothing to say.
func (r *Recovery) Lose(member int32) {
	if c, heard := r.claims[member]; heard && c.Epoch != 0 && !r.hasty {
		r.expect[member] = true
	}
	delete(r.claims, member)
	if r.asked && r.donor == member {
		r.asked = false
	}
}

// Gone says that a member's process has ended: it will not come.
func (r *Recovery) Gone(member int32) {
	r.Lose(member)
	delete(r.expect, member)
}

// Stop ends the waiting for those who have not come, for good.
func (r *Recovery) Stop() {
	r.hasty = true
	clear(r.expect)
}

// A Choice is how a recovery goes on.
type Choice struct {
	// Wait: somebody is to be heard yet, or the donor's answer is under way.
	Wait bool
	// Donor is asked for its batches from First on, when Ask is true. When neither Ask nor Wait is set nobody has
	// anything that the disk lacks a session table for: the order goes on from checkpoint and log alone.
	Ask   bool
	Donor int32
	First uint64
}

// Choose says how to go on, now. After an Ask it waits until the donor is lost.
func (r *Recovery) Choose() Choice {
	if len(r.expect) > 0 || r.asked {
		return Choice{Wait: true}
	}
	best, found := Claim{}, false
	for _, c := range r.claims {
		kind, _ := Follows(r.starts, ^uint64(0), c.Epoch, c.Applied)
		if kind != Opened || c.Epoch == 0 {
			continue // it forked earlier, or is new and knows nothing
		}
		if !found || further(c, best) {
			best, found = c, true
		}
	}
	if !found {
		return Choice{}
	}
	r.asked, r.donor = true, best.Member
	return Choice{Ask: true, Donor: best.Member, First: r.disk + 1}
}

// further prefers who has applied more, then who remembers more, then the lower member, so that a choice is one.
func further(a, b Claim) bool {
	switch {
	case a.Applied != b.Applied:
		return a.Applied > b.Applied
	case a.Recalls != b.Recalls:
		return a.Recalls < b.Recalls
	}
	return a.Member < b.Member
}
