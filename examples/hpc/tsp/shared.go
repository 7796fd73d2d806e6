package main

import (
	"cmp"
	"fmt"
	"slices"

	"dsss"
)

// Bounds of the shared search, in subproblems.
const (
	// poolWide is how many open subproblems are enough to choose from: up to it the most promising go out first,
	// which keeps the search small; above it the deepest, which have least below them, and the pool shrinks.
	poolWide = 256
	// poolMax bounds the pool, and so the state and its checkpoints: about 200 bytes a subproblem of 40 cities, 13 MB in
	// all. Workers return nothing while it is half full, see Room.
	poolMax = 1 << 16
	// ranksMax bounds the table of nodes by rank: 512 KiB.
	ranksMax = 1 << 16
)

// Subproblem is a part of the search space as it lies in the shared pool: package search's, field for field.
type Subproblem struct {
	ID      uint64 // given by the pool, never twice
	Depth   int32
	Bound   int64
	Include []int32
	Exclude []int32
}

func (p Subproblem) clone() Subproblem {
	p.Include, p.Exclude = slices.Clone(p.Include), slices.Clone(p.Exclude)
	return p
}

// Hold is a subproblem in the hands of a rank of the present run.
type Hold struct {
	Rank    int32
	Sub     Subproblem
	Session uint64 // the process that took it, of those that had this rank
}

// Search is the one shared object of the program: a branch and bound in progress. Its methods marked as mutators run on
// every replica in the same order, so they use no clock, no randomness and no order of a map, and keep nothing of
// their arguments.
//
// Every open subproblem is in Pool or in Held, and what a rank explores stays in Held until Finish replaces it by what is left
// of it: whichever processes die, no part of the search space is lost, and what is searched twice is at most what
// was in hand.
type Search struct {
	Instance uint64  // the fingerprint of the distances
	Cities   int32   // 0 before Begin
	Tour     []int32 // the incumbent, the shortest tour known
	Length   int64   // of the incumbent
	Pool     []Subproblem
	Held     []Hold
	Run      uint64  // of the latest Take: Held is in this run's hands
	LastID   uint64  // of the latest subproblem that came into the pool
	Nodes    []int64 // subproblems searched, by rank, in all runs together
	Told     uint64  // the latest run whose result is reported
}

// Begin opens the search of an instance with a first tour and the bound of the whole problem. The first call wins;
// a later one, of another process or a resumed run, changes nothing. It fails if the search is of another instance.
//
//dsss:mutator
func (s *Search) Begin(instance uint64, tour []int32, length, bound int64) error {
	if s.Cities != 0 {
		if s.Instance != instance || int(s.Cities) != len(tour) {
			return fmt.Errorf("this job searches another instance, of %d cities; use another state directory for this one", s.Cities)
		}
		return nil
	}
	if !isTour(tour, len(tour)) {
		return fmt.Errorf("the first tour does not visit each of its %d cities once", len(tour))
	}
	s.Instance, s.Cities = instance, int32(len(tour))
	s.Tour, s.Length = slices.Clone(tour), length
	s.put(Subproblem{Bound: bound})
	return nil
}

// Take hands out open subproblems to a rank: at least one if there is any, at most most, and no more than a quarter of the
// pool, so that the others find some too. They are the rank's until it calls Finish. A rank that comes back without
// having finished, because its process died, gets the same ones again.
//
// Runs have increasing numbers. The first Take of a run puts everything that earlier runs held back into the pool, and
// from then on a Take or Finish of an earlier run fails.
//
//dsss:mutator
func (s *Search) Take(o dsss.Order, run uint64, rank int32, most int32) ([]Subproblem, error) {
	if s.Cities == 0 {
		return nil, fmt.Errorf("take before the search has begun")
	}
	if err := s.check(max(run, s.Run), run, rank); err != nil {
		return nil, err
	}
	if run > s.Run {
		s.Run = run
		for _, h := range s.Held {
			s.Pool = append(s.Pool, h.Sub)
		}
		s.Held = nil
		s.prune()
	}
	var taken []Subproblem
	for i, h := range s.Held {
		if h.Rank == rank {
			s.Held[i].Session = o.Session
			taken = append(taken, h.Sub.clone())
		}
	}
	if taken != nil || len(s.Pool) == 0 {
		return taken, nil
	}
	count := max(1, min(int(most), len(s.Pool)/4))
	slices.SortFunc(s.Pool, s.order())
	for _, sub := range s.Pool[:count] {
		s.Held = append(s.Held, Hold{rank, sub, o.Session})
		taken = append(taken, sub.clone())
	}
	s.Pool = slices.Delete(s.Pool, 0, count)
	return taken, nil
}

// Return puts back into the pool what processes that are gone held: those of the given sessions. Any rank that sees them
// gone may call it; what a successor has taken over meanwhile stays with it.
//
//dsss:mutator
func (s *Search) Return(sessions []uint64) {
	s.Held = slices.DeleteFunc(s.Held, func(h Hold) bool {
		gone := slices.Contains(sessions, h.Session)
		if gone {
			s.Pool = append(s.Pool, h.Sub)
		}
		return gone
	})
	s.prune()
}

