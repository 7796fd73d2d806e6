package order

import (
	"fmt"
	"maps"

	"dsss/comm/wire"
	"dsss/internal/stream"
)

// A Table is what the order says so far: a fold over its batches and controls.
type Table struct {
	// Head is the last sequence number given.
	Head uint64
	// Sessions holds, by stream, the last request ordered of every session that has ordered one and has not ended.
	Sessions map[uint64]uint64
	// Ended holds for each rank that ended the newest incarnation that has: one number a rank, however often it ends.
	Ended map[int32]uint64
}

// Clone returns a table of its own.
func (t *Table) Clone() Table {
	return Table{Head: t.Head, Sessions: maps.Clone(t.Sessions), Ended: maps.Clone(t.Ended)}
}

// Replay takes the next batch of a log: count requests of a stream from request on, at sequence. An error says why it is not
// the next; the table is as it was then.
func (t *Table) Replay(stream, request uint64, count uint32, sequence uint64) error {
	if sequence != t.Head+1 || count == 0 {
		return fmt.Errorf("log goes from sequence number %d to %d", t.Head, sequence)
	}
	t.add(stream, request, count)
	return nil
}

func (t *Table) add(stream, request uint64, count uint32) {
	if t.Sessions == nil {
		t.Sessions = map[uint64]uint64{}
	}
	t.Head += uint64(count)
	t.Sessions[stream] = max(t.Sessions[stream], request+uint64(count)-1)
}

// Apply takes what a control of the order means for the table. Every replica does the same, so that tables of one place
// in the order are equal.
func (t *Table) Apply(c *wire.ControlT) { Fold(c, t.Sessions, &t.Ended) }

// Fold applies a control to tables of streams and of ended incarnations.
func Fold(c *wire.ControlT, sessions map[uint64]uint64, ended *map[int32]uint64) {
	switch c.Kind {
	case wire.ControlKindStart:
		if len(c.Starts) == 1 { // the first epoch of a run: no process of an earlier one lives
			for id := range sessions {
				if stream.Session(id) != stream.Coordinator {
					delete(sessions, id)
				}
			}
			clear(*ended)
		}
	case wire.ControlKindEnd:
		for domain := range uint64(stream.Domains) {
			delete(sessions, stream.Of(c.Session, domain))
		}
		if c.Incarnation > (*ended)[c.Rank] {
			if *ended == nil {
				*ended = map[int32]uint64{}
			}
			(*ended)[c.Rank] = c.Incarnation
		}
	}
}

// A Start is where an epoch began: its first batch got the sequence number behind Base. What an earlier epoch ordered
// beyond Base was lost with it. An epoch that began behind hosted calls that are void stands twice: with where those begin, which
// counts for who holds all objects, and with where they end.
type Start struct {
	Epoch uint64 `json:"epoch"`
	Base  uint64 `json:"base"`
}

// A Past is how a replica's past compares with an order.
type Past uint8

// The pasts.
const (
	Follows Past = iota // it is a beginning of the order
	Forked              // it holds what the order does not: the replica may not join
	Ahead               // it is of a later epoch: this coordinator is over
)

// Compare tells whether a replica, of all objects (full) or of the replicated ones, that stands at applied, and was
// welcomed last by the coordinator of epoch (0: by none),
// holds a beginning of the order that has come to head through starts; else why not.
//
// The order of one epoch is one, so only the epochs that came after the replica's can have left it behind: it forked if it
// is beyond where any of them began. Mostly that is the next; but a later one may have lost more, and gone back further.
// This is the leader epoch of Kafka (KIP-101).
func Compare(starts []Start, head, epoch, applied uint64, full bool) (Past, string) {
	end := head
	for i := len(starts) - 1; i >= 0 && starts[i].Epoch > epoch; i-- {
		if !full && i+1 < len(starts) && starts[i+1].Epoch == starts[i].Epoch {
			continue
		}
		end = min(end, starts[i].Base)
	}
	switch own := len(starts) - 1; {
	case epoch == 0 && applied != 0:
		return Forked, fmt.Sprintf("replica stands at sequence number %d, but no coordinator has welcomed it", applied)
	case own >= 0 && epoch > starts[own].Epoch:
		return Ahead, fmt.Sprintf("a coordinator of epoch %d exists, this one is of epoch %d", epoch, starts[own].Epoch)
	case own >= 0 && epoch != 0 && epoch < starts[0].Epoch:
		return Forked, fmt.Sprintf("replica is of epoch %d, and this run of the job began with epoch %d", epoch, starts[0].Epoch)
	case applied > end:
		return Forked, fmt.Sprintf("replica stands at sequence number %d of epoch %d, of which the order kept those up to %d", applied, epoch, end)
	}
	return Follows, ""
}
