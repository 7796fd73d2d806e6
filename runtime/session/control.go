package session

import (
	"slices"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/stream"
)

// control is what a session has to say to the coordinator beside its batches, and what it waits to hear. It is the
// sender's: no lock, goroutine, clock or I/O.
type control struct {
	due       bool        // something of what follows is to be written
	questions []*Question // one for each caller that waits; oldest first
	asked     uint64      // last question's number
	position  bool        // say how far our replica is
	progress  []byte      // the newest line of text; nil: none that is not written
	posts     [][]byte    // frames that need no answer and are lost with the connection; at most limits.Posts
	replies   []byte      // frames of the host, lost likewise; bounded by the windows of those who asked
}

// A Question is an operation that waits for an answer of the coordinator, for our replica, or for both. It is asked again
// after a reconnect.
type Question struct {
	kind     comm.Kind // of the question; 0: nothing is asked
	id       uint64
	frame    []byte
	said     bool                   // on the present connection
	ever     bool                   // said on any
	answered bool                   // what is left to wait for is the replica
	head     uint64                 // it ends once the replica has applied this sequence number
	requests [stream.Domains]uint64 // and these requests of ours are done
	query    wire.QueryT            // what is asked the host
	position Position
	err      error
	done     chan struct{}
}

// A Position is where the job is, as the coordinator sees it.
type Position struct {
	Head  uint64       // last sequence number that anybody may have seen; of a Save: that of the checkpoint
	Stats *wire.StatsT // of a question for them
	// Outcome and Data are what the host answered.
	Outcome wire.Outcome
	Data    []byte
}

// An answer is what the coordinator says to a question.
type answer struct {
	kind     comm.Kind // of the question
	id       uint64
	head     uint64 // the replica is to apply this before its caller goes on
	position Position
	err      error
}

// Done is closed when the operation has ended; Result says how.
func (x *Question) Done() <-chan struct{} { return x.done }

// Result returns the outcome. It is valid once Done is closed.
func (x *Question) Result() (Position, error) { return x.position, x.err }

func (x *Question) end(err error) {
	x.err = err
	close(x.done)
}

// ask adds a question. atleast is what a checkpoint has to hold, of a Save.
func (c *control) ask(session uint64, x *Question, atleast uint64) {
	c.asked++
	x.id = c.asked
	switch x.kind {
	case comm.KindSync:
		x.frame = comm.Frame(x.kind, &wire.SyncT{Id: x.id, Session: session})
	case comm.KindStats:
		x.frame = comm.Frame(comm.KindSync, &wire.SyncT{Id: x.id, Session: session, Stats: true})
	case comm.KindSave:
		x.frame = comm.Frame(x.kind, &wire.SaveT{Id: x.id, Atleast: atleast, Session: session})
	case comm.KindQuery:
		x.query.Session, x.query.Id = session, x.id
		x.frame = comm.Frame(x.kind, &x.query)
		x.query = wire.QueryT{} // its arguments are the caller's
	case comm.KindLeave:
		x.frame = comm.Frame(x.kind, &wire.LeaveT{Session: session})
	default:
		x.answered = true
	}
	c.questions = append(c.questions, x)
	c.due = c.due || !x.answered
}

// drop forgets a question whose caller has gone.
func (c *control) drop(x *Question) {
	c.questions = slices.DeleteFunc(c.questions, func(y *Question) bool { return y == x })
}

// post adds a frame that needs no answer.
func (c *control) post(frame []byte, most int) {
	if len(c.posts) >= most {
		c.posts = slices.Delete(c.posts, 0, len(c.posts)-most+1)
	}
	c.posts = append(c.posts, frame)
	c.due = true
}

// take returns the frames that are to be written now, and apart those of queries, which come behind the batches that are. A Leave waits
// until nothing of ours is in flight.
func (c *control) take(session, applied uint64, idle bool) (frames, queries []byte) {
	for _, x := range c.questions {
		switch {
		case x.said || x.answered || x.kind == comm.KindLeave && !idle:
			continue
		case x.kind == comm.KindQuery:
			queries = append(queries, x.frame...)
		default:
			frames = append(frames, x.frame...)
		}
		x.said, x.ever = true, true
	}
	frames = append(frames, c.progress...)
	for _, f := range c.posts {
		frames = append(frames, f...)
	}
	frames = append(frames, c.replies...)
	if c.position {
		frames = append(frames, heartbeat(session, applied)...)
	}
	c.forget()
	return frames, queries
}

// forget drops what is lost with a connection.
func (c *control) forget() {
	c.due, c.position, c.progress, c.posts, c.replies = false, false, nil, nil, nil
}

// again has every question asked on a new connection. Those whose answer the replica has not reached yet are, too: the
// answer may have been about an order that did not go on.
func (c *control) again() {
	for _, x := range c.questions {
		if x.kind != 0 {
			x.said, x.answered, c.due = false, false, true
		}
	}
}

// askHost has what the host has not answered asked again: there is another.
func (c *control) askHost() {
	for _, x := range c.questions {
		if x.kind == comm.KindQuery && !x.answered {
			x.said, c.due = false, true
		}
	}
}

// answer takes an answer; one that nobody waits for is passed by.
func (c *control) answer(a answer) {
	for _, x := range c.questions {
		if x.kind == a.kind && x.id == a.id {
			x.answered, x.head, x.position, x.err = true, a.head, a.position, a.err
		}
	}
}

// settle ends the questions that have been answered, whose sequence number the replica has applied, and whose request is
// done, and has a Leave said that waited until nothing of ours was in flight (idle). It returns the least sequence number
// that is left to wait for; 0 when a request is.
func (c *control) settle(applied uint64, done [stream.Domains]uint64, idle bool) (least uint64) {
	least = ^uint64(0)
	c.questions = slices.DeleteFunc(c.questions, func(x *Question) bool {
		switch {
		case !x.answered:
			c.due = c.due || x.kind == comm.KindLeave && !x.said && idle
			return false
		case x.head > applied || x.requests[stream.Replicated] > done[stream.Replicated] || x.requests[stream.Hosted] > done[stream.Hosted]:
			least = min(least, x.head)
			return false
		}
		x.end(x.err)
		return true
	})
	return least
}

// end ends every question for a reason. One that leaves has got what it wanted if nothing of ours was in flight when it was
// said, or is (idle).
func (c *control) end(reason error, idle bool) {
	for _, x := range c.questions {
		if x.kind == comm.KindLeave && (x.ever || idle) {
			x.end(nil)
		} else {
			x.end(reason)
		}
	}
	c.questions = nil
	c.forget()
}

// heartbeat says how far a session's replica is.
func heartbeat(session, applied uint64) []byte {
	return comm.Frame(comm.KindHeartbeat, &wire.HeartbeatT{Applied: applied, Session: session})
}
