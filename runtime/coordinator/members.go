package coordinator

import (
	"maps"
	"slices"

	"dsss/comm"
	"dsss/comm/wire"
)

// A rank is a member from its first connection until its process has ended, or it has left: a connection that breaks
// does not change that. Workers are told when the members change, so that somebody else may take up what one had in hand.

// membersOf are the members that a coordinator begins with when it takes over.
func membersOf(expect []int32) map[int32]bool {
	m := map[int32]bool{}
	for _, rank := range expect {
		if rank != keeperRank {
			m[rank] = true
		}
	}
	return m
}

// memberLocked tells s who is a member, and everybody else when s is new.
func (c *coordinator) memberLocked(s *subscriber) {
	if c.members[s.rank] {
		s.post(c.membersFrameLocked())
		return
	}
	c.members[s.rank] = true
	c.tellMembersLocked()
}

// memberGoneLocked tells everybody that a rank is no member any more. Nothing of it is ordered after this.
func (c *coordinator) memberGoneLocked(rank int32) {
	if c.members[rank] {
		delete(c.members, rank)
		c.tellMembersLocked()
	}
}

func (c *coordinator) tellMembersLocked() {
	frame := c.membersFrameLocked()
	for s := range c.subs {
		if s.role == wire.RoleWorker {
			s.post(frame)
		}
	}
}

func (c *coordinator) membersFrameLocked() []byte {
	m := &wire.MembersT{}
	if c.seq != nil {
		m.Sequence = c.seq.Head()
	}
	for _, rank := range slices.Sorted(maps.Keys(c.members)) {
		m.Ranks = append(m.Ranks, uint64(rank))
	}
	return comm.Frame(comm.KindMembers, m)
}
