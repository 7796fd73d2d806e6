package dsss

import (
	"math/rand/v2"
	"time"
)

// Order is what the coordinator decided about one mutation: its sequence number, its session, and the only clock
// and randomness that a mutator may use. It is the same on every replica. A mutator that wants it has it as its first
// parameter.
type Order struct {
	// Seq is the mutation's sequence number: its place in the one order. The first is 1.
	Seq uint64
	// Session is the worker incarnation that called.
	Session uint64
	// Nanos is the coordinator's clock when it ordered the batch, in nanoseconds since the Unix epoch.
	Nanos int64
}

// Time is the coordinator's clock when it ordered the mutation, in UTC: the only clock that a mutator may read.
func (o Order) Time() time.Time { return time.Unix(0, o.Nanos).UTC() }

// Rand returns a random source seeded by the sequence number, the only randomness that a mutator may use: all
// replicas draw the same numbers. It is not for secrets.
func (o Order) Rand() *rand.Rand { return rand.New(rand.NewPCG(o.Seq, uint64(o.Nanos))) }
