package session

import (
	"fmt"
	"slices"

	"dsss/class"
	"dsss/comm"
	"dsss/internal/limits"
	"dsss/internal/stream"
	"dsss/runtime/replica"
)

// A sender is the sending side of a session: its batches from their first call to their application, how much of them was
// written to the present connection, and the window. It has no lock, goroutine, clock or I/O: its owner guards it, tells
// it what happened, and writes what take returns. With the storage of spent batches at hand it allocates nothing.
type sender struct {
	id     uint64
	bounds limits.Bounds
	// queue holds the batches of both streams that are not applied, or answered, yet, oldest first. All but the last are closed to
	// further calls; the last may still gather. queue[:cursor] was handed out for the present connection.
	queue   []*outBatch
	cursor  int
	linked  bool                     // there is a connection
	writing bool                     // what take returned last is being written
	streams [stream.Domains]outgoing // by domain
	results uint32                   // the object that acknowledgements are for; 0: there are no hosted objects
	acked   uint64                   // last hosted request whose result was acknowledged, or need not be
	owed    int                      // bytes of the results behind it that have come
	answers []answered               // storage of what answered returns
	free    []*outBatch
	scratch []*outBatch
	control control
}

// outgoing is one stream of requests.
type outgoing struct {
	next   uint64 // request number of the next call
	done   uint64 // last request whose outcome its caller knows
	flight int    // calls in queue, and of batches that are being applied
	bytes  int    // the same in bytes
}

func newSender(id uint64, bounds limits.Bounds) sender {
	q := sender{id: id, bounds: bounds}
	for domain := range q.streams {
		q.streams[domain].next = 1
	}
	return q
}

// An outBatch is a batch of ours between its first call and its application.
type outBatch struct {
	domain  uint64
	frame   []byte
	request uint64
	futures []class.Future
	pending []pendingCall // at the end of the frame, that later calls may merge into
	// closed: no more calls are added. It is closed before it is first written, and its frame never changes then:
	// a resent batch is the same bytes, which is what lets the coordinator recognise it.
	closed bool
	// everSent: it may have reached the coordinator.
	everSent bool
	// written: the write that carried it has returned, so its storage may be used again.
	written bool
}

// fail fails what waits for the batch's calls.
func (b *outBatch) fail(err error) {
	for _, f := range b.futures {
		if f != nil {
			f.Fail(err)
		}
	}
}

// last returns the request number of the batch's last call.
func (b *outBatch) last() uint64 { return b.request + uint64(len(b.futures)) - 1 }

// A parcel is what is to be written in one go: messages, batches behind them, and queries behind those, because they ask for what the
// batches do.
type parcel struct {
	messages []byte
	batches  []*outBatch
	queries  []byte
}

// full tells whether the window of a domain is: begin must wait. Each has its own, so that a host that is slow, or not there,
// holds nobody up who does not wait for it.
func (q *sender) full(domain uint64) bool {
	s := &q.streams[domain]
	return s.flight >= q.bounds.Window || s.bytes >= q.bounds.WindowBytes
}

// begin opens a call at the end of the batch that gathers, and returns its frame so far. commit or abort must follow.
func (q *sender) begin(domain uint64, object, method uint32) []byte {
	return comm.BeginCall(q.gathering(domain).frame, object, method)
}

// gathering returns the batch at the end of the queue if it still gathers and is of that domain, or starts one: batches are cut
// where the domain changes, so that calls keep their order.
func (q *sender) gathering(domain uint64) *outBatch {
	if n := len(q.queue); n > 0 {
		if b := q.queue[n-1]; !b.closed && b.domain == domain && len(b.frame) < q.bounds.BatchAim {
			return b
		}
		q.close(q.queue[n-1])
	}
	b := q.start(domain)
	if s := &q.streams[stream.Hosted]; domain == stream.Hosted && (s.done >= q.acked+uint64(q.bounds.AckCalls) || q.owed >= q.bounds.AckBytes) {
		q.acknowledge(b)
	}
	return b
}

// start adds a batch to the queue.
func (q *sender) start(domain uint64) *outBatch {
	var b *outBatch
	if n := len(q.free); n > 0 {
		b, q.free = q.free[n-1], q.free[:n-1]
	} else {
		b = &outBatch{}
	}
	*b = outBatch{domain: domain, frame: comm.BeginBatch(b.frame), request: q.streams[domain].next, futures: b.futures[:0], pending: b.pending[:0]}
	q.queue = append(q.queue, b)
	return b
}

func (q *sender) close(b *outBatch) {
	if !b.closed {
		b.closed = true
		comm.FinishBatch(b.frame, stream.Of(q.id, b.domain), b.request, uint32(len(b.futures)))
	}
}

// commit takes the call that begin opened; frame has its arguments at the end. An error means that the call was not taken.
func (q *sender) commit(frame []byte, f class.Future) error {
	b := q.queue[len(q.queue)-1]
	before := len(b.frame)
	if size := len(frame) - before; size > limits.Call {
		q.abort()
		return tooLarge(size)
	}
	b.frame = comm.EndCall(frame, before)
	q.took(b, before, f)
	return nil
}

// took accounts for a call that was added to a batch whose frame was before bytes long.
func (q *sender) took(b *outBatch, before int, f class.Future) {
	s := &q.streams[b.domain]
	b.futures = append(b.futures, f)
	s.next++
	s.flight++
	s.bytes += len(b.frame) - before
}

