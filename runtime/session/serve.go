package session

import (
	"bytes"
	"errors"
	"fmt"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/replica"
)

var errManyQueries = errors.New("the host has too many questions that wait: ask fewer at a time")

// A server is the host's part of a follower: it answers what hosted calls returned and what queries ask. Answers are lost with the
// connection: on the next one all that is retained is sent again, and queries are asked again. It belongs to the reader.
type server struct {
	replica *replica.Replica
	waiting []*wire.QueryT // that came before the replica was as far as they ask for; in order of arrival, and so of head
	replies []byte         // frames to be written; the owner takes them
}

func newServer(r *replica.Replica) *server {
	v := &server{replica: r}
	r.OnResult(v.result)
	return v
}

// result answers what calls returned.
func (v *server) result(frame []byte) { v.replies = append(v.replies, frame...) }

// again begins a connection: all results that are retained are sent, and no query has been asked.
func (v *server) again() {
	v.waiting, v.replies = nil, nil
	v.replica.Results(0, v.result)
}

// ask takes a query, whose arguments are the connection's.
func (v *server) ask(q *wire.QueryT) {
	if len(v.waiting) >= limits.Queries {
		v.answer(q, &class.Reply{Err: errManyQueries})
		return
	}
	q.Args = bytes.Clone(q.Args)
	v.waiting = append(v.waiting, q)
	v.serve()
}

// serve answers the queries that the replica is far enough for.
func (v *server) serve() {
	n, applied := 0, v.replica.Applied()
	for n < len(v.waiting) && v.waiting[n].Head <= applied {
		q, r := v.waiting[n], new(class.Reply)
		if q.Method != 0 {
			v.replica.Read(q.Object, q.Method, q.Args, r)
		}
		v.answer(q, r)
		v.waiting[n] = nil
		n++
	}
	v.waiting = v.waiting[n:]
}

func (v *server) answer(q *wire.QueryT, r *class.Reply) {
	m := &wire.AnswerT{Session: q.Session, Id: q.Id, Data: r.Data}
	if r.Err == nil && len(r.Data) > limits.Call {
		r.Err = fmt.Errorf("%w: the result of the getter has %d bytes, at most %d fit", ErrTooLarge, len(r.Data), limits.Call)
	}
	if r.Err != nil {
		m.Outcome, m.Data = wire.OutcomeFailed, []byte(replica.ErrorText(r.Err))
	}
	v.replies = append(v.replies, comm.Frame(comm.KindAnswer, m)...)
}

// take returns what is to be written.
func (v *server) take() []byte {
	if v == nil {
		return nil
	}
	replies := v.replies
	v.replies = nil
	return replies
}