// order returns how the pool is sorted for Take. No two subproblems are equal in it.
func (s *Search) order() func(a, b Subproblem) int {
	if len(s.Pool) > poolWide {
		return func(a, b Subproblem) int {
			return cmp.Or(cmp.Compare(b.Depth, a.Depth), cmp.Compare(a.Bound, b.Bound), cmp.Compare(a.ID, b.ID))
		}
	}
	return func(a, b Subproblem) int {
		return cmp.Or(cmp.Compare(a.Bound, b.Bound), cmp.Compare(b.Depth, a.Depth), cmp.Compare(a.ID, b.ID))
	}
}

// Finish ends what Take handed out: ids names all of it; nodes is the number of subproblems searched in it; open is what is
// left to search, whose IDs are ignored; tour, of the given length, is the incumbent from now on if it is shorter, and is empty
// if none was found. It happens once: a second Finish of the same ids fails.
//
//dsss:mutator
func (s *Search) Finish(run uint64, rank int32, ids []uint64, nodes int64, open []Subproblem, tour []int32, length int64) error {
	if err := s.check(s.Run, run, rank); err != nil {
		return err
	}
	if err := s.holds(rank, ids); err != nil {
		return err
	}
	if len(tour) != 0 && !isTour(tour, int(s.Cities)) {
		return fmt.Errorf("the tour from rank %d does not visit each of the %d cities once", rank, s.Cities)
	}
	if len(s.Pool)+len(open) > poolMax {
		return fmt.Errorf("the pool holds %d subproblems and takes no %d more", len(s.Pool), len(open))
	}
	s.Held = slices.DeleteFunc(s.Held, func(h Hold) bool { return h.Rank == rank })
	for int(rank) >= len(s.Nodes) {
		s.Nodes = append(s.Nodes, 0)
	}
	s.Nodes[rank] += nodes
	for _, sub := range open {
		s.put(sub)
	}
	if len(tour) != 0 && length < s.Length {
		s.Tour, s.Length = slices.Clone(tour), length
	}
	s.prune()
	return nil
}

// Tell notes that the result of a run is reported.
//
//dsss:mutator
func (s *Search) Tell(run uint64) { s.Told = max(s.Told, run) }

// put copies a subproblem into the pool, under an ID of its own.
func (s *Search) put(sub Subproblem) {
	s.LastID++
	sub = sub.clone()
	sub.ID = s.LastID
	s.Pool = append(s.Pool, sub)
}

// prune drops what the incumbent cuts. Held stays as it is: its explorers see the incumbent themselves.
func (s *Search) prune() {
	s.Pool = slices.DeleteFunc(s.Pool, func(p Subproblem) bool { return p.Bound >= s.Length })
}

// check checks that a call is of the present run and its rank in the table.
func (s *Search) check(present, run uint64, rank int32) error {
	if run != present {
		return fmt.Errorf("run %d does not search; run %d does", run, present)
	}
	if rank < 0 || rank >= ranksMax {
		return fmt.Errorf("rank %d is not between 0 and %d", rank, ranksMax-1)
	}
	return nil
}

// holds checks that ids names what rank holds, all of it and nothing else.
func (s *Search) holds(rank int32, ids []uint64) error {
	count := 0
	for _, h := range s.Held {
		if h.Rank != rank {
			continue
		}
		if !slices.Contains(ids, h.Sub.ID) {
			return fmt.Errorf("rank %d does not name subproblem %d, which it holds", rank, h.Sub.ID)
		}
		count++
	}
	if count != len(ids) || count == 0 {
		return fmt.Errorf("rank %d finishes %d subproblems and holds %d", rank, len(ids), count)
	}
	return nil
}

// isTour tells whether tour visits the cities 0 to n-1 once each.
func isTour(tour []int32, n int) bool {
	seen := make([]bool, n)
	for _, v := range tour {
		if v < 0 || int(v) >= n || seen[v] {
			return false
		}
		seen[v] = true
	}
	return len(tour) == n && n > 0
}

// Best returns the length of the incumbent.
func (s *Search) Best() int64 { return s.Length }

// Room tells whether the pool has room for more: while it has not, workers search on in what they hold.
func (s *Search) Room() bool { return len(s.Pool) < poolMax/2 }

// Waiting tells whether there is something to take.
func (s *Search) Waiting() bool { return len(s.Pool) > 0 }

// Done tells whether the incumbent is proved optimal: nothing is open.
func (s *Search) Done() bool { return s.Cities != 0 && len(s.Pool) == 0 && len(s.Held) == 0 }

// Progress is a summary of a search.
type Progress struct {
	Best  int64   // length of the incumbent
	Bound int64   // no tour is shorter; equal to Best when done
	Open  int     // subproblems in the pool and in hand
	Nodes []int64 // subproblems searched, by rank
}

// Progress returns a summary.
func (s *Search) Progress() Progress {
	p := Progress{Best: s.Length, Bound: s.Length, Open: len(s.Pool) + len(s.Held), Nodes: slices.Clone(s.Nodes)}
	for _, sub := range s.Pool {
		p.Bound = min(p.Bound, sub.Bound)
	}
	for _, h := range s.Held {
		p.Bound = min(p.Bound, h.Sub.Bound)
	}
	return p
}