func tooLarge(size int) error {
	return fmt.Errorf("%w: %w: %d bytes, at most %d fit", ErrNotApplied, ErrTooLarge, size, limits.Call)
}

// abort gives up the call that begin opened.
func (q *sender) abort() {
	if n := len(q.queue) - 1; len(q.queue[n].futures) == 0 {
		q.queue = q.queue[:n] // it was begun for this call
	}
}

// due tells whether there is something to write and nobody who does: whoever writes, or connects, looks again.
func (q *sender) due() bool {
	return q.linked && !q.writing && (q.cursor < len(q.queue) || q.control.due)
}

// take returns what is due, and closes its batches; wrote must follow once it is written. applied is where the replica
// stands. The batches are valid until then, and are the sender's.
func (q *sender) take(applied uint64) (p parcel) {
	q.writing = true
	if q.control.due {
		p.messages, p.queries = q.control.take(q.id, applied, q.idle())
	}
	p.batches = append(q.scratch[:0], q.queue[q.cursor:]...)
	for _, b := range p.batches {
		q.close(b)
		b.everSent = true
		b.written = false // not on this connection: it may be applied, but not reused, before the write returns
	}
	q.cursor = len(q.queue)
	return p
}

// wrote notes that a write has returned. A failed one needs no handling: the reader sees the connection break, and link
// moves the cursor back.
func (q *sender) wrote(p parcel) {
	for i, b := range p.batches {
		b.written = true
		p.batches[i] = nil
	}
	q.scratch = p.batches[:0]
	q.writing = false
}

// link begins a connection to a coordinator that has ordered our requests, by domain, up to those: from the first that it has not
// on, all is due again, and what it has is dropped there. An error says that it has lost hosted requests whose results we had.
func (q *sender) link(ordered [stream.Domains]uint64) error {
	if s := &q.streams[stream.Hosted]; ordered[stream.Hosted] < s.done {
		return fmt.Errorf("%w: the order has lost our hosted requests %d to %d, which had been answered: coordinator and host ended at once", ErrEvicted, ordered[stream.Hosted]+1, s.done)
	}
	q.linked, q.cursor = true, 0
	for q.cursor < len(q.queue) && q.queue[q.cursor].last() <= ordered[q.queue[q.cursor].domain] {
		q.queue[q.cursor].closed = true
		q.cursor++
	}
	q.control.again()
	return nil
}

// unlink says that the connection is gone.
func (q *sender) unlink() {
	q.linked = false
	q.control.forget()
}

// own removes our batch that begins with request from the queue, because the replica is about to apply it; spent follows
// when it has.
func (q *sender) own(request uint64, count uint32) (*outBatch, error) {
	i := q.oldest(stream.Replicated)
	if i < 0 || q.queue[i].request != request || len(q.queue[i].futures) != int(count) {
		return nil, fmt.Errorf("%w: a batch of ours that we did not send: %d calls from request %d", replica.ErrOrder, count, request)
	}
	return q.pop(i), nil
}

// oldest returns the place of a domain's first batch; -1: there is none.
func (q *sender) oldest(domain uint64) int {
	return slices.IndexFunc(q.queue, func(b *outBatch) bool { return b.domain == domain })
}

func (q *sender) pop(i int) *outBatch {
	b := q.queue[i]
	q.queue = slices.Delete(q.queue, i, i+1) // few, and the storage is used again
	if i < q.cursor {
		q.cursor--
	}
	return b
}

// spent accounts for a batch whose futures have been resolved.
func (q *sender) spent(b *outBatch) {
	q.account(b)
	clear(b.futures)
	clear(b.pending)
	if b.written && cap(b.frame) <= 2*q.bounds.BatchAim && len(q.free) < q.bounds.Spare {
		q.free = append(q.free, b)
	}
}

func (q *sender) account(b *outBatch) {
	s := &q.streams[b.domain]
	s.done = b.last()
	s.flight -= len(b.futures)
	s.bytes -= len(b.frame) - comm.EmptyBatch
}

// idle tells whether nothing of ours is in flight.
func (q *sender) idle() bool {
	return q.streams[stream.Replicated].flight == 0 && q.streams[stream.Hosted].flight == 0
}

// done returns the last request of each domain whose outcome its caller knows.
func (q *sender) done() (done [stream.Domains]uint64) {
	for domain := range done {
		done[domain] = q.streams[domain].done
	}
	return done
}

// caughtUp removes the batches up to request, which a state holds that the replica was caught up with: their callers are
// to be told that the results are lost.
func (q *sender) caughtUp(request uint64) (lost []*outBatch) {
	for {
		i := q.oldest(stream.Replicated)
		if i < 0 || len(q.queue[i].futures) == 0 || q.queue[i].last() > request {
			break
		}
		b := q.pop(i)
		q.account(b)
		lost = append(lost, b)
	}
	q.cursor = 0
	return lost
}

// end gives up everything, and returns the batches whose callers are to be told.
func (q *sender) end(reason error) []*outBatch {
	q.control.end(reason, q.idle())
	batches := q.queue
	q.queue, q.cursor, q.linked = nil, 0, false
	for domain := range q.streams {
		q.streams[domain].flight, q.streams[domain].bytes = 0, 0
	}
	return batches
}
