package session

import (
	"fmt"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/stream"
	"dsss/runtime/replica"
)

// This file is the sender's part of hosted calls: what the host answers, and how it learns that the answers have come.

// acknowledge puts at the beginning of a hosted batch which results have come, if that is news.
func (q *sender) acknowledge(b *outBatch) {
	s := &q.streams[stream.Hosted]
	if q.results == 0 || s.done <= q.acked {
		return
	}
	before := len(b.frame)
	b.frame = comm.AppendCall(b.frame, q.results, comm.AcknowledgeID, comm.AckArgs(s.done))
	q.took(b, before, nil)
	q.acked, q.owed = s.done, 0
}

// quiet acknowledges what results have come though no call does: while nothing is in flight, so that the host need not keep them.
func (q *sender) quiet() {
	s := &q.streams[stream.Hosted]
	if s.flight > 0 || s.done <= q.acked || q.results == 0 {
		return
	}
	if n := len(q.queue); n > 0 {
		q.close(q.queue[n-1])
	}
	b := q.start(stream.Hosted)
	q.acknowledge(b)
	q.close(b)
	q.acked = b.last() // what it returns itself is kept until the next call
}

// answered takes what hosted calls of ours returned, and returns what of it is news, for settle. Answers come in order, some again;
// those behind a gap were overtaken, and come again, too. What it returns is valid until the next call.
func (q *sender) answered(m *resultOf) (out []answered, err error) {
	s := &q.streams[stream.Hosted]
	out = q.answers[:0]
	defer func() { q.answers = out }()
	all := m.outcomes
	if m.Request > s.done+1 {
		return nil, nil
	}
	var b *outBatch // the oldest
	for request := m.Request; ; request++ {
		outcome, data, ok := all.Next()
		if !ok {
			return out, nil
		}
		if request <= s.done {
			continue
		}
		if b == nil {
			i := q.oldest(stream.Hosted)
			if i < 0 || !q.queue[i].everSent {
				return out, fmt.Errorf("%w: a result of hosted request %d, which we did not send", replica.ErrOrder, request)
			}
			b = q.queue[i]
		}
		if f := b.futures[request-b.request]; f != nil {
			out = append(out, answered{f.(class.Receiver), outcome, data, m.Sequence + (request - m.Request)})
		}
		s.done, q.owed = request, q.owed+len(data)
		if request == b.last() {
			q.spent(q.pop(q.oldest(stream.Hosted)))
			b = nil
		}
	}
}

// An answered call is one whose future is to be resolved.
type answered struct {
	f       class.Receiver
	outcome wire.Outcome
	data    []byte
	seq     uint64
}

// settle puts all outcomes, and then wakes who waits: whoever wakes finds those behind his own there, too.
func settle(answers []answered) {
	for _, a := range answers {
		switch a.outcome {
		case wire.OutcomeLost:
		case wire.OutcomeFailed:
			a.f.Receive(nil, string(a.data))
		default:
			a.f.Receive(a.data, "")
		}
	}
	for i, a := range answers {
		if a.outcome == wire.OutcomeLost {
			a.f.Fail(fmt.Errorf("%w: the host did not keep it until it was asked for again", ErrResultLost))
		} else {
			a.f.Resolve(a.seq)
		}
		answers[i] = answered{}
	}
}
