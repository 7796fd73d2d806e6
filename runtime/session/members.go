package session

import (
	"slices"

	"dsss/comm/wire"
)

// members are the ranks that the job has, as of what our replica has applied.
type members struct {
	ranks   []int
	changed chan struct{} // closed at the next change; nil when nobody waits
	// coming is what the coordinator said last, until our replica has applied what lies before it. The reader's.
	coming *wire.MembersT
}

// Members returns the ranks that the job has now, ascending, and a channel that is closed when they change. What a rank
// that is not among them any more has done is applied to our replica.
func (s *Session) Members() (ranks []int, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.members.changed == nil {
		s.members.changed = make(chan struct{})
	}
	return slices.Clone(s.members.ranks), s.members.changed
}

// reachMembers takes over what the coordinator said about the members, once our replica is as far. The reader calls it.
func (s *Session) reachMembers() {
	m := s.members.coming
	if m == nil || s.replica.Applied() < m.Sequence {
		return
	}
	s.members.coming = nil
	var ranks []int
	for _, r := range m.Ranks {
		ranks = append(ranks, int(r))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(ranks, s.members.ranks) {
		return
	}
	s.members.ranks = ranks
	if s.members.changed != nil {
		close(s.members.changed)
		s.members.changed = nil
	}
}
