package coordinator

import "dsss/comm/wire"

// behind tells whether the log has something for the cursor.
func (p *Peer) behind() bool {
	if p.all {
		return p.cursor.Next() <= p.c.commit.Load()
	}
	return p.cursor.Next() <= p.c.replicated.Load() && p.cursor.Next() <= p.c.commit.Load()
}

// reached returns the sequence number up to which the peer has been written all that it is to have of the log.
func (p *Peer) reached() uint64 {
	commit := p.c.commit.Load() // first: what is loaded next may lie behind it, and none of domain 0 is left out then
	replicated, next := p.c.replicated.Load(), p.cursor.Next()
	if !p.all && replicated < next {
		return max(commit, next-1)
	}
	return next - 1
}

// Heartbeat says how far the order is, and what replicas may forget; nil while a frame is half written. The write side is held.
func (p *Peer) Heartbeat() []byte {
	if p.held.Load() {
		return nil
	}
	beat := &wire.HeartbeatT{Stable: p.c.stable.Load()}
	if p.using != nil && !p.astray && !p.states.Load() {
		beat.Applied = p.reached()
	}
	return frameOf(beat)
}
